"""Members that a caller must not set, sent with a good request and looked for afterwards.

They are put into the body itself, and into the objects that it holds: the lines of an order. Only what is read back with the
value that was sent is a defect: in an answer, or in a column of its name where the harness has the database, and a good request
without it leaves no such value there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import httpx

from harness.model.errors import HarnessError
from harness.model.finding import Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.abuse.spots import Spot, spots_of
from harness.probes.abuse.undeclared import undeclared_members
from harness.probes.checks import Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import excerpt
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.code_exchange import confirming
from harness.probes.scene.rows import grown, standing
from harness.probes.scene.scene import Asker, Scene, Untestable

MEMBERS_MAX = 40
_STRANGE, _STRANGE_VALUE = "zq_nothing_is_called_so", "x"

_MASS_ASSIGNMENT = Weakness(
    "abuse.mass-assignment",
    Severity.HIGH,
    915,
    "API3:2023",
    "A member that the request does not declare is refused or ignored.",
    "A caller gives itself rights, another owner, or a state that only the platform may set.",
    "Copy the declared members one by one, or refuse unknown ones; never write the whole body into the row.",
)


@dataclass(frozen=True)
class _Good:
    """A request that succeeded, its draft and where that stands; `strict`: with an unknown member in it, it was refused."""

    number: int
    draft: Draft
    request: Request
    answer: Answer
    strict: bool

    def is_echo(self, spot: Spot) -> bool:
        """Whether the answer merely gives the body back: then such answers show nothing that was stored."""
        if spot.name and spot.shows(self.answer.json, _STRANGE, _STRANGE_VALUE):
            return True
        with suppress(ValueError):
            return self.answer.json in (self.draft.body, json.loads(self.request.body or "null"))
        return False


@dataclass(frozen=True)
class Taking:
    """A member that was taken over: the request that sent it, and the answer that shows it, or the request's where a row does."""

    name: str
    request: Request
    answer: Answer
    in_rows: bool = False


def examine_mass_assignment(scene: Scene) -> Report:
    """Tries every writing operation with a JSON body, as a role that may call it."""
    report = Report("mass-assignment")
    for operation in scene.document.operations:
        if not _is_candidate(scene, operation):
            continue
        try:
            asker = _asker(scene, operation)
            for spot in spots_of(scene.document, operation):
                _examine(_Trial(scene, operation, asker, spot), report)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            report.leave_out(operation.name, error)
    return report


def _is_candidate(scene: Scene, operation: Operation) -> bool:
    takes_json = operation.body is not None and operation.body.is_json and not operation.is_safe
    return takes_json and operation.name not in scene.destructive and not scene.login_role(operation)


def _asker(scene: Scene, operation: Operation) -> Asker:
    """Nobody where that may call it, else the lowest role that may: the one that has something to gain."""
    if not operation.is_secured:
        return Asker()
    for role in sorted(scene.roles, key=lambda role: role.rank):
        if scene.permissions.of(operation, role).permitted is not False:
            return Asker.first_of(role)
    raise Untestable("no role may call it")


