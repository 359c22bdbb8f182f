"""Passwords that are asked for and not looked at: a log-in with a wrong one, and a change that takes any for the present one."""

from __future__ import annotations

import secrets
from dataclasses import replace

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import Role
from harness.probes.http.answers import Answer
from harness.probes.http.door import Credential
from harness.probes.http.exchange import PASSWORD, USERNAME, World
from harness.probes.http.log_in_requests import log_in_request
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.sessions.endings import ENGINE, STAGE, Ended, password_change_of, witness_of

PARTS = ("7.3.4.a",)
_WRONG_BYTES = 12


def examine_log_in(scene: Scene, role: Role) -> Ended:
    """Logs in once with a password that is not the user's, and uses the session that it gets."""
    login, asker = role.login, Asker(role.name, role.users[-1].name)
    if login.kind not in ("json", "form") or not login.body:
        return Ended(role.name, False, note=f"{role.name} sends no password")
    _, user = scene.world.user(asker.role, asker.user)
    try:
        witness = witness_of(scene, asker)
        wrong = _wrong()
        credential = _admitted(scene, role, asker, wrong)
        answer = scene.world.send_as(witness, credential) if credential is not None else None
    except (Untestable, HarnessError) as error:
        return Ended(role.name, False, note=str(error))
    if answer is None or not answer.is_success or _answers_anybody(scene, witness):
        return Ended(role.name, True)
    return Ended(role.name, True, _any_password(scene.world, role, user.name, wrong, answer))


def examine_present_password(scene: Scene, role: Role) -> Ended:
    """Changes the password with a wrong present one; a defect where that succeeds and the old password logs in no more."""
    operation = password_change_of(scene, role)
    if operation is None:
        return Ended(role.name, False, note=f"the document has no change of password for {role.name}")
    asker = Asker(role.name, role.users[-1].name)
    try:
        scene.world.forget(asker.role, asker.user)
        witness_of(scene, asker)
        draft = next((draft for draft in valid_drafts(scene, operation, asker) if _asks(draft.body)), None)
        if draft is None:
            return Ended(role.name, False, note=f"{operation.name} does not ask for the present password")
        wrong = _wrong()
        body = {name: wrong if value == PASSWORD else value for name, value in draft.body.items()}
        request = draft.with_body(body).request(asker.role, asker.user)
        answer = scene.world.send(request)
    except (Untestable, HarnessError) as error:
        return Ended(role.name, False, note=str(error))
    if not answer.is_success or _admitted(scene, role, asker, scene.world.user(asker.role, asker.user)[1].password) is not None:
        return Ended(role.name, True)
    return Ended(role.name, True, _not_asked(operation, role, request, answer))


def _asks(body: object) -> bool:
    return isinstance(body, dict) and PASSWORD in body.values()


def _wrong() -> str:
    """As good a password as any, and nobody's."""
    return f"Zz9-{secrets.token_urlsafe(_WRONG_BYTES)}"


def _admitted(scene: Scene, role: Role, asker: Asker, password: str) -> Credential | None:
    _, user = scene.world.user(asker.role, asker.user)
    try:
        return scene.world.door.sign_in(role, replace(user, password=password))
    except HarnessError:
        return None


def _answers_anybody(scene: Scene, witness: Request) -> bool:
    return scene.world.send_as(witness, scene.anonymous).is_success


def _any_password(world: World, role: Role, user: str, wrong: str, answer: Answer) -> Finding:
    login = role.login
    request = log_in_request(world, role, user, USERNAME, wrong)
    return Finding(
        rule="sessions.any-password",
        title=f"POST {login.path} logs {role.name} in with a wrong password",
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        stage=STAGE,
        engines=(ENGINE,),
        method="POST",
        route=login.path,
        role=role.name,
        cwe=287,
        owasp="API2:2023",
        expected="A password that is not the account's is refused.",
        observed=f"The session that it gave was answered {answer.status} where nobody is without one.",
        why="Who knows a user's name has the account.",
        advice="Compare the password with the account's hash, and refuse where they do not belong together.",
        steps=(request,),
        symptom=Symptom(status=(200, 201, 204, 302, 303)),
        parts=PARTS,
    )


def _not_asked(operation: Operation, role: Role, request: Request, answer: Answer) -> Finding:
    return Finding(
        rule="sessions.present-password-not-asked",
        title=f"{operation.name} takes any text for the present password of {role.name}",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=role.name,
        cwe=620,
        owasp="API2:2023",
        expected="A change of password is refused where the present password is wrong.",
        observed=f"It was answered {answer.status}, and the old password logs in no more.",
        why="Who finds an open session, or steals a token, takes the account over and locks its owner out.",
        advice="Compare the present password with the account's hash before the new one is stored.",
        steps=(request,),
        symptom=Symptom(status=(answer.status,)),
        parts=PARTS,
    )
