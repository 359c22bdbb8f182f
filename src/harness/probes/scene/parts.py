"""Kinds whose objects are made below another's and have an address of their own: `/attachments/{id}`.

No list tells whose they are. Where users are refused each other's incidents, what is attached to one (`POST
/incidents/{id}/attachments`) is as private: it belongs to whoever made it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.model.target import ObjectKind
from harness.probes.http.askers import Asker
from harness.probes.openapi.names import singular
from harness.probes.openapi.operations import Operation
from harness.probes.scene.inference import is_secret_among
from harness.probes.scene.path_ids import collection_of, made_in, names_in

if TYPE_CHECKING:
    from harness.probes.scene.scene import Scene

MADE_EACH = 2  # objects of each user: one may be deleted


def parts_of_kinds(scene: Scene) -> Iterator[ObjectKind]:
    """The kinds of such objects, two of which are made for each user who owns something that they can be made below."""
    for collection, name, places in _addresses(scene):
        for maker, kind in _makers(scene, collection):
            made = _made(scene, maker, kind, name)
            if len(made) > 1:
                yield ObjectKind(singular(collection.rsplit("/", 1)[-1]), kind.role, places, examples=made)
                break


def _addresses(scene: Scene) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Collections that nothing lists, the parameter that names one of their objects, and the places where it stands."""
    found: dict[tuple[str, str], list[str]] = {}
    described = {place for kind in scene.kinds for place in kind.parameters}
    for operation in scene.document.operations:
        name = next(iter(names_in(operation.path)), "")
        place = f"{operation.path}:{name}"
        is_known = not name or {name, place} & described or not operation.is_secured
        if not is_known and scene.document.find("GET", collection_of(operation.path, name)) is None:
            found.setdefault((collection_of(operation.path, name), name), []).append(place)
    yield from ((collection, name, tuple(dict.fromkeys(places))) for (collection, name), places in found.items())


def _makers(scene: Scene, collection: str) -> Iterator[tuple[Operation, ObjectKind]]:
    """What makes an object of the collection below one of a kind that users keep from each other."""
    segment = collection.rsplit("/", 1)[-1]
    listed = {each.path.rstrip("/") for each in scene.document.operations if each.method == "GET"}
    for operation in scene.document.operations:
        parents = [each for each in scene.references(operation) if each.place == "path"]
        is_below = len(names_in(operation.path)) == len(parents) == 1 and operation.path.rstrip("/").endswith(f"}}/{segment}")
        elsewhere = any(path.endswith(f"/{segment}") and path != operation.path.rstrip("/") for path in listed)  # shown there
        if segment and operation.method == "POST" and is_below and not elsewhere and is_secret_among(scene, parents[0].kind):
            yield operation, parents[0].kind


def _made(scene: Scene, maker: Operation, kind: ObjectKind, name: str) -> dict[str, tuple[Any, ...]]:
    made: dict[str, tuple[Any, ...]] = {}
    parent = names_in(maker.path)[0]
    for user, ids in scene.holdings(kind).own.items():
        asker = Asker(kind.role, user)
        salts = (f" {number}" for number in range(MADE_EACH if ids else 0))
        found = [made_in(scene, maker.path.rstrip("/"), {parent: ids[0]}, name, asker, salt) for salt in salts]
        if identities := tuple(dict.fromkeys(each for each in found if each is not None and each != ids[0])):
            made[user] = identities
    named = [str(each) for identities in made.values() for each in identities]
    return made if len(set(named)) == len(named) else {}