@dataclass(frozen=True)
class _Trial:
    """One operation, as one user, with members put into one spot of its body. `bare`: what may be left out of it is."""

    scene: Scene
    operation: Operation
    asker: Asker
    spot: Spot
    bare: bool = False

    def drafts(self) -> Iterator[Draft]:
        """Good requests; of a confirmation those with the code that was sent first, as no other one is good."""
        with suppress(Untestable):
            yield from (draft for draft in confirming(self.scene, self.operation) if self.spot.is_in(draft.body))
        for draft in valid_drafts(self.scene, self.operation, self.asker):
            if self.spot.is_in(draft.body) and not (self.bare and self.has_more(draft)):
                yield draft

    def has_more(self, draft: Draft) -> bool:
        """Whether its body holds members that may be left out."""
        required = self.spot.schema.get("required")
        return isinstance(draft.body, dict) and bool(draft.body.keys() - set(required if isinstance(required, list) else ()))

    def send(self, draft: Draft, members: Mapping[str, Any] | None = None) -> tuple[Request, Answer]:
        body = self.spot.put(draft.body, members or {})
        request = replace(draft, body=body).request(self.asker.role, self.asker.user)
        world = self.scene.world
        return request, world.send(request) if self.asker.role else world.send_as(request, self.scene.anonymous)

    def rows(self, members: Mapping[str, Any]) -> dict[str, int]:
        """How many rows hold each member's value."""
        return standing(self.scene.world.door.dsn, members)

    def looked(self, draft: Draft) -> list[Answer]:
        """What the object shows afterwards, where the path names one."""
        for reference in self.scene.references(self.operation):
            if reference.place == "path" and reference.name in draft.path and self.asker.role == reference.kind.role:
                return list(self.scene.looks.at(reference, draft.path[reference.name], self.asker).values())
        return []


def _examine(trial: _Trial, report: Report) -> None:
    good = _first_good(trial)
    if good is None:
        if not trial.spot.name:
            report.leave_out(trial.operation.name, "no good request succeeded")
        return
    report.tried += 1
    known = [each.json for each in (good.answer, *trial.looked(good.draft))]  # what stands there already shows nothing afterwards
    members = undeclared_members(trial.scene, trial.spot, known, strict=good.strict)
    members = {name: value for name, value in members.items() if name != _STRANGE and not _stands(trial.spot, known, name, value)}
    members = dict(islice(members.items(), MEMBERS_MAX))
    said = _say_taken(trial, members, good, report)
    if not said and not trial.spot.name and trial.has_more(good.draft):
        _examine_bare(replace(trial, bare=True), members, report)


