"""Ids for the parameters of a path: the asker's own, those that lists show, those of objects that are made for it, at any depth.

In `/projects/{project_id}/tasks/{task_id}` the task must be one of the project: where the first project has none, the next is
looked at. `/reviews/{id}` may name what only `/books/{id}/reviews` gives out, and `/books/{id}/tags/{tag}` what `/tags` lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.probes.http.askers import Asker, Untestable
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.borrowed import refers
from harness.probes.scene.inference import made_ids

if TYPE_CHECKING:
    from harness.probes.scene.scene import Scene

_TEMPLATE = re.compile(r"\{([^{}/]+)\}")
CANDIDATES_MAX = 5  # ids of one parameter that are tried where the path goes on and leads to nothing
PARENTS_TRIED_MAX = 5


def names_in(path: str) -> tuple[str, ...]:
    """The parameters that a path's template names, in its order."""
    return tuple(_TEMPLATE.findall(path))


def path_ids(scene: Scene, operation: Operation, asker: Asker, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values for all parameters of the operation's path, those that are given among them.

    Raises:
        Untestable: one has no value that is known.
    """
    missing = [name for name in names_in(operation.path) if name not in given]
    if not missing:
        return dict(given)
    name = missing[0]
    collection = collection_of(operation.path, name)
    reason = Untestable(
        f"no value is known for {{{name}}}: GET {collection} lists none and the target file describes no such object"
    )
    for identity in islice(_candidates(scene, operation, name, asker, given), CANDIDATES_MAX):
        filled = {**given, name: identity}
        if _leads_nowhere(scene, operation, name, asker, filled):
            continue
        try:
            return path_ids(scene, operation, asker, filled)
        except Untestable as error:
            reason = error
    raise reason


def collection_of(path: str, name: str) -> str:
    """The path up to a parameter: where the objects that it names are listed."""
    return path.split("{" + name + "}")[0].rstrip("/")


def _leads_nowhere(scene: Scene, operation: Operation, name: str, asker: Asker, filled: Mapping[str, Any]) -> bool:
    """Whether the next parameter was given before, and the list below this one shows it not."""
    names = names_in(operation.path)
    child = next(iter(names[names.index(name) + 1 :]), "")
    if child not in filled:
        return False
    listed = scene.listed_ids(collection_of(operation.path, child), child, asker, filled)
    return bool(listed) and filled[child] not in listed


def _candidates(scene: Scene, operation: Operation, name: str, asker: Asker, known: Mapping[str, Any]) -> Iterator[Any]:
    """Ids for one parameter, the likeliest first; each is looked for, and made, only when those before it did not do."""
    yield from scene.owned(asker).get(name, ())
    parameter = operation.parameter(name, "path")
    enumerated = _enumerated(scene, parameter.schema) if parameter else None
    if enumerated is not None:
        yield enumerated
        return
    collection = collection_of(operation.path, name)
    yield from scene.listed_ids(collection, name, asker, known)
    yield from _told(scene, collection, name, asker)
    for asked in scene.askers():
        yield from scene.listed_ids(collection, name, asked, known)
    if "{" in collection and (made := made_in(scene, collection, known, name, asker)) is not None:
        yield made
    if (identity := _elsewhere(scene, collection, name, asker)) is not None:
        yield identity
    if parameter is not None and parameter.examples:
        yield parameter.examples[0]


def _told(scene: Scene, collection: str, name: str, asker: Asker) -> tuple[Any, ...]:
    """Ids that other lists tell beside their own: whose members somebody sees may see no list of organisations."""
    return refers(name, scene.known_ids(asker), collection.rsplit("/", 1)[-1])


def _enumerated(scene: Scene, schema: Any) -> Any:
    try:
        resolved = scene.document.schemas.resolve(schema)
    except SchemaError:
        return None
    return resolved["enum"][0] if isinstance(resolved.get("enum"), list) and resolved["enum"] else resolved.get("const")


def _elsewhere(scene: Scene, collection: str, name: str, asker: Asker) -> Any:
    """An id that another collection of the same name gives: a flat one, or one below a parent."""
    segment = collection.rsplit("/", 1)[-1]
    paths = dict.fromkeys(op.path for op in scene.document.operations if op.path.rstrip("/").rsplit("/", 1)[-1] == segment != "")
    for path in (path for path in paths if path != collection and len(names_in(path)) <= 1):
        for parents in _parents(scene, path, asker):
            if (made := made_in(scene, path, parents, name, asker) if parents else None) is not None:
                return made
            if listed := scene.listed_ids(path, name, asker, parents):
                return listed[0]
    return None


def _parents(scene: Scene, path: str, asker: Asker) -> Iterator[dict[str, Any]]:
    """Values for the one parameter of a path, from the list that its start names; `{}` where it has none."""
    names = names_in(path)
    if not names:
        yield {}
        return
    for identity in scene.listed_ids(collection_of(path, names[0]), names[0], asker)[:PARENTS_TRIED_MAX]:
        yield {names[0]: identity}


def made_in(
    scene: Scene, collection: str, parents: Mapping[str, Any], name: str, asker: Asker, salt: str = ""
) -> int | str | None:
    """The id of an object that the asker makes in a collection, None where nothing is to be made there.

    Args:
        parents: the ids in the collection's path.
        salt: makes another object than those before it.
    """
    maker = scene.document.find("POST", collection)
    if maker is None or maker.name in scene.destructive or not scene.world.target.allow.writes or not asker.role:
        return None
    if scene.permission(maker, asker).permitted is False or set(names_in(collection)) - parents.keys():
        return None
    try:
        draft = scene.drafter.draft(maker, given=parents)
        bodies = scene.bodies(maker, f" {asker.role} {asker.user} {name}{salt}", asker=asker)
    except (SchemaError, Untestable):
        return None
    for body in bodies[:2]:
        try:
            request = draft.with_body(body).request(asker.role, asker.user)
        except SchemaError:  # a kind of body that cannot be written
            continue
        answer = scene.world.send(request)
        identity = next(made_ids(answer, name), None) if answer.is_success else None
        if identity is not None:
            scene.made[str(identity)] = (replace(request, stands_for=str(identity)),)
            return identity
    return None
