"""Ids of objects that are listed and made below another: `/reviews/{id}` where only `/books/{id}/reviews` gives them out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.probes.inference import made_ids
from harness.probes.objects import ids_in
from harness.probes.operations import Operation
from harness.probes.schemas import SchemaError

if TYPE_CHECKING:
    from harness.probes.scene import Asker, Scene

_TEMPLATE = re.compile(r"\{([^{}/]+)\}")
PARENTS_TRIED_MAX = 5


def nested_id(scene: Scene, collection: str, name: str, asker: Asker) -> Any:
    """An id for the parameter `name`: of an object that the asker makes, else of one that is listed; None without either."""
    places = [op.path for op in scene.document.operations if _is_below(op.path, collection)]
    for path in dict.fromkeys(places):
        for parents in _parents(scene, path, asker):
            maker, lister = scene.document.find("POST", path), scene.document.find("GET", path)
            if maker is not None and (made := _made(scene, maker, parents, name, asker)) is not None:
                return made
            if lister is not None and (listed := _listed(scene, lister, parents, name, asker)):
                return listed[0]
    return None


def _is_below(path: str, collection: str) -> bool:
    """Whether a path ends with the collection's last segment and names one parent before it."""
    head, _, segment = path.rpartition("/")
    return segment == collection.rsplit("/", 1)[-1] and path != collection and len(_TEMPLATE.findall(head)) == 1


def _parents(scene: Scene, path: str, asker: Asker) -> Iterator[dict[str, Any]]:
    """Values for the one parameter of a path, from the list that its start names."""
    parent = _TEMPLATE.findall(path)[0]
    known = scene.listed_ids(path.split("{")[0].rstrip("/"), parent, asker)
    for identity in known[:PARENTS_TRIED_MAX]:
        yield {parent: identity}


def _made(scene: Scene, maker: Operation, parents: dict[str, Any], name: str, asker: Asker) -> Any:
    may = asker.role and scene.permission(maker, asker).permitted is not False and scene.world.target.allow.writes
    if not may or maker.name in scene.destructive:
        return None
    from harness.probes.scene import Untestable  # here: a scene looks for nested ids itself

    try:
        draft = scene.drafter.draft(maker, given=parents)
        bodies = scene.bodies(maker, f" {asker.role} {asker.user} {name}")
    except (SchemaError, Untestable):
        return None
    for body in bodies[:2]:
        answer = scene.world.send(draft.with_body(body).request(asker.role, asker.user))
        if answer.is_success:
            return next(made_ids(answer, name), None)
    return None


def _listed(scene: Scene, lister: Operation, parents: dict[str, Any], name: str, asker: Asker) -> tuple[Any, ...]:
    if scene.permission(lister, asker).permitted is False:
        return ()
    try:
        answer = scene.world.send(scene.drafter.draft(lister, given=parents).request(asker.role, asker.user))
    except SchemaError:
        return ()
    return ids_in(answer.json, name) if answer.is_success else ()
