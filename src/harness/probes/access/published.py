"""Objects that everybody may read and their owner alone may write: what a user of the platform publishes for all to see.

Lists do not tell whose such an object is, so each user makes some. A peer's change of one is a hole only where the platform is
seen to know owners: it refuses the peer another write, or the target file or the operation's own words say so. Else it is
mentioned, as is what a peer does below the object (`POST /posts/{id}/like`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.model.errors import HarnessError
from harness.model.evidence import Whose
from harness.model.finding import Observation
from harness.model.target import ObjectKind, Role
from harness.probes.access.cells import Examined, untried
from harness.probes.access.wording import STAGE, WRITE_OF_ANOTHER
from harness.probes.access.writes import examine_write
from harness.probes.http.askers import Asker
from harness.probes.openapi.operations import Operation
from harness.probes.scene.body_places import carries
from harness.probes.scene.inference import collections, created, id_path_of, is_private
from harness.probes.scene.objects import Reference
from harness.probes.scene.path_ids import names_in

if TYPE_CHECKING:
    from harness.probes.scene.scene import Scene

EVERYBODY_WRITES = "authorization.everybody-writes"
MADE_EACH = 2  # objects that each of the two users makes
_REFUSED = (401, 403, 404)
_WHO = r"\b(owner|author|creator|maker)s?\b"
_OWNERS = re.compile(
    rf"\byour own\b|\bonly\b[^.\n]{{0,30}}{_WHO}|{_WHO} (only|alone|may|can)\b|\bbelongs? to (you|the caller)\b", re.I
)


def published_lists(scene: Scene) -> Iterator[Operation]:
    """The lists of such objects: those that the target file calls published, and those in which users can make some."""
    if not scene.world.target.allow.writes:
        return
    described = {kind.list_path.rstrip("/") for kind in scene.published}
    private = {kind.list_path.rstrip("/") for kind in (*scene.kinds, *scene.bound_kinds)}
    undescribed = {
        collection
        for collection, places in collections(scene).items()
        if collection not in private and scene.document.find("POST", collection) and _writers(scene, places)
    }
    listed = described | undescribed
    yield from (each for each in scene.document.operations if each.method == "GET" and each.path.rstrip("/") in listed)


def examine_published(scene: Scene, lister: Operation) -> Iterator[Examined]:
    """What a peer achieves on one user's objects of a list, by every operation that writes to them."""
    described = _described(scene, lister)
    kind = _known(scene, described) if described else _inferred(scene, lister)
    if kind is None:
        yield from [_none_is_known(lister, described)] if described else []
        return
    places = sorted(_writers(scene, kind.parameters), key=lambda place: scene.lateness(place[0]))
    results = [_examined(scene, operation, name, kind) for operation, name in places]
    judged = [examined for examined in results if described or any(cell.twin for cell in examined.cells)]
    knows_owners = described is not None or any(_is_refused(examined) for examined in judged)
    for examined in judged:
        is_hole = _is_of_the_object(examined.operation) and (knows_owners or _speaks_of_owners(examined.operation))
        yield replace(examined if is_hole else _mentioned(examined, kind), certain=described is not None)


def examine_published_by(scene: Scene, operation: Operation) -> Iterator[Examined]:
    """The same of one operation, which may write to published objects or not."""
    for lister in published_lists(scene):
        kind = _described(scene, lister)
        places = kind.parameters if kind else _places(scene, lister)
        if operation in [writer for writer, _ in _writers(scene, places)]:
            yield from (examined for examined in examine_published(scene, lister) if examined.operation == operation)


def _described(scene: Scene, lister: Operation) -> ObjectKind | None:
    """The kind that the target file describes with this list."""
    return next((kind for kind in scene.published if kind.list_path.rstrip("/") == lister.path.rstrip("/")), None)


def _places(scene: Scene, lister: Operation) -> tuple[str, ...]:
    """The places that name an object of the list."""
    return collections(scene).get(lister.path.rstrip("/"), ())


def _examined(scene: Scene, operation: Operation, name: str, kind: ObjectKind) -> Examined:
    try:
        return examine_write(scene, operation, Reference(operation.name, name, "path", kind, peers_only=True))
    except HarnessError as error:
        if not scene.world.door.alive():
            raise
        return Examined(operation, (untried(operation, Asker(kind.role), Whose.ANOTHER, False, error.message),))


