"""Examines operations that write to one object: everybody who must not tries first, then its owner, with the same request.

After each forbidden write the owner is asked whether the object changed, whatever the status was, and so is the database; the
owner's own write, which succeeds and changes it, shows that the request was good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from harness.model.errors import TargetError
from harness.model.evidence import Cell, Whose
from harness.model.finding import Finding, Observation, Request, Symptom
from harness.probes.calls import turned
from harness.probes.cells import Examined, tried, untried, with_twins
from harness.probes.drafts import Draft, body_schema
from harness.probes.exchange import Answer
from harness.probes.objects import Reference
from harness.probes.operations import Operation
from harness.probes.oracle import Change, changes, excerpt, member
from harness.probes.permissions import Permission
from harness.probes.preconditions import fresh
from harness.probes.reads import OBJECTS_TRIED_MAX, Stage, below, may_reach, mirrored, outsiders, staged, with_id, with_nobodys
from harness.probes.row_changes import row_changes, rows_about
from harness.probes.scene import Asker, Scene, Untestable
from harness.probes.wording import STAGE, function_of_another, write_of_another

BODIES_TRIED_MAX = 4
_REFUSALS = (401, 403, 404)  # of who asks, whatever the object's state


@dataclass
class _Attempt:
    """What one asker's write came to. `effect` are the changes that the owner saw, `stored` those that the rows show."""

    asker: Asker
    whose: Whose
    permission: Permission
    answer: Answer = field(default_factory=lambda: Answer(0, error="not sent"))
    effect: tuple[Change, ...] = ()
    stored: tuple[Change, ...] = ()
    steps: tuple[Request, ...] = ()
    seen: Mapping[str, Answer] = field(default_factory=dict)
    owner: Asker | None = None
    draft: Draft | None = None  # as it was sent
    parameter: str = ""  # the id in it that is not the asker's own

    @property
    def changed(self) -> tuple[Change, ...]:
        """Whatever shows that it was done."""
        return self.effect or self.stored


def examine_write(scene: Scene, operation: Operation, reference: Reference) -> Examined:
    """All cells of a writing operation that names an object."""
    role = scene.world.target.role(reference.kind.role)
    asker = Asker(role.name, role.users[0].name if role.users else "")
    try:
        return _Writing(scene, operation, staged(scene, reference)).run()
    except Untestable as error:
        why = str(error)
        return Examined(
            operation,
            (untried(operation, asker, Whose.OWN, True, why), untried(operation, asker, Whose.ANOTHER, False, why)),
        )


def write_as_owner(scene: Scene, operation: Operation, stage: Stage) -> Request | None:
    """The owner's own write: the request that succeeded and changed what the owner sees, None where none did."""
    writing = _Writing(scene, operation, stage)
    permission = scene.permission(operation, stage.owner)
    identities = turned(operation, stage.identities)[:OBJECTS_TRIED_MAX]
    for identity, body in product(identities, scene.bodies(operation)[:BODIES_TRIED_MAX]):
        done = writing.attempt(identity, body, _Attempt(stage.owner, Whose.OWN, permission))
        if done.answer.is_success and done.effect:
            return done.steps[0]
    return None


