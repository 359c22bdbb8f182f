"""One operation attacked with forged tokens, and what was accepted as findings: each refusal has a twin that was let in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.model.finding import Confidence, Finding, Severity, Symptom
from harness.model.target import Role
from harness.probes.http.answers import Answer
from harness.probes.http.door import forged_header
from harness.probes.http.exchange import with_headers
from harness.probes.http.forging import REFRESH, Forgery
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import Call, attempts, valid_drafts
from harness.probes.scene.scene import Asker, Scene

STAGE, ENGINE = "sessions", "probes"
PARTS = ("7.3.4.a",)
EVERYWHERE_SHARE = 0.7  # of the operations and roles that were attacked: one cause, said once
_TAKES_REFRESH = re.compile(r"refresh|token|log-?out|sign-?out|revoke", re.I)  # there it may be the right one
_PAST_THE_DOOR = (409, 412, 428)  # refused for the state of the object: whoever gets there was let in
_NOTHING_CHECKED = frozenset({"empty", "malformed", "random", "other-key"})  # accepted: no other check matters any more
_SEVERITY = {306: Severity.CRITICAL, 347: Severity.CRITICAL, 521: Severity.CRITICAL, 345: Severity.CRITICAL, 613: Severity.HIGH}


@dataclass(frozen=True)
class Attacked:
    """What became of one role's attacks on one operation. `valid` is the twin; without one the refusals prove nothing."""

    operation: str
    role: str
    tried: tuple[tuple[str, int], ...] = ()  # forgery and status
    accepted: tuple[tuple[Forgery, Call], ...] = ()
    valid: Call | None = None
    note: str = ""


Hit = tuple[Attacked, Forgery, Call]
"""What was attacked, the forgery that it accepted, and how it answered."""


def attack(scene: Scene, role: Role, operation: Operation, *, isolated: bool = True) -> Attacked:
    """Sends what would succeed with every forged token, then with the good one.

    Raises:
        Untestable: no valid request is known.
    """
    asker = Asker.first_of(role)
    destroys = operation.name in scene.destructive
    valid = _succeeding(scene, operation, asker) if operation.is_safe else None
    request = valid.request if valid else next(valid_drafts(scene, operation, asker)).request(asker.role, asker.user)
    bare = scene.world.send_as(replace(request, role="", user=""), scene.anonymous)
    tried = [("none", bare.status)]
    if is_let_in(bare):  # the operation asks for nothing at all: the stage `authorization` says so
        note = f"it answers {bare.status} without any credential"
        return Attacked(operation.name, role.name, tuple(tried), (), Call(asker, request, bare), note)
    accepted: list[tuple[Forgery, Call]] = []
    for forged in scene.world.forgeries(asker.role, asker.user).values():
        if forged.name == REFRESH and _TAKES_REFRESH.search(operation.path):
            continue
        forged_request = with_headers(request, forged_header(role.login, forged.name))
        answer = scene.world.send(forged_request, renew=False)
        tried.append((forged.name, answer.status))
        if is_let_in(answer):
            accepted.append((forged, Call(asker, forged_request, answer)))
            if not operation.is_safe:
                break  # it is done: the object is written, the session or the password gone
    if not operation.is_safe and (isolated or not destroys):
        valid = accepted[0][1] if accepted else _succeeding(scene, operation, asker)
    if destroys:
        scene.world.forget(asker.role, asker.user)
    note = "" if valid else "no request with a good token succeeded"
    return Attacked(operation.name, role.name, tuple(tried), tuple(accepted), valid, note)


def _succeeding(scene: Scene, operation: Operation, asker: Asker) -> Call | None:
    return next((call for call in attempts(scene, operation, asker) if call.answer.is_success), None)


def is_let_in(answer: Answer) -> bool:
    """Whether an answer shows that the credential was accepted."""
    return answer.is_success or answer.status in _PAST_THE_DOOR


def findings_of(attacked: list[Attacked]) -> Iterator[Finding]:
    """One finding per forgery: of the whole platform, or of all that a role may call, where nearly everything accepts it; else
    per operation and role."""
    hits: dict[str, list[Hit]] = {}
    for item in attacked:
        for forged, call in _plainest(item.accepted):
            hits.setdefault(forged.name, []).append((item, forged, call))
    everywhere = {name for name, found in hits.items() if _is_everywhere(attacked, found)}
    for name, found in hits.items():
        if name in everywhere:
            yield _finding("", "", *found[0][1:], _operations(found))
        elif not everywhere & _NOTHING_CHECKED:
            yield from _findings_by_role(attacked, found)


def _findings_by_role(attacked: list[Attacked], found: list[Hit]) -> Iterator[Finding]:
    """Roles may log in in different ways, and only the tokens of one be looked at too little."""
    for role in dict.fromkeys(item.role for item, _, _ in found):
        own = [hit for hit in found if hit[0].role == role]
        if _is_everywhere([item for item in attacked if item.role == role], own):
            yield _finding(role, "", *own[0][1:], _operations(own))
        else:
            yield from (_finding(role, item.operation, forged, call, [item.operation]) for item, forged, call in own)


def _operations(found: list[Hit]) -> list[str]:
    return list(dict.fromkeys(item.operation for item, _, _ in found))


def _is_everywhere(attacked: list[Attacked], found: list[Hit]) -> bool:
    """Whether nearly every reading operation that a good token opens accepts it (a write is spent by the first one)."""
    hit = {id(item) for item, _, _ in found}
    open_ones = [item for item in attacked if item.valid and len(item.tried) > 1 and item.operation.startswith("GET ")]
    subject = open_ones or [item for item in attacked if item.valid]
    return len(hit) > 1 and sum(id(item) in hit for item in subject) >= EVERYWHERE_SHARE * len(subject)


def _plainest(accepted: tuple[tuple[Forgery, Call], ...]) -> list[tuple[Forgery, Call]]:
    """What is accepted for one reason is said once, by its plainest sign: a text that is no token, a foreign key, `alg: none`."""
    by_name = {forged.name: (forged, call) for forged, call in accepted}
    for name in by_name.keys() & _NOTHING_CHECKED:
        return [by_name[name]]
    spare = [name for start in ("alg-none", "confused") for name in [name for name in by_name if name.startswith(start)][1:]]
    return [pair for name, pair in by_name.items() if name not in spare]


def _finding(role: str, operation: str, forged: Forgery, call: Call, operations: list[str]) -> Finding:
    method, _, route = operation.partition(" ")
    where = f"{operation} accepts" if operation else f"Every protected operation{f' of {role}' if role else ''} accepts"
    return Finding(
        rule=f"sessions.accepts-{forged.name}",
        title=f"{where} {forged.what}",
        severity=Severity.LOW
        if forged.name.startswith("other-") and forged.name != "other-key"
        else _SEVERITY.get(forged.cwe, Severity.HIGH),
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=method,
        route=route,
        role=role,
        cwe=forged.cwe,
        owasp="API2:2023",
        expected=f"{forged.what[:1].upper()}{forged.what[1:]} is answered 401.",
        observed=f"It was answered {call.answer.status} on {', '.join(operations[:5])}{' …' if len(operations) > 5 else ''}.",
        why=forged.why,
        advice="Verify every token by one call that is told the key, the one algorithm, issuer, audience and required claims.",
        steps=(call.request,),
        symptom=Symptom(status=(call.answer.status,)),
        parts=PARTS,
    )
