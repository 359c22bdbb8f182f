"""Examines operations that read one object: own, another's, nobody's, by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.model.evidence import Cell, Whose
from harness.model.finding import Finding
from harness.probes.access.cells import Examined, tried, untried, with_twins
from harness.probes.access.wording import function_of_another, read_of_another
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import distinctive, same_body, shown
from harness.probes.openapi.operations import Operation
from harness.probes.scene.body_places import placed
from harness.probes.scene.objects import Holdings, Reference, unknown_like
from harness.probes.scene.path_ids import names_in
from harness.probes.scene.permissions import Permission
from harness.probes.scene.scene import NOBODY, Asker, Scene, Untestable

OBJECTS_TRIED_MAX = 6  # a life cycle may refuse a change of one object and allow it of the next; not each has what is below it


@dataclass(frozen=True)
class Stage:
    """Whose object stands in the middle: the owner with the object, and a peer of the same role without it."""

    reference: Reference
    holdings: Holdings
    owner: Asker
    peer: Asker | None
    identities: tuple[Any, ...]


@dataclass(frozen=True)
class _Way:
    """A request for the owner's object. `baselines` are answers that the asker may get: what they show is no secret."""

    draft: Draft
    parameter: str  # the id that is not the asker's own
    baselines: list[Answer]


def with_id(draft: Draft, reference: Reference, identity: Any) -> Draft:
    """The draft with another object at the reference, and all else as it is."""
    if reference.place == "body":
        return draft.with_body(placed(draft.body, reference.name, identity, {}))
    if reference.place == "query":
        return replace(draft, query={**draft.query, reference.name: identity})
    return replace(draft, path={**draft.path, reference.name: identity})


def with_nobodys(draft: Draft, reference: Reference, holdings: Holdings) -> Draft:
    """The draft with an object that nobody has at the reference, and none below it either: what is below might be somebody's."""
    emptied = with_id(draft, reference, holdings.nobody())
    names = names_in(draft.operation.path)
    after = names[names.index(reference.name) + 1 :] if reference.name in names else ()
    return replace(emptied, path={name: unknown_like(value) if name in after else value for name, value in emptied.path.items()})


def below(operation: Operation, reference: Reference) -> str:
    """The parameter of the path that comes after the reference's: an object below it; "" where there is none."""
    names = names_in(operation.path)
    return next(iter(names[names.index(reference.name) + 1 :]), "") if reference.name in names else ""


def staged(scene: Scene, reference: Reference) -> Stage:
    """Finds an owner and a peer for a reference: the last user who owns something, and another of its role.

    Raises:
        Untestable: nobody owns anything of the kind, or the lists do not tell.
    """
    kind = reference.kind
    holdings = scene.holdings(kind)
    if holdings.problem:
        raise Untestable(holdings.problem)
    owners = [user for user, ids in holdings.own.items() if ids]
    if not owners:
        raise Untestable(
            f"every {kind.name} that GET {kind.list_path} shows one user is shown to the others too: nobody's own is known"
        )
    owner = owners[-1]
    peers = [user for user in holdings.own if user != owner]
    peer = Asker(kind.role, peers[0]) if peers else None
    return Stage(reference, holdings, Asker(kind.role, owner), peer, holdings.own[owner])


def mirrored(stage: Stage) -> Stage | None:
    """The same with the peer's objects in the middle; None where no peer owns any."""
    identities = stage.holdings.own.get(stage.peer.user, ()) if stage.peer else ()
    if stage.peer is None or not identities:
        return None
    return Stage(stage.reference, stage.holdings, stage.peer, stage.owner, tuple(identities))


def outsiders(scene: Scene, stage: Stage) -> Iterator[Asker]:
    """A user of each other role, and nobody."""
    if stage.reference.peers_only:
        return
    for role in scene.roles:
        if role.name != stage.owner.role:
            yield Asker.first_of(role)
    yield NOBODY


