"""An operation that refuses nobody as it refuses a user who gives a wrong password: it looked somebody's password up, unasked."""

from __future__ import annotations

import secrets
from dataclasses import replace

from harness.model.finding import Finding, Request
from harness.probes.access.wording import function_of_another
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import PASSWORD
from harness.probes.http.oracle import same_body
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import NOBODY, Asker, Scene, Untestable

_WRONG_BYTES = 9


def looks_up_for_nobody(scene: Scene, operation: Operation) -> Finding | None:
    """What a change of password answers nobody, beside what it answers a user whose present password is wrong.

    Only where another operation refuses nobody in another way: a platform may refuse everything with the same words.
    """
    asker = scene.caller(operation)
    if not asker.role or not operation.is_secured:
        return None
    owner = Asker(asker.role, scene.world.target.role(asker.role).users[-1].name)
    request = _with_a_wrong_password(scene, operation, owner)
    if request is None:
        return None
    known = scene.world.send(request)
    if known.is_success or not known.status:
        return None
    nobody = scene.world.send_as(request, scene.anonymous)
    usual = _usual_refusal(scene, operation)
    if usual is None or not _alike(known, nobody) or _alike(known, usual):
        return None
    because = f"without a credential there is no password to compare with; other operations answer {usual.status}"
    finding = function_of_another(operation, NOBODY, because, nobody, (replace(request, role="", user=""),))
    observed = (
        f"It was answered {nobody.status}, with the words for a user whose present password is wrong: it looked somebody's up."
    )
    why = "Anybody can try passwords of an account, and set a new one where it guesses right, without logging in."
    return replace(finding, observed=observed, why=why)


def _with_a_wrong_password(scene: Scene, operation: Operation, owner: Asker) -> Request | None:
    """A request with a present password that is nobody's; None where the operation asks for none."""
    try:
        body = next((body for body in scene.bodies(operation) if isinstance(body, dict) and PASSWORD in body.values()), None)
        draft = scene.draft(operation, owner)
    except Untestable:
        return None
    if body is None:
        return None
    wrong = f"Zz9-{secrets.token_urlsafe(_WRONG_BYTES)}"
    filled = {name: wrong if value == PASSWORD else value for name, value in body.items()}
    return draft.with_body(filled).request(owner.role, owner.user)


def _usual_refusal(scene: Scene, operation: Operation) -> Answer | None:
    """How another operation that demands a credential refuses nobody."""
    for other in scene.document.operations:
        if other == operation or not other.is_secured or not other.is_safe or "{" in other.path:
            continue
        try:
            answer = scene.world.send_as(scene.draft(other, NOBODY).request(), scene.anonymous)
        except Untestable:
            continue
        if answer.status in (401, 403):
            return answer
    return None


def _alike(one: Answer, other: Answer) -> bool:
    return one.status == other.status and same_body(one, other)