class _Writing:
    def __init__(self, scene: Scene, operation: Operation, stage: Stage) -> None:
        self._scene, self._operation, self._stage = scene, operation, stage
        self._reference: Reference = stage.reference
        self._owner_is_out = False  # a permitted write may close the owner's account: then there is nobody to look any more

    def run(self) -> Examined:
        """Tries objects and bodies until the owner's own write succeeds; what anybody else achieved on the way counts."""
        attackers = self._attackers()
        best: dict[Asker, _Attempt] = {}
        own: _Attempt | None = None
        own_body: Any = None
        bodies = self._scene.bodies(self._operation)[:BODIES_TRIED_MAX]
        permission = self._scene.permission(self._operation, self._stage.owner)
        # Others who may write come after the owner: what they do may use the object up, or shut the owner out.
        last = [each for each in attackers if each.permission.permitted is not False]
        tries = list(product(self._identities(), bodies))
        for identity, body in tries:
            self._attack(best, [each for each in attackers if each not in last], identity, body)
            self._attack_through_the_peers(best, identity, body)
            own = self.attempt(identity, body, _Attempt(self._stage.owner, Whose.OWN, permission))
            own_body = body
            if own.answer.is_success or self._owner_is_out:
                break
        for attempt in last:
            self._as_somebody_who_may(best, attempt, tries)
        nobody = None
        if own is not None and own.answer.is_success:
            nobody = self._nobody(own)
            self._ask_for_the_peers(best, own_body)
        return self._examined(own, list(best.values()), nobody)

    def _identities(self) -> list[Any]:
        """The owner's objects that the operation can be sent for: the path may go on to what not all of them have."""
        reason: Untestable | None = None
        usable: list[Any] = []
        for identity in turned(self._operation, self._stage.identities):
            try:
                self._draft(identity)
            except Untestable as error:
                reason = reason or error
            else:
                usable.append(identity)
            if len(usable) == OBJECTS_TRIED_MAX:
                break
        if not usable and reason is not None:
            raise reason
        return usable

    def _attack_through_the_peers(self, best: dict[Asker, _Attempt], identity: Any, body: Any) -> None:
        """What is below the owner's object, named below the peer's own: who checks only the start of a path lets it through."""
        peer = self._stage.peer
        own = self._stage.holdings.own.get(peer.user, ()) if peer else ()
        child = below(self._operation, self._reference)
        before = best.get(peer) if peer else None
        if peer is None or before is None or not own or not child or _is_hole(before) or self._owner_is_out:
            return
        crossed = with_id(self._draft(identity), self._reference, own[0])
        if not self._scene.is_listed(crossed, child, peer):
            attempt = _Attempt(peer, Whose.ANOTHER, before.permission, parameter=child)
            done = self.attempt(identity, body, attempt, through=own[0])
            if done.effect:
                best[peer] = done

    def _attack(self, best: dict[Asker, _Attempt], attempts: list[_Attempt], identity: Any, body: Any) -> None:
        for attempt in attempts:
            if not _is_hole(best.get(attempt.asker)) and not self._owner_is_out:
                best[attempt.asker] = self.attempt(identity, body, attempt)

    def _as_somebody_who_may(self, best: dict[Asker, _Attempt], attempt: _Attempt, tries: list[tuple[Any, Any]]) -> None:
        for identity, body in tries:
            self._attack(best, [attempt], identity, body)
            done = best.get(attempt.asker)
            if done is None or done.answer.is_success or done.answer.status in _REFUSALS or self._owner_is_out:
                return

    def _ask_for_the_peers(self, best: dict[Asker, _Attempt], body: Any) -> None:
        """An outsider may be taken for one certain user, and reach that one's objects alone."""
        stage = mirrored(self._stage)
        if stage is None:
            return
        for attempt in [each for asker, each in best.items() if asker != self._stage.peer and not each.answer.is_success]:
            done = _Writing(self._scene, self._operation, stage).attempt(stage.identities[0], body, attempt)
            if _is_hole(done):
                best[attempt.asker] = done

    def _nobody(self, own: _Attempt) -> Cell:
        """The request that succeeded, for an object that nobody has."""
        done = own.steps[0]
        if self._reference.place != "body" and own.draft is not None:
            done = replace(done, path=with_nobodys(own.draft, self._reference, self._stage.holdings).request().path)
        answer = self._scene.world.send(done)
        note = f"answered {answer.status}" if answer.is_success else ""
        return tried(self._operation, own.asker, Whose.NOBODY, False, False, answer.status, note)

    def _attackers(self) -> list[_Attempt]:
        found = []
        if self._stage.peer is not None:
            basis = self._scene.permission(self._operation, self._stage.peer).basis
            found.append(_Attempt(self._stage.peer, Whose.ANOTHER, Permission(False, basis)))
        for asker in outsiders(self._scene, self._stage):
            found.append(_Attempt(asker, Whose.ANOTHER, may_reach(self._scene, self._operation, self._stage, asker)))
        return found

    def attempt(self, identity: Any, body: Any, attempt: _Attempt, through: Any = None) -> _Attempt:
        """Looks as the owner, writes as the asker with a request that would be right for the owner, and looks again.

        Args:
            through: another object that the request names in place of the owner's, with what is below the owner's.
        """
        draft = self._draft(identity)
        beside = {name: value for name, value in draft.path.items() if name != self._reference.name}
        before = self._look(identity, beside)
        volatile = self._scene.volatile(self._reference, identity, self._stage.owner, beside)
        prepared = self._prepared(draft, identity, body, before)
        if through is not None:
            prepared = with_id(prepared, self._reference, through)
        request = prepared.request(attempt.asker.role, attempt.asker.user)
        witness = (self._scene.world.door.dsn, identity, self._reference.kind.table)
        rows = rows_about(*witness)
        answer = self._scene.world.send(request)
        after = self._look_again(identity, before, beside)
        looks = [made for _, made in self._scene.look_requests(self._reference, identity, self._stage.owner, beside)]
        return replace(
            attempt,
            answer=answer,
            effect=changes(before, after, volatile),
            stored=row_changes(rows, rows_about(*witness), prepared.body),
            steps=(request, *looks[:1]),
            seen=after,
            owner=self._stage.owner,
            draft=prepared,
        )

    def _look(self, identity: Any, beside: Mapping[str, Any]) -> dict[str, Answer]:
        return self._scene.look(self._reference, identity, self._stage.owner, beside)

    def _look_again(self, identity: Any, before: Mapping[str, Answer], beside: Mapping[str, Any]) -> dict[str, Answer]:
        try:
            return self._look(identity, beside)
        except TargetError:
            if not self._scene.world.door.alive():
                raise
            self._owner_is_out = True
            return dict.fromkeys(before, Answer(0, error="the owner cannot log in any more"))

    def _draft(self, identity: Any) -> Draft:
        given = {self._reference.name: identity} if self._reference.place != "body" else {}
        return self._scene.draft(self._operation, self._stage.owner, given)

    def _prepared(self, draft: Draft, identity: Any, body: Any, seen: Mapping[str, Answer]) -> Draft:
        if isinstance(body, dict):
            body = self._unlike(identity, body, seen)
            if self._reference.place == "body":
                body = {**body, self._reference.name: identity}
        return fresh(self._scene.document, draft.with_body(body), seen)

    def _unlike(self, identity: Any, body: dict[str, Any], seen: Mapping[str, Answer]) -> Any:
        current: dict[str, Any] = {}
        for name in body:
            value = next((found for answer in seen.values() if (found := member(answer.json, name)) is not None), None)
            if value is not None and not isinstance(value, dict | list):
                current[name] = value
        place = f"{self._operation.name} body {identity}"
        return self._scene.drafter.values.unlike(body_schema(self._operation.body), place, body, current)

    # -- judging

    def _examined(self, own: _Attempt | None, attempts: list[_Attempt], nobody: Cell | None) -> Examined:
        visible = own is not None and bool(own.changed)
        cells: list[Cell] = [nobody] if nobody else []
        findings: list[Finding] = []
        observations: list[Observation] = []
        if own is not None:
            permitted = own.permission.permitted is not False
            cells.append(
                tried(
                    self._operation, own.asker, Whose.OWN, permitted, own.answer.is_success, own.answer.status, own.answer.error
                )
            )
        if self._stage.peer is None:
            why = f"the target file names one user of the role {self._stage.owner.role}: there is no other to ask"
            cells.append(untried(self._operation, self._stage.owner, Whose.ANOTHER, False, why))
        if own is not None and own.answer.is_success and own.permission.permitted is False:
            findings.append(self._not_for_the_owner(own))
        for attempt in attempts:
            allowed = bool(attempt.changed) or (attempt.answer.is_success and not visible)
            permitted = allowed if attempt.permission.permitted is None else attempt.permission.permitted
            cells.append(
                tried(self._operation, attempt.asker, attempt.whose, permitted, allowed, attempt.answer.status, _note(attempt))
            )
            if allowed and not permitted:
                findings.append(self._finding(attempt))
            elif attempt.answer.is_success and not permitted:
                text = f"{attempt.asker.title} is told {attempt.answer.status} for a write that did nothing"
                observations.append(Observation("authorization.success-without-effect", text, STAGE, self._operation.name))
        return Examined(self._operation, with_twins(cells), tuple(findings), tuple(observations))

    def _not_for_the_owner(self, own: _Attempt) -> Finding:
        because = f"{own.permission.basis} keeps it for other roles, whosever the object is"
        return function_of_another(self._operation, own.asker, because, own.answer, own.steps[:1])

    def _finding(self, attempt: _Attempt) -> Finding:
        effect = "; ".join(str(change) for change in attempt.changed[:3])
        symptom, steps = Symptom(status=(attempt.answer.status,)), attempt.steps[:1]
        if attempt.stored and not attempt.effect:
            symptom = Symptom()  # what only a row shows no answer can show again
        shown = next((text for change in attempt.effect if (text := self._shown(change, attempt))), "")
        if shown:
            symptom, steps = Symptom(body_contains=shown), attempt.steps
        elif attempt.effect and len(attempt.steps) > 1:
            after = next(iter(attempt.seen.values()))
            symptom, steps = Symptom(status=(after.status,)), attempt.steps
        owner = attempt.owner or self._stage.owner
        seen_by = owner.title if attempt.effect else "the database"
        return write_of_another(
            self._operation,
            attempt.asker,
            owner,
            attempt.parameter or self._reference.name,
            attempt.answer,
            (effect, seen_by),
            steps,
            symptom,
        )

    def _shown(self, change: Change, attempt: _Attempt) -> str:
        if change.after is None or not attempt.seen:
            return ""
        return excerpt(next(iter(attempt.seen.values())), change.after, change.path.rsplit(".", 1)[-1])


def _is_hole(attempt: _Attempt | None) -> bool:
    return attempt is not None and attempt.permission.permitted is False and bool(attempt.changed)


def _note(attempt: _Attempt) -> str:
    if attempt.answer.error:
        return attempt.answer.error
    if attempt.answer.is_success and not attempt.changed:
        return "told of success, but the owner sees no change"
    return "" if attempt.answer.status < 500 else f"refused with {attempt.answer.status}"
