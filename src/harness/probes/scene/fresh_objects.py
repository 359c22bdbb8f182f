"""An object made for one operation alone: those that are known may all be in a state that refuses it (`POST /x/{id}/close`).

It is offered as it was made, and once more after each action beside the operation that was let in (`POST /x/{id}/open`): in the
document's order, which often is that of a life cycle. What brings an object back (`POST /x/{id}/restore`) gets a deleted one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker, Untestable
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.path_ids import collection_of, made_in, names_in
from harness.probes.scene.preconditions import fresh
from harness.probes.scene.scene import Scene

ACTIONS_MAX = 6
_BRINGS_BACK = re.compile(r"/(restore|recover|undelete|undo|reinstate|revive|bring-?back)/?$", re.I)
BODIES_FOR_NEW_MAX = 2


def fresh_objects(scene: Scene, operation: Operation, name: str, owner: Asker) -> Iterator[Any]:
    """The id of a new object of the owner for the path's parameter `name`, once for each state that it was brought into.

    Nothing is made before it is asked for, nor anything at all for what only reads.
    """
    if operation.is_safe or name not in names_in(operation.path):
        return
    made = _made(scene, operation, name, owner)
    if made is None:
        return
    yield made.identity
    for action in islice(made.actions(operation), ACTIONS_MAX):
        if made.take(action):
            yield made.identity


def made_for(scene: Scene, operation: Operation, owner: Asker) -> dict[str, Any]:
    """The ids in the operation's path for a new object of the owner, its parents' among them; empty where none can be made."""
    names = names_in(operation.path)
    made = _made(scene, operation, names[-1], owner) if names else None
    return made.ids if made is not None else {}


@dataclass(frozen=True)
class _Made:
    """A new object: the template of its path, the ids in it, its own among them, and whose it is."""

    scene: Scene
    path: str
    ids: dict[str, Any]
    identity: Any
    owner: Asker
    makers: list[Request]  # the requests that brought it to where it is

    def actions(self, operation: Operation) -> Iterator[Operation]:
        """The other writes to the object itself, or one word below it."""
        for action in self.scene.document.operations:
            below = action.path.removeprefix(self.path).rstrip("/") if action.path.startswith(self.path) else "/{"
            does = ("POST", "PUT", "PATCH", *(["DELETE"] if _BRINGS_BACK.search(operation.path) else []))
            is_beside = action.method in does and "{" not in below and below.count("/") < 2
            if is_beside and action.name != operation.name and action.name not in self.scene.destructive:
                yield action

    def take(self, action: Operation) -> bool:
        """Whether the action was let in, by the owner or else by whoever may; it then belongs to how the object was made."""
        scene = self.scene
        asker = self.owner if scene.permission(action, self.owner).permitted is not False else scene.caller(action)
        try:
            draft, bodies = scene.draft(action, asker, self.ids), scene.bodies(action, asker=asker)
        except Untestable:
            return False
        for body in bodies[:BODIES_FOR_NEW_MAX]:
            try:
                request = fresh(scene.document, draft.with_body(body), self._seen()).request(asker.role, asker.user)
            except SchemaError:  # a kind of body that cannot be written, or a reader that asks for more than the id
                return False
            if scene.ask(request).is_success:
                self.makers.append(request)
                scene.made[str(self.identity)] = tuple(self.makers)
                return True
        return False

    def _seen(self) -> dict[str, Answer]:
        """The object as its owner sees it now, with its version."""
        reader = self.scene.document.find("GET", self.path)
        if reader is None:
            return {}
        request = self.scene.drafter.draft(reader, given=self.ids).request(self.owner.role, self.owner.user)
        return {reader.name: self.scene.ask(request)}


def _made(scene: Scene, operation: Operation, name: str, owner: Asker) -> _Made | None:
    """A new object in the collection that the operation's path names; None where it cannot be made."""
    collection = collection_of(operation.path, name)
    wanted = names_in(collection)
    try:
        known = scene.draft(operation, owner).path if wanted else {}
    except Untestable:
        return None
    parents = {parent: known[parent] for parent in wanted}
    identity = made_in(scene, collection, parents, name, owner, f" {next(scene.salts)}")
    if identity is None:
        return None
    return _Made(scene, f"{collection}/{{{name}}}", {**parents, name: identity}, identity, owner, list(scene.made[str(identity)]))