def _known(scene: Scene, kind: ObjectKind) -> ObjectKind | None:
    """A described kind where it is known whose its objects are: by examples, by a list of one's own, else by making some."""
    if kind.examples or is_private(scene.finder.holdings(kind)):
        return kind
    return _with_made(scene, kind, scene.world.target.role(kind.role))


def _none_is_known(lister: Operation, kind: ObjectKind) -> Examined:
    why = f"no {kind.name} is known to be anybody's: no examples, no list of one's own, and users make none that others are shown"
    return Examined(lister, (untried(lister, Asker(kind.role), Whose.ANOTHER, False, why),))


def _inferred(scene: Scene, lister: Operation) -> ObjectKind | None:
    """The kind of the first role whose users make such objects and are shown one another's."""
    places = _places(scene, lister)
    for role in (role for role in scene.roles if len(role.users) > 1):
        maker = scene.document.operation(f"POST {lister.path}")
        if any(scene.permissions.of(each, role).permitted is False for each in (lister, maker)):
            continue
        id_path = id_path_of(scene, lister.path, places[0].rpartition(":")[2], role)
        if not id_path:
            continue
        kind = ObjectKind(lister.path, role.name, places, lister.path, id_path, published=True)
        if (made := _with_made(scene, kind, role)) is not None:
            return made
    return None


def _with_made(scene: Scene, kind: ObjectKind, role: Role) -> ObjectKind | None:
    """The kind with objects of two users; None where one of them makes none, or they are not shown to the other."""
    users = role.users[:2]
    if len(users) < 2 or not kind.list_path:
        return None
    name = kind.parameters[0].rpartition(":")[2]
    made = {
        user.name: tuple(
            identity
            for number in range(MADE_EACH)
            if (identity := created(scene, kind.list_path, name, role.name, user.name, number)) is not None
        )
        for user in users
    }
    if not all(made.values()):
        return None
    for user, other in zip(users, reversed(users), strict=True):
        listed = {str(identity) for identity in scene.finder.listed(kind, role.name, user.name)}
        if not listed & {str(identity) for identity in made[other.name]}:
            return None
    return replace(kind, examples=made)


def _writers(scene: Scene, places: Sequence[str]) -> list[tuple[Operation, str]]:
    """The operations whose path ends at such an object, or one word below it, with its parameter; none that destroys."""
    kind = ObjectKind("", "", tuple(places))
    found = []
    for operation in scene.document.operations:
        names = names_in(operation.path)
        if operation.is_safe or operation.name in scene.destructive or not names or not carries(kind, operation, names[-1]):
            continue
        if operation.path.rstrip("/").partition("{" + names[-1] + "}")[2].count("/") <= 1 and len(names) == 1:
            found.append((operation, names[-1]))
    return found


def _is_refused(examined: Examined) -> bool:
    """Whether the peer was kept from what the owner did."""
    others = [cell for cell in examined.cells if cell.whose is Whose.ANOTHER and cell.tried]
    return _is_of_the_object(examined.operation) and any(
        cell.twin and not cell.allowed and cell.status in _REFUSED for cell in others
    )


def _is_of_the_object(operation: Operation) -> bool:
    """Whether it changes or deletes the object itself: what is below it (`POST /posts/{id}/like`) may be for everybody."""
    return operation.method in ("PUT", "PATCH", "DELETE") and operation.path.rstrip("/").endswith("}")


def _speaks_of_owners(operation: Operation) -> bool:
    return bool(_OWNERS.search(f"{operation.summary}\n{operation.description}"))


def _mentioned(examined: Examined, kind: ObjectKind) -> Examined:
    """The same without a claim of a peer's write: a platform may let everybody write what everybody reads."""
    kept = tuple(finding for finding in examined.findings if finding.rule != WRITE_OF_ANOTHER)
    if len(kept) == len(examined.findings):
        return examined
    text = (
        f"a {kind.role} changes what another has made and everybody reads; where its maker alone should, its description can"
        f' say so, or published = true in an [[objects]] of list_path = "{kind.list_path}"'
    )
    said = Observation(EVERYBODY_WRITES, text, STAGE, examined.operation.name)
    cells = tuple(replace(cell, permitted=cell.permitted or bool(cell.allowed)) for cell in examined.cells)
    return replace(examined, cells=cells, findings=kept, observations=(*examined.observations, said))
