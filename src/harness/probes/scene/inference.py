"""Kinds of objects that the target file does not describe: `/x/{id}` where `GET /x` shows each user other ones.

Ownership is never guessed from names: a kind counts only where the target itself shows two users different objects and neither
the other's. Where their lists are empty, objects are made through the API, and must show in their maker's list alone.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.model.target import ObjectKind, Role
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker
from harness.probes.http.oracle import member
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.objects import Holdings, Reference, id_names, id_path_in

if TYPE_CHECKING:
    from harness.probes.scene.scene import Scene

CREATED_EACH = 2  # objects made for a user who has none
_TEMPLATE = re.compile(r"\{([^{}/]+)\}")


def inferred(scene: Scene) -> tuple[ObjectKind, ...]:
    """The kinds whose objects the target treats as their users' own."""
    found = []
    for collection, parameters in collections(scene).items():
        for role in scene.roles:
            kind = _kind(scene, collection, parameters, role) if len(role.users) > 1 else None
            if kind is not None:
                found.append(kind)
                break  # one role owns them; the others are judged as outsiders
    return tuple(found)


def bound_roles(scene: Scene) -> Iterator[ObjectKind]:
    """The kinds once more for each further role whose users are shown different objects: the managers of two tenants.

    Such a role stands above the owners, and yet has its own part of the objects only.
    """
    for kind in scene.kinds:
        lister = scene.document.find("GET", kind.list_path) if kind.list_path else None
        if lister is None or "[*]" not in kind.id_path:  # `/me` shows everybody another object, and is no list
            continue
        for role in (role for role in scene.roles if role.name != kind.role and len(role.users) > 1):
            other = replace(kind, role=role.name, examples={})
            if scene.permissions.of(lister, role).permitted is not False and is_private(scene.finder.holdings(other)):
                yield other


def is_secret_among(scene: Scene, kind: ObjectKind) -> bool:
    """Whether users of the kind's role are refused reading each other's objects; what they may read they may refer to."""
    own = scene.holdings(kind).own
    pairs = [(user, ids[0]) for owner, ids in own.items() if ids for user in own if user != owner]
    place = Reference("", "", "path", kind)
    return bool(pairs) and all(scene.looks.shows(place, identity, Asker(kind.role, user)) is False for user, identity in pairs)


def collections(scene: Scene) -> dict[str, tuple[str, ...]]:
    """Paths that list objects, with the places (`/x/{id}:id`) that name one of them."""
    described = {written.rpartition(":")[2] for kind in scene.world.target.objects for written in kind.parameters}
    found: dict[str, tuple[str, ...]] = {}
    for operation in scene.document.operations:
        first = _TEMPLATE.search(operation.path)
        collection = operation.path[: first.start()].rstrip("/") if first else ""
        if first is None or first[1] in described or scene.document.find("GET", collection) is None:
            continue
        place = f"{operation.path}:{first[1]}"
        found[collection] = tuple(dict.fromkeys((*found.get(collection, ()), place)))
    return found


def _kind(scene: Scene, collection: str, parameters: tuple[str, ...], role: Role) -> ObjectKind | None:
    lister = scene.document.operation(f"GET {collection}")
    if scene.permissions.of(lister, role).permitted is False or not lister.is_secured:
        return None
    name = parameters[0].rpartition(":")[2]
    id_path = id_path_of(scene, collection, name, role)
    if not id_path:
        return None
    kind = ObjectKind(collection.rsplit("/", 1)[-1], role.name, parameters, collection, id_path)
    return kind if is_private(scene.finder.holdings(kind)) else None


def id_path_of(scene: Scene, collection: str, name: str, role: Role) -> str:
    """Where the ids stand in the list; every user gets objects of its own first where somebody has none."""
    path = ""
    for user in role.users[:2]:
        seen = _seen(scene, collection, name, role.name, user.name)
        if not seen:
            made = [created(scene, collection, name, role.name, user.name, number) for number in range(CREATED_EACH)]
            seen = _seen(scene, collection, name, role.name, user.name) if any(made) else ""
        if not seen:
            return ""
        path = seen
    return path


def _seen(scene: Scene, collection: str, name: str, role: str, user: str) -> str:
    try:
        answer = scene.world.send(scene.finder.list_request(collection, role, user))
    except SchemaError:
        return ""
    return id_path_in(answer.json, name) if answer.is_success else ""


def is_private(holdings: Holdings) -> bool:
    """Whether each user is shown objects, and none that another is shown."""
    return not holdings.problem and not holdings.shared and len(holdings.own) > 1 and all(holdings.own.values())


def created_for(scene: Scene, kind: ObjectKind) -> bool:
    """Makes objects through the API for the users who have none; whether any was made."""
    role = scene.world.target.role(kind.role)
    name = kind.parameters[0].rpartition(":")[2] if kind.parameters else "id"
    have = {listed.user: bool(listed.ids) for listed in scene.finder.holdings(kind).lists}
    made = [
        created(scene, kind.list_path, name, role.name, user.name, number)
        for user in role.users
        if not have.get(user.name)
        for number in range(CREATED_EACH)
    ]
    return any(identity is not None for identity in made)


def created(scene: Scene, collection: str, name: str, role: str, user: str, number: int) -> Any:
    """The id of an object that the user made, or None where the document gives no way or the target refused."""
    operation = scene.document.find("POST", collection)
    if operation is None or not scene.world.target.allow.writes or operation.name in scene.destructive:
        return None
    if scene.permissions.of(operation, scene.world.target.role(role)).permitted is False:
        return None
    for body in _bodies(scene, operation.name, f" {role} {user} {number}"):
        with contextlib.suppress(SchemaError):
            draft = scene.drafter.draft(operation).with_body(body)
            request = draft.request(role, user)
            answer = scene.world.send(request)
            if answer.is_success:
                identity = next(made_ids(answer, name), "")
                scene.made[str(identity)] = (replace(request, stands_for=str(identity)),)
                return identity
    return None


def _bodies(scene: Scene, name: str, salt: str) -> Iterator[Any]:
    operation = scene.document.operation(name)
    with contextlib.suppress(SchemaError):
        if operation.body is not None:  # made, not the document's example: two users' objects must differ
            yield scene.drafter.values.value(operation.body.schema, f"{name} body{salt}")
    with contextlib.suppress(SchemaError):
        yield from scene.drafter.bodies(operation, salt)


def made_ids(answer: Answer, name: str) -> Iterator[int | str]:
    """What may be the id of the object that was just made: a member of the answer, or the end of its `Location`."""
    for known in id_names(name):
        found = member(answer.json, known)
        if isinstance(found, int | str):
            yield found
    location = answer.header("location").rstrip("/").rsplit("/", 1)[-1]
    if location:
        yield location