def may_reach(scene: Scene, operation: Operation, stage: Stage, asker: Asker) -> Permission:
    """Whether an outsider may reach the owner's object.

    Never a peer; a higher role as the document says, or as observed; and as observed who is shown the object in its own list
    (what one role publishes to another is no secret of the first), or reads it while another user of its role may not: it is that
    user's too, as an appointment is its patient's and its doctor's.
    """
    permission = scene.permission(operation, asker)
    if permission.permitted is False or not asker.role:
        return permission
    if asker.role != stage.owner.role and scene.permission(operation, stage.owner).permitted is False:
        return permission  # who owns the object does not do this to it: the document says who does
    ranks = scene.world.target.role(asker.role).rank, scene.world.target.role(stage.owner.role).rank
    if asker.role != stage.owner.role and ranks[0] > ranks[1]:
        return Permission(None, permission.basis)
    if asker.role != stage.owner.role and (
        scene.shown_ids(stage.reference.kind, asker) & set(map(str, stage.identities)) or _is_its_own_too(scene, stage, asker)
    ):
        return Permission(None, permission.basis)
    return Permission(False, permission.basis)


def _is_its_own_too(scene: Scene, stage: Stage, asker: Asker) -> bool:
    """Whether the asker is shown one of the owner's objects that others of its role are refused: long lists do not tell."""
    others = [Asker(asker.role, user.name) for user in scene.world.target.role(asker.role).users if user.name != asker.user]
    looks, reference = scene.looks, stage.reference
    shown = (identity for identity in stage.identities[:OBJECTS_TRIED_MAX] if looks.shows(reference, identity, asker))
    return bool(others) and any(looks.shows(reference, identity, other) is False for identity in shown for other in others)


def examine_read(scene: Scene, operation: Operation, reference: Reference) -> Examined:
    """All cells of a reading operation that names an object."""
    try:
        return _Reading(scene, operation, staged(scene, reference)).run()
    except Untestable as error:
        return Examined(operation, tuple(_untried_cells(scene, operation, reference, str(error))))


def _untried_cells(scene: Scene, operation: Operation, reference: Reference, why: str) -> Iterator[Cell]:
    role = scene.world.target.role(reference.kind.role)
    user = role.users[0].name if role.users else ""
    yield untried(operation, Asker(role.name, user), Whose.OWN, True, why)
    yield untried(operation, Asker(role.name, user), Whose.ANOTHER, False, why)


