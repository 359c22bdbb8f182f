"""Refresh tokens, by trying them: good once, and over with the session that they belong to.

A second use is called a defect only where both uses gave a session of its own and both sessions open something: a platform that
answers a repeated request with the same session again (a lost answer, asked for once more) gives nothing away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import Role
from harness.model.weakness import Place, Weakness
from harness.probes.http.answers import Answer
from harness.probes.http.door import Credential
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import attempts
from harness.probes.scene.refresh_tokens import refresh_cookie, refresh_member, refresh_token_in, session_in, takes_cookie
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.sessions.endings import ENGINE, STAGE, Ended, log_out_of, password_change_of, witness_of

_REUSABLE = Weakness(
    "sessions.refresh-token-reusable",
    Severity.MEDIUM,
    613,
    "API2:2023",
    "A refresh token is good once: its use gives a new one, and a second use is refused (RFC 9700, 4.14.2).",
    "Whoever gets hold of a refresh token makes sessions with it beside its owner's, and neither of them notices.",
    "Delete the token in the statement that accepts it, and give a new one with the session. A token that comes a second time "
    "was stolen: end every session that came from the same log-in.",
    ("2.1.6.a",),
)
_OUTLIVES = "The session that was ended is made anew by whoever has its refresh token, and its owner has no way to stop it."
_AFTER_LOG_OUT = Weakness(
    "sessions.refresh-after-log-out",
    Severity.HIGH,
    613,
    "API2:2023",
    "After a log-out the refresh token of its session is refused with 401.",
    _OUTLIVES,
    "Let the log-out delete the refresh tokens of the session too.",
    ("2.1.6.a",),
)
_AFTER_PASSWORD_CHANGE = Weakness(
    "sessions.refresh-after-password-change",
    Severity.HIGH,
    613,
    "API2:2023",
    "After a change of password the refresh tokens of the user's other sessions are refused with 401.",
    _OUTLIVES,
    "Let the change of password delete the refresh tokens of all other sessions of the user too.",
    ("2.1.6.a",),
)
_EndOf = Callable[[Scene, Role], "Operation | None"]


def refresh_of(scene: Scene, role: Role) -> Operation | None:
    """The operation that gives the role a new session for a refresh token, in a member of its body or else in a cookie."""
    for takes in (refresh_member, takes_cookie):
        for operation in scene.document.operations:
            may = not operation.is_secured or scene.permissions.of(operation, role).permitted is not False
            if may and takes(scene.document, operation):
                return operation
    return None


def examine_refresh(scene: Scene, role: Role) -> Ended:
    """Uses the refresh token of one log-in twice, and both sessions that this gives."""
    return _bounded(role, lambda: _used_twice(scene, role))


def examine_refresh_after_log_out(scene: Scene, role: Role) -> Ended:
    """Logs in, logs out and uses the refresh token."""
    return _bounded(role, lambda: _used_after(scene, role, log_out_of, "log-out"))


def examine_refresh_after_password_change(scene: Scene, role: Role) -> Ended:
    """Logs in twice, changes the password in one session and uses the refresh token of the other."""
    return _bounded(role, lambda: _used_after(scene, role, password_change_of, "change of password"))


def _bounded(role: Role, examine: Callable[[], Ended]) -> Ended:
    try:
        return examine()
    except (Untestable, HarnessError) as error:
        return Ended(role.name, False, note=str(error))


def _used_twice(scene: Scene, role: Role) -> Ended:
    operation, asker = _begun(scene, role, "refresh-twice")
    request, witness = _request(scene, operation, asker), _witness(scene, role)
    first = _sent(scene, operation, request)
    session = session_in(first, role.login)
    if session is None:
        why = "gave no session that is read as that of the log-in is" if first.is_success else f"was answered {first.status}"
        return Ended(role.name, False, note=f"{operation.name} with the refresh token of a new log-in {why}")
    second = _sent(scene, operation, request)
    again = session_in(second, role.login)
    # Two tokens for one session may be alike to the letter when they were made in the same second.
    is_repeated = again is not None and _same(again, session) and refresh_token_in(first.json) == refresh_token_in(second.json)
    if again is None or is_repeated or not _all_open(scene, witness, (session, again)):
        return Ended(role.name, True)
    return Ended(role.name, True, _reusable(operation, role, second, request))


def _used_after(scene: Scene, role: Role, end_of: _EndOf, what: str) -> Ended:
    operation, asker = _begun(scene, role, f"refresh-{what.replace(' ', '-')}")
    end = end_of(scene, role)
    if end is None:
        return Ended(role.name, False, note=f"the document has no {what} for {role.name}")
    request, witness = _request(scene, operation, asker), _witness(scene, role)
    _demand_works(scene, operation, role)
    caller = asker if what == "log-out" else Asker(role.name, f"{role.users[0].name}#refresh-changing")
    done = next((call for call in attempts(scene, end, caller) if call.answer.is_success), None)
    if done is None:
        return Ended(role.name, False, note=f"{end.name} did not succeed")
    after = _sent(scene, operation, request)
    session = session_in(after, role.login)
    if session is None or not _all_open(scene, witness, (session,)):
        return Ended(role.name, True)
    return Ended(role.name, True, _alive(operation, role, after, (done.request, request), (end, what)))


def _begun(scene: Scene, role: Role, session: str) -> tuple[Operation, Asker]:
    """The operation that takes the token, and a session of the role's first user that has one.

    Raises:
        Untestable: there is no such operation, or the log-in gives no such token.
    """
    operation = refresh_of(scene, role)
    if operation is None:
        raise Untestable(f"the document has no operation that takes a refresh token of {role.name}")
    asker = Asker(role.name, f"{role.users[0].name}#{session}")
    credential = scene.world.credential(asker.role, asker.user)
    in_cookie = takes_cookie(scene.document, operation)
    if not (refresh_cookie(credential) if in_cookie else credential.refresh_token):
        where = "a cookie" if in_cookie else "its answer"
        raise Untestable(f"the log-in of {role.name} gives no refresh token in {where}")
    return operation, asker


def _demand_works(scene: Scene, operation: Operation, role: Role) -> None:
    """The twin: the token of another log-in gives a session, so that a refusal afterwards proves something."""
    _, other = _begun(scene, role, "refresh-twin")
    answer = _sent(scene, operation, _request(scene, operation, other))
    scene.world.forget(other.role, other.user)
    if session_in(answer, role.login) is None:
        raise Untestable(f"{operation.name} with the refresh token of a new log-in gave no session ({answer.status})")


def _request(scene: Scene, operation: Operation, asker: Asker) -> Request:
    return scene.draft(operation, asker).with_body(scene.bodies(operation)[0]).request(asker.role, asker.user)


def _witness(scene: Scene, role: Role) -> Request:
    """A reading request that a session opens and that nobody can send without one.

    Raises:
        Untestable: there is none.
    """
    witness = witness_of(scene, Asker(role.name, f"{role.users[0].name}#refresh-witness"))
    if scene.world.send_as(witness, scene.anonymous).is_success:
        raise Untestable(f"{witness.path} is shown to nobody too, so it proves no session")
    return witness


def _sent(scene: Scene, operation: Operation, request: Request) -> Answer:
    """Sent as it is, and never with the token of a log-in that was made for it. A cookie goes alone: no session helps it."""
    if takes_cookie(scene.document, operation):
        cookie = refresh_cookie(scene.world.credential(request.role, request.user))
        return scene.world.send_as(request, cookie or scene.anonymous)
    if operation.is_secured:
        return scene.world.send(request, renew=False)
    return scene.world.send_as(request, scene.anonymous)


def _same(one: Credential, other: Credential) -> bool:
    return (one.headers, one.cookies) == (other.headers, other.cookies)


def _all_open(scene: Scene, witness: Request, sessions: Sequence[Credential]) -> bool:
    return all(scene.world.send_as(witness, session).is_success for session in sessions)


def _reusable(operation: Operation, role: Role, answer: Answer, request: Request) -> Finding:
    observed = (
        f"{role.name} sent the refresh token of one log-in twice in turn. Both times a session came back (the second time with "
        f"{answer.status}), and both sessions open what only {role.name} is shown."
    )
    title = f"{operation.name} takes the same refresh token twice"
    return _said(_REUSABLE, operation, role, (title, observed), answer, (request, request))


def _alive(operation: Operation, role: Role, answer: Answer, steps: tuple[Request, ...], ended: tuple[Operation, str]) -> Finding:
    end, what = ended
    observed = (
        f"{role.name} logged in, {end.name} succeeded, and the refresh token from before was answered {answer.status} with a "
        "session that works."
    )
    weakness = _AFTER_LOG_OUT if what == "log-out" else _AFTER_PASSWORD_CHANGE
    title = f"{operation.name} takes a refresh token after the {what}"
    return _said(weakness, operation, role, (title, observed), answer, steps)


def _said(
    weakness: Weakness, operation: Operation, role: Role, said: tuple[str, str], answer: Answer, steps: tuple[Request, ...]
) -> Finding:
    title, observed = said
    return weakness.finding(
        Place(operation.name, "", role.name),
        stage=STAGE,
        engine=ENGINE,
        title=title,
        observed=observed,
        steps=steps,
        symptom=Symptom(status=(answer.status,)),
        confidence=Confidence.MEDIUM,
    )