def _examine_bare(trial: _Trial, members: Mapping[str, Any], report: Report) -> None:
    """Numbers once more, with nothing beside them that may be left out: a coupon lowers the price that was taken over."""
    numbers = {name: value for name, value in members.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    good = _first_good(trial) if numbers else None
    if good is not None:
        known = [each.json for each in (good.answer, *trial.looked(good.draft))]
        numbers = {name: value for name, value in numbers.items() if not _stands(trial.spot, known, name, value)}
        _say_taken(trial, numbers, good, report)


def _say_taken(trial: _Trial, members: dict[str, Any], good: _Good, report: Report) -> set[str]:
    """The members that are taken over, each said once."""
    said: set[str] = set()
    for taking in _taken(trial, members, good):
        value = members[taking.name]
        comes_by_itself = _stands_in_rows_anyway if taking.in_rows else _is_shown_anyway
        if taking.name not in said and not comes_by_itself(trial, {taking.name: value}):
            said.add(taking.name)
            _say(trial, taking, value, report)
    return said


def _stands(spot: Spot, known: Iterable[Any], name: str, value: Any) -> bool:
    return any(spot.shows(data, name, value) for data in known)


def _say(trial: _Trial, taking: Taking, value: Any, report: Report) -> None:
    name = trial.spot.called(taking.name)
    where = "a row of its database holds it afterwards" if taking.in_rows else "shows it afterwards"
    observed = f"It was sent with {name} = {value!r}, which the document does not let a caller set, and {where}."
    symptom = Symptom()  # what only a row shows no answer can show again
    if not taking.in_rows:
        symptom = Symptom(status=(taking.answer.status,), body_contains=excerpt(taking.answer, value, taking.name))
    title = f"{trial.operation.name} takes over {name} from the caller"
    place = Place(trial.operation.name, name, trial.asker.role)
    report.findings.append(finding_of(_MASS_ASSIGNMENT, place, title, observed, (taking.request,), symptom))
    report.spoilt = True  # whoever takes a role from its caller has lost the one it had


def _is_shown_anyway(trial: _Trial, member: Mapping[str, Any]) -> bool:
    """Whether a new object shows the value without the member too: the second address is not the default one, as the first was.

    Of what makes new objects alone: one that is there may keep what it was given before. A number is shown anyway where another
    one that is sent is not shown in its turn.
    """
    ((name, value),) = member.items()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return not _follows(trial, name, value - 1 if value > 1 else value + 1)
    for draft in trial.drafts() if isinstance(value, bool) and trial.operation.method == "POST" else ():
        _, answer = trial.send(draft)
        if answer.is_success:
            return answer.status == httpx.codes.CREATED and trial.spot.shows(answer.json, name, value)
    return False


def _follows(trial: _Trial, name: str, other: float) -> bool:
    """Whether another number is shown as it was sent too, or cannot be sent: a counter may come to one of them by itself."""
    for draft in trial.drafts():
        _, answer = trial.send(draft, {name: other})
        if answer.is_success:
            return any(trial.spot.shows(each.json, name, other) for each in (answer, *trial.looked(draft)))
    return True


def _stands_in_rows_anyway(trial: _Trial, member: Mapping[str, Any]) -> bool:
    """Whether a good request without the member leaves its value in a row too: a default, or the work of somebody else.

    It is another user's: what was taken over may have made the asker somebody who may not call it.
    """
    role = trial.asker.role
    another = replace(trial, asker=Asker(role, trial.scene.world.target.role(role).users[-1].name)) if role else trial
    before = trial.rows(member)
    succeeded = any(another.send(draft)[1].is_success for draft in another.drafts())
    return not succeeded or bool(grown(before, trial.rows(member)))


def _first_good(trial: _Trial) -> _Good | None:
    """The first request that succeeds, each tried with a member that nothing has, and without it where that may be to blame."""
    for number, draft in enumerate(trial.drafts()):
        request, answer = trial.send(draft, {_STRANGE: _STRANGE_VALUE})
        if answer.is_success:
            return _Good(number, draft, request, answer, strict=False)
        if _is_of_the_body(answer):
            strict = answer.status < 500
            request, answer = trial.send(draft)
            if answer.is_success:
                return _Good(number, draft, request, answer, strict)
    return None


def _is_of_the_body(answer: Answer) -> bool:
    """Whether a refusal may be due to what the body holds: it is none of a missing object, a conflict or a version."""
    return answer.status in (400, 403, 422) or answer.status >= 500 or 200 <= answer.status < 300


def _taken(trial: _Trial, members: dict[str, Any], good: _Good) -> list[Taking]:
    """The members that were taken over, all sent at once; each alone where all at once are refused, as one may still pass."""
    if not good.strict:
        taken = _sent(trial, members, trial.drafts(), echoes=good.is_echo(trial.spot))
        if taken is not None:
            return taken
    found: list[Taking] = []
    for name, value in members.items():
        drafts = islice(trial.drafts(), good.number, None)
        found += _sent(trial, {name: value}, drafts, echoes=good.is_echo(trial.spot), alone=True) or []
    return found


def _sent(
    trial: _Trial, members: dict[str, Any], drafts: Iterable[Draft], *, echoes: bool, alone: bool = False
) -> list[Taking] | None:
    """Sends a good body with these members; those that an answer or a row shows as sent. None where the request was refused.

    Args:
        echoes: the request's own answer gives back whatever was sent, and shows nothing.
        alone: a refusal that may be due to the member is one, whatever the other drafts would be answered.
    """
    for draft in drafts:
        before = trial.rows(members)
        request, answer = trial.send(draft, members)
        if alone and not answer.is_success and _is_of_the_body(answer):
            return None
        if answer.is_success:
            held = grown(before, trial.rows(members))
            seen = [*([] if echoes else [answer]), *trial.looked(draft)]
            shown = [
                Taking(name, request, each)
                for name, value in members.items()
                for each in seen
                if trial.spot.shows(each.json, name, value)
            ]
            return shown + [Taking(name, request, answer, in_rows=True) for name in members if name in held]
    return None