class _Reading:
    def __init__(self, scene: Scene, operation: Operation, stage: Stage) -> None:
        self._scene, self._operation, self._stage = scene, operation, stage
        self._name = stage.reference.name
        self._cells: list[Cell] = []
        self._findings: list[Finding] = []

    def run(self) -> Examined:
        """Owner first, then the peer, the other roles and nobody, each judged by what the owner is shown."""
        stage = self._stage
        owner_draft, owner_answer = self._shown_to_owner()
        permitted = self._scene.permission(self._operation, stage.owner).permitted is not False
        self._cell(stage.owner, Whose.OWN, permitted, owner_answer.is_success, owner_answer)
        if owner_answer.is_success and not permitted:
            because = f"{self._permission(stage.owner).basis} keeps it for other roles, whosever the object is"
            steps = (owner_draft.request(stage.owner.role, stage.owner.user),)
            self._findings.append(function_of_another(self._operation, stage.owner, because, owner_answer, steps))
        baselines = [self._nobody(owner_draft)]
        if stage.peer is None:
            why = f"the target file names one user of the role {stage.owner.role}: there is no other to ask"
            self._cells.append(untried(self._operation, stage.owner, Whose.ANOTHER, False, why))
        else:
            baselines += self._peer_baselines(stage.peer)
            ways = [_Way(owner_draft, self._name, baselines), *self._through_the_peers(stage.peer, owner_draft, baselines)]
            self._attack(stage.peer, owner_answer, ways, Permission(False, self._permission(stage.peer).basis))
        for asker in outsiders(self._scene, stage):
            ways = [_Way(self._with_hints(asker, owner_draft), self._name, baselines)]
            self._attack(asker, owner_answer, ways, may_reach(self._scene, self._operation, stage, asker))
        return Examined(self._operation, with_twins(self._cells), tuple(self._findings))

    def _shown_to_owner(self) -> tuple[Draft, Answer]:
        """The request for the first of the owner's objects that it is shown, as not all need have what the path goes on to."""
        reason: Untestable | None = None
        first: tuple[Draft, Answer] | None = None
        for identity in self._stage.identities[:OBJECTS_TRIED_MAX]:
            try:
                draft = self._draft(identity)
            except Untestable as error:
                reason = error
                continue
            answer = self._send(draft, self._stage.owner)
            first = first or (draft, answer)
            if answer.is_success:
                return draft, answer
        if first is None:
            raise reason or Untestable("nothing is known to be anybody's own")
        return first

    def _permission(self, asker: Asker) -> Permission:
        return self._scene.permission(self._operation, asker)

    def _draft(self, identity: Any) -> Draft:
        return self._scene.draft(self._operation, self._stage.owner, {self._name: identity})

    def _send(self, draft: Draft, asker: Asker) -> Answer:
        return self._scene.world.send(draft.request(asker.role, asker.user))

    def _cell(self, asker: Asker, whose: Whose, permitted: bool, allowed: bool, answer: Answer, note: str = "") -> None:
        self._cells.append(tried(self._operation, asker, whose, permitted, allowed, answer.status, note or answer.error))

    def _nobody(self, draft: Draft) -> Answer:
        """What is answered about an object that nobody has: what it says is no secret."""
        owner = self._stage.owner
        answer = self._send(with_nobodys(draft, self._stage.reference, self._stage.holdings), owner)
        note = f"answered {answer.status}" if answer.is_success else ""
        self._cell(owner, Whose.NOBODY, False, False, answer, note)
        return answer

    def _peer_baselines(self, peer: Asker) -> list[Answer]:
        own = self._stage.holdings.own.get(peer.user, ())
        if not own:
            return []
        try:
            return [self._send(self._draft(own[0]), peer)]
        except Untestable:
            return []

    def _through_the_peers(self, peer: Asker, draft: Draft, baselines: list[Answer]) -> Iterator[_Way]:
        """The owner's object below the peer's own: who checks only the start of a path lets it through."""
        child = below(self._operation, self._stage.reference)
        for parent in self._stage.holdings.own.get(peer.user, ())[:1] if child else ():
            crossed = with_id(draft, self._stage.reference, parent)
            if not self._scene.is_listed(crossed, child, peer):
                known = [self._scene.world.send(request) for request in self._scene.shown_elsewhere(crossed, child, peer)]
                yield _Way(crossed, child, [*baselines, *known])

    def _attack(self, asker: Asker, owner_answer: Answer, ways: list[_Way], permission: Permission) -> None:
        """Tries each way until one is open; the cell says what became of that one, else of the first."""
        tries = []
        for way in ways:
            answer = self._send(way.draft, asker)
            secrets = distinctive(owner_answer, way.baselines, sent=(way.draft.request().path,))
            seen = shown(secrets, answer)
            allowed = bool(seen) if secrets else self._same(owner_answer, answer, way.baselines)
            tries.append((way, answer, seen, allowed))
            if allowed:
                break
        way, answer, seen, allowed = tries[-1] if tries[-1][3] else tries[0]
        permitted = allowed if permission.permitted is None else permission.permitted
        note = "" if answer.status < 500 else f"refused with {answer.status}"
        self._cell(asker, Whose.ANOTHER, permitted, allowed, answer, note)
        if allowed and not permitted:
            steps = (way.draft.request(asker.role, asker.user),)
            self._findings.append(read_of_another(self._operation, asker, self._stage.owner, way.parameter, seen, answer, steps))

    def _same(self, owner_answer: Answer, answer: Answer, baselines: list[Answer]) -> bool:
        """Whether an answer without telling values (figures, flags) is the owner's: equal to it, and not what anybody gets."""
        if not (answer.is_success and owner_answer.is_success and same_body(owner_answer, answer)):
            return False
        if not any(same_body(baseline, answer) for baseline in baselines):
            return True
        return self._stage.reference.place == "path" and not baselines[0].is_success

    def _with_hints(self, asker: Asker, draft: Draft) -> Draft:
        """An outsider may have to name the owner (`?partner_id=`): it knows the owner's own ids."""
        if not asker.role or asker.role == self._stage.owner.role:
            return draft
        for name, value in self._scene.own_ids(self._stage.owner).items():
            parameter = self._operation.parameter(name, "query")
            if parameter is not None:
                draft = draft.with_value(parameter, value)
        return draft
