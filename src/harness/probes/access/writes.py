"""Examines operations that write to one object: everybody who must not tries first, then its owner, with the same request.

After each forbidden write the owner is asked whether the object changed, whatever the status was, and so is the database; the
owner's own write, which succeeds and changes it, shows that the request was good.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from harness.model.errors import TargetError
from harness.model.evidence import Cell, Whose
from harness.model.finding import Request
from harness.probes.access.cells import Examined, tried, untried
from harness.probes.access.reads import (
    OBJECTS_TRIED_MAX,
    Stage,
    below,
    may_reach,
    mirrored,
    outsiders,
    staged,
    with_id,
    with_nobodys,
)
from harness.probes.access.row_changes import row_changes, rows_about
from harness.probes.access.write_attempts import Attempt, is_hole, judged
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft, body_schema
from harness.probes.http.oracle import changes, member
from harness.probes.openapi.jsonpath import find
from harness.probes.openapi.names import names_within
from harness.probes.openapi.operations import Operation
from harness.probes.scene.body_places import placed
from harness.probes.scene.calls import turned
from harness.probes.scene.fresh_objects import fresh_objects
from harness.probes.scene.objects import Reference
from harness.probes.scene.permissions import Permission
from harness.probes.scene.preconditions import fresh
from harness.probes.scene.scene import BODIES_TRIED_MAX, Asker, Scene, Untestable

_MAY_BE_OLD = re.compile(r"max-age=[1-9]|s-maxage=[1-9]|stale-while", re.I)
LATER_S = 1.5
_REFUSALS = (401, 403, 404)  # of who asks, whatever the object's state


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
    for identity, body in writing.tries():
        done = writing.attempt(identity, body, Attempt(stage.owner, Whose.OWN, permission))
        if done.answer.is_success and done.effect:
            return done.steps[0]
    return None


class _Writing:
    def __init__(self, scene: Scene, operation: Operation, stage: Stage) -> None:
        self._scene, self._operation, self._stage = scene, operation, stage
        self._reference: Reference = stage.reference
        self._new: set[Any] = set()  # objects that were made for this operation
        self._owner_is_out = False  # a permitted write may close the owner's account: then there is nobody to look any more

    def run(self) -> Examined:
        """Tries objects and bodies until the owner's own write succeeds; what anybody else achieved on the way counts."""
        attackers = self._attackers()
        best: dict[Asker, Attempt] = {}
        own: Attempt | None = None
        own_body: Any = None
        permission = self._scene.permission(self._operation, self._stage.owner)
        # Others who may write come after the owner: what they do may use the object up, or shut the owner out.
        last = [each for each in attackers if each.permission.permitted is not False]
        for identity, body in self.tries():
            self._attack(best, [each for each in attackers if each not in last], identity, body)
            self._attack_through_the_peers(best, identity, body)
            own = self.attempt(identity, body, Attempt(self._stage.owner, Whose.OWN, permission))
            own_body = body
            if self._succeeded(own) or is_hole(own) or self._owner_is_out:
                break
        for attempt in last:
            self._as_somebody_who_may(best, attempt)
        nobody = None
        if own is not None and own.draft is not None and self._succeeded(own):
            nobody = self._nobody(own, own.draft)
            self._ask_for_the_peers(best, own_body)
        return judged(self._operation, self._stage, own, list(best.values()), nobody)

    def _succeeded(self, own: Attempt) -> bool:
        """Whether the owner's write was done: what names many objects may be answered 200, and be refused for each of them."""
        return own.answer.is_success and (bool(own.changed) or not self._reference.is_of_many)

    def tries(self) -> Iterator[tuple[Any, Any]]:
        """Objects of the owner, each with every body; whom all of them refused gets one that is made for this alone.

        Raises:
            Untestable: the operation can be sent for none of the objects that are known.
        """
        bodies = self._bodies()
        yield from product(self._identities(), bodies)
        for identity in fresh_objects(self._scene, self._operation, self._reference.name, self._stage.owner):
            try:
                self._draft(identity)
            except Untestable:  # the path goes on to what the new one does not have
                return
            self._new.add(identity)
            yield from ((identity, body) for body in bodies)

    def _bodies(self) -> list[Any]:
        """Bodies worth trying; of those that differ in the object alone one, as each is sent for every object."""
        bodies = self._scene.bodies(self._operation, otherwise=True, asker=self._stage.owner)
        if self._reference.place != "body":
            return bodies[:BODIES_TRIED_MAX]
        about_one = [placed(body, self._reference.name, "", {}) for body in bodies]
        return [body for number, body in enumerate(bodies) if about_one[number] not in about_one[:number]][:BODIES_TRIED_MAX]

    def _is_shown(self, attempt: Attempt, identity: Any) -> bool:
        """Whether a new object is shown to somebody who must not write to it: then it may have been published, or handed on."""
        if self._reference.kind.published or identity not in self._new or attempt.permission.permitted is not False:
            return False
        asker = attempt.asker
        lists = self._scene.finder.holdings(self._stage.holdings.kind).lists if asker.role == self._stage.owner.role else ()
        listed = {str(each) for found in lists for each in found.ids if found.user == asker.user}
        return str(identity) in listed or self._reads(asker, identity)

    def _reads(self, asker: Asker, identity: Any) -> bool:
        if not self._scene.looks.readers(self._reference):
            return False
        looks = self._scene.looks.requests(self._reference, identity, asker)
        return any(self._scene.ask(request).is_success for _, request in looks)

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

    def _attack_through_the_peers(self, best: dict[Asker, Attempt], identity: Any, body: Any) -> None:
        """What is below the owner's object, named below the peer's own: who checks only the start of a path lets it through."""
        peer = self._stage.peer
        own = self._stage.holdings.own.get(peer.user, ()) if peer else ()
        child = below(self._operation, self._reference)
        before = best.get(peer) if peer else None
        if peer is None or before is None or not own or not child or is_hole(before) or self._owner_is_out:
            return
        if self._is_shown(before, identity):
            return
        crossed = with_id(self._draft(identity), self._reference, own[0])
        if not self._scene.is_listed(crossed, child, peer):
            attempt = Attempt(peer, Whose.ANOTHER, before.permission, parameter=child)
            done = self.attempt(identity, body, attempt, through=own[0])
            if done.effect:
                best[peer] = done

    def _attack(self, best: dict[Asker, Attempt], attempts: list[Attempt], identity: Any, body: Any) -> None:
        for attempt in attempts:
            if not is_hole(best.get(attempt.asker)) and not self._owner_is_out and not self._is_shown(attempt, identity):
                best[attempt.asker] = self.attempt(identity, body, attempt)

    def _as_somebody_who_may(self, best: dict[Asker, Attempt], attempt: Attempt) -> None:
        for identity, body in self.tries():
            self._attack(best, [attempt], identity, body)
            done = best.get(attempt.asker)
            if done is None or done.answer.is_success or done.answer.status in _REFUSALS or self._owner_is_out:
                return

    def _ask_for_the_peers(self, best: dict[Asker, Attempt], body: Any) -> None:
        """An outsider may be taken for one certain user, and reach that one's objects alone."""
        stage = mirrored(self._stage)
        if stage is None:
            return
        for attempt in [each for asker, each in best.items() if asker != self._stage.peer and not each.answer.is_success]:
            permission = may_reach(self._scene, self._operation, stage, attempt.asker)
            of_the_peer = replace(attempt, permission=permission)
            done = _Writing(self._scene, self._operation, stage).attempt(stage.identities[0], body, of_the_peer)
            if is_hole(done):
                best[attempt.asker] = done

    def _nobody(self, own: Attempt, sent: Draft) -> Cell:
        """The request that succeeded, for an object that nobody has."""
        draft = with_nobodys(sent, self._reference, self._stage.holdings)
        answer = self._scene.world.send(draft.request(own.asker.role, own.asker.user))
        note = f"answered {answer.status}" if answer.is_success else ""
        return tried(self._operation, own.asker, Whose.NOBODY, False, False, answer.status, note)

    def _attackers(self) -> list[Attempt]:
        found = []
        if self._stage.peer is not None:
            basis = self._scene.permission(self._operation, self._stage.peer).basis
            found.append(Attempt(self._stage.peer, Whose.ANOTHER, Permission(False, basis)))
        for asker in outsiders(self._scene, self._stage):
            found.append(Attempt(asker, Whose.ANOTHER, may_reach(self._scene, self._operation, self._stage, asker)))
        return found

    def attempt(self, identity: Any, body: Any, attempt: Attempt, through: Any = None) -> Attempt:
        """Looks as the owner, writes as the asker with a request that would be right for the owner, and looks again.

        Args:
            through: another object that the request names in place of the owner's, with what is below the owner's.
        """
        draft = self._draft(identity)
        beside = {name: value for name, value in draft.path.items() if name != self._reference.name}
        before = self._look(identity, beside)
        volatile = self._scene.looks.volatile(self._reference, identity, self._stage.owner, beside)
        prepared = self._prepared(draft, identity, body, before)
        if through is not None:
            prepared = with_id(prepared, self._reference, through)
        request = prepared.request(attempt.asker.role, attempt.asker.user)
        witness = (self._scene.world.door.dsn, identity, self._reference.kind.table)
        rows = rows_about(*witness)
        entry = self._entry(identity) if attempt.asker == self._stage.owner else None
        answer = self._scene.world.send(request)
        after = self._look_again(identity, before, beside)
        if self._operation.method == "DELETE" and answer.is_success and not changes(before, after, volatile):
            time.sleep(LATER_S)  # it may be done, or a cache be over, a moment later
            after = self._look_again(identity, before, beside)
        looks = [made for _, made in self._scene.looks.requests(self._reference, identity, self._stage.owner, beside)]
        return replace(
            attempt,
            answer=answer,
            effect=changes(before, after, volatile),
            stored=row_changes(rows, rows_about(*witness), prepared.body),
            steps=(request, *looks[:1]),
            seen=after,
            owner=self._stage.owner,
            draft=prepared,
            makers=self._scene.made.get(str(identity), ()),
            listed=self._still_listed(identity, entry[2], before, after) if entry and answer.status in (200, 204) else None,
        )

    def _entry(self, identity: Any) -> tuple[Request, Answer, Any] | None:
        """How the owner's list shows an object whose deletion is asked for: None where it does not, or may be an older one."""
        kind, owner = self._reference.kind, self._stage.owner
        items, _, id_member = kind.id_path.rpartition(".")
        is_of_an_object = self._operation.path.rstrip("/").endswith(f"{{{self._reference.name}}}")
        if self._operation.method != "DELETE" or not is_of_an_object or not kind.list_path or not items.endswith("[*]"):
            return None
        request = self._scene.finder.list_request(kind.list_path, owner.role, owner.user)
        answer = self._scene.world.send(request)
        nodes = (node for node in find(answer.json, items) if isinstance(node, Mapping)) if answer.is_success else ()
        entry = next((node for node in nodes if str(node.get(id_member)) == str(identity)), None)
        return (request, answer, entry) if entry is not None and not _MAY_BE_OLD.search(answer.header("cache-control")) else None

    def _still_listed(
        self, identity: Any, entry: Any, before: Mapping[str, Answer], after: Mapping[str, Answer]
    ) -> tuple[Request, Answer] | None:
        """The list that holds a deleted object just as before, a moment later too, though every read of it is refused now."""
        shown = [name for name, answer in before.items() if answer.is_success]
        if not shown or any(after[name].status not in (404, 410) for name in shown):
            return None
        listed = self._entry(identity)
        if listed is not None and listed[2] == entry:
            time.sleep(LATER_S)  # a cache, or an index of its own, may be a moment behind
            listed = self._entry(identity)
        return listed[:2] if listed is not None and listed[2] == entry else None

    def _look(self, identity: Any, beside: Mapping[str, Any]) -> dict[str, Answer]:
        return self._scene.looks.at(self._reference, identity, self._stage.owner, beside)

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
        if isinstance(body, dict | list):
            body = self._unlike(identity, body, seen)
            if self._reference.place == "body":
                body = placed(body, self._reference.name, identity, seen)
        return fresh(self._scene.document, draft.with_body(body), seen)

    def _unlike(self, identity: Any, body: Any, seen: Mapping[str, Answer]) -> Any:
        current: dict[str, Any] = {}
        for name in names_within(body):
            value = next((found for answer in seen.values() if (found := member(answer.json, name)) is not None), None)
            if value is not None and not isinstance(value, dict | list):
                current[name] = value
        place = f"{self._operation.name} body {identity}"
        return self._scene.drafter.values.unlike(body_schema(self._operation.body), place, body, current)
