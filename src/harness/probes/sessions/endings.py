"""Sessions that must be over: after log-out and after a change of password, the old token opens nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import Role
from harness.probes.http.answers import Answer
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import attempts
from harness.probes.scene.destruction import changes_password, logs_out
from harness.probes.scene.scene import Asker, Scene, Untestable

STAGE, ENGINE = "sessions", "probes"


@dataclass(frozen=True)
class Ended:
    """What became of the old session, or of a forged write. `tried` is false where it could not be tried, with the reason.

    `offered`: the document has a way to end the session so; where none of these could be tried, nothing can be said.
    """

    role: str
    tried: bool
    finding: Finding | None = None
    note: str = ""
    operation: str = ""  # what was tried, where a role has several
    offered: bool = False


def log_out_of(scene: Scene, role: Role) -> Operation | None:
    """The operation that logs the role out: by its path, id or summary, or the one that deletes one's own session."""
    return next((op for op in _callable(scene, role) if op.method != "HEAD" and logs_out(op)), None)


def password_change_of(scene: Scene, role: Role) -> Operation | None:
    """The operation that changes one's own password: it takes the old one and a new one."""
    return next((op for op in _callable(scene, role) if changes_password(scene.document, op)), None)


def _callable(scene: Scene, role: Role) -> list[Operation]:
    return [op for op in scene.document.operations if op.is_secured and scene.permissions.of(op, role).permitted is not False]


def witness_of(scene: Scene, asker: Asker) -> Request:
    """A reading request that the asker's session opens and that nobody else's does.

    Raises:
        Untestable: there is none.
    """
    role = scene.world.target.role(asker.role)
    for operation in _callable(scene, role):
        if operation.method == "GET" and "{" not in operation.path:
            request = scene.draft(operation, asker).request(asker.role, asker.user)
            if scene.world.send(request).is_success:
                return request
    raise Untestable(f"no reading operation without parameters succeeds as {asker.role}")


def examine_log_out(scene: Scene, role: Role) -> Ended:
    """Logs in, logs out and uses the old token."""
    operation = log_out_of(scene, role)
    if operation is None:
        return Ended(role.name, False, note=f"the document has no log-out for {role.name}")
    asker = Asker.first_of(role)
    try:
        scene.world.forget(asker.role, asker.user)
        witness = witness_of(scene, asker)
        done = next((call for call in attempts(scene, operation, asker) if call.answer.is_success), None)
    except (Untestable, HarnessError) as error:
        return Ended(role.name, False, note=str(error), offered=True)
    if done is None:
        return Ended(role.name, False, note=f"{operation.name} did not succeed", offered=True)
    after = scene.world.send(witness, renew=False)
    if not after.is_success:
        return Ended(role.name, True)
    return Ended(role.name, True, _alive(operation, role, after, (done.request, witness), "log-out"))


def examine_password_change(scene: Scene, role: Role) -> Ended:
    """Logs in twice, changes the password in one session, and uses the other; then the old password."""
    operation = password_change_of(scene, role)
    if operation is None:
        return Ended(role.name, False, note=f"the document has no change of password for {role.name}")
    asker = Asker(role.name, role.users[-1].name)
    other = Asker(role.name, f"{asker.user}#2")
    try:
        scene.world.credential(other.role, other.user)
        witness = replace(witness_of(scene, asker), user=other.user)
        done = next((call for call in attempts(scene, operation, asker) if call.answer.is_success), None)
    except (Untestable, HarnessError) as error:
        return Ended(role.name, False, note=str(error), offered=True)
    if done is None:
        return Ended(role.name, False, note=f"{operation.name} did not succeed", offered=True)
    after = scene.world.send(witness, renew=False)
    if after.is_success:
        return Ended(role.name, True, _alive(operation, role, after, (witness, done.request, witness), "a change of password"))
    if _old_password_works(scene, asker):
        return Ended(role.name, True, _old_password(operation, role, done.request, done.answer))
    return Ended(role.name, True)


def _old_password_works(scene: Scene, asker: Asker) -> bool:
    try:
        scene.world.door.sign_in(*scene.world.user(asker.role, asker.user))
    except HarnessError:
        return False
    return True


def _alive(operation: Operation, role: Role, answer: Answer, steps: tuple[Request, ...], what: str) -> Finding:
    return Finding(
        rule="sessions.alive-after-log-out" if what == "log-out" else "sessions.alive-after-password-change",
        title=f"The token of {role.name} still works after {what}",
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=role.name,
        cwe=613,
        owasp="API2:2023",
        expected=f"After {operation.name} the old token is answered 401.",
        observed=f"{steps[-1].method} {steps[-1].path} with the old token was answered {answer.status}.",
        why="A token that was stolen keeps working, and its owner has no way to stop it.",
        advice=f"Let {operation.name} revoke the token (its id, or the credential's version), and ask for it on every request.",
        steps=steps,
        symptom=Symptom(status=(answer.status,)),
        parts=("2.1.6.a",),
    )


def _old_password(operation: Operation, role: Role, request: Request, answer: Answer) -> Finding:
    """Without requests: the change itself is answered alike where it is done, and only a log-in afterwards tells."""
    finding = _alive(operation, role, answer, (request,), "a change of password")
    return replace(
        finding,
        rule="sessions.old-password-works",
        title=f"{role.name} still logs in with the old password after {operation.name} answered {answer.status}",
        expected="Only the new password logs in.",
        observed="The old password still logs in.",
        why="Whoever knows the old password keeps the account.",
        advice="Store the new password's hash in the place of the old one, and let the log-in look at nothing else.",
        steps=(),
        symptom=Symptom(),
    )
