"""What the generated cases are fed with, so that what a role may do succeeds: ids of real objects, versions, credentials.

Nothing here knows a platform: it follows from the document, the target file and the answers of the running target.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from harness.engines.contract.job import Freshness
from harness.engines.contract.self_contained import self_contained
from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.model.target import ObjectKind, Role, Target
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document, Operation
from harness.probes.openapi.names import snake
from harness.probes.openapi.schemas import SchemaError, types_of
from harness.probes.scene.body_places import body_places, first_member
from harness.probes.scene.borrowed import borrowed_ids, is_reference, listed_names, refers, refers_by_name
from harness.probes.scene.destruction import destructive
from harness.probes.scene.fresh_objects import made_for
from harness.probes.scene.life_cycle import ids_by_state
from harness.probes.scene.passwords import asks_new, asks_present
from harness.probes.scene.refresh_tokens import refresh_member
from harness.probes.scene.scene import Asker, Scene

IDS_MAX = 20
EXAMPLES_MAX = 3
MADE_MAX = 3
_NAMED = re.compile(r"/([^/{}]+)/\{([^{}]+)\}")  # a collection and the parameter that names one of it
_SILENT_MAX = 3  # reads without an answer, after which no further one is asked for
_VERSION = re.compile(r"^(version|revision|rev|lock_?version|row_?version|etag)$", re.I)


def password_marker(role: str) -> str:
    """Stands for the password of a role's first user in everything that is recorded; it keeps the usual rules for passwords."""
    return f"Harness0-{role}-Pass"


def new_password_marker(role: str) -> str:
    """Stands for the next password, which a change of password sets; another secret each time."""
    return f"Harness1-{role}-Next"


def refresh_marker(role: str) -> str:
    """Stands for the refresh token of a role's session."""
    return f"Harness2-{role}-Refresh-Token"


@dataclass(frozen=True)
class Kinds:
    """How the operations are dealt with: which end a session, which delete, which log in; all others may be tried at will."""

    ends_session: frozenset[str]
    deletes: frozenset[str]
    logs_in: frozenset[str]
    renews: frozenset[str] = frozenset()  # takes a refresh token: the session that it belongs to may be over

    @property
    def destructive(self) -> frozenset[str]:
        """What runs in a phase of its own, last, on fresh data."""
        return self.ends_session | self.deletes | self.logs_in | self.renews

    @property
    def changes_session(self) -> frozenset[str]:
        """After what the tester logs in anew."""
        return self.ends_session | self.renews


def kinds_of(document: Document, target: Target) -> Kinds:
    """Sorts the operations; a hint of the target file goes before what a name suggests."""
    logins = {role.login.path for role in target.roles if role.login.kind in ("json", "form")}
    logs_in = frozenset(op.name for op in document.operations if op.method == "POST" and _full(document, op) in logins)
    harmless = {hint.operation for hint in target.operations if hint.destructive is False}
    deletes = frozenset(op.name for op in document.operations if op.method == "DELETE" and op.name not in harmless)
    renews = frozenset(op.name for op in document.operations if refresh_member(document, op)) - logs_in
    ends = destructive(document, target) - logs_in - renews
    return Kinds(ends, deletes - ends, logs_in, renews)


def _full(document: Document, operation: Operation) -> str:
    return document.base_path + operation.path


@dataclass(frozen=True)
class Feed:
    """What one role's cases are fed with. `notes` say what could not be had."""

    values: dict[str, dict[str, tuple[Any, ...]]] = field(default_factory=dict)  # operation → parameter or member → ids
    fresh: dict[str, Freshness] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, dict[str, tuple[Any, ...]]] = field(default_factory=dict)  # operation → place in its body → ids
    notes: tuple[str, ...] = ()


def feed_of(
    document: Document,
    target: Target,
    role: Role,
    world: World,
    lent: dict[str, dict[str, tuple[Any, ...]]],
    *,
    operations: Collection[str] = (),
    seed: int = 0,
) -> Feed:
    """Asks the running target for ids, and works the rest out of the document.

    Args:
        lent: ids of objects that no kind describes, by role. What is asked for once is kept there: fresh data has the same ids.
        operations: what the cases will call. Those of them that delete get objects made for them.
        seed: of what is sent to make these.
    """
    values: dict[str, dict[str, tuple[Any, ...]]] = {}
    places: dict[str, dict[str, tuple[Any, ...]]] = {}
    notes = []
    for kind in target.objects:
        ids, note = _ids(kind, document.base_path, world)
        if note:
            notes.append(note)
        for operation in document.operations:
            for name in _named(document, kind, operation):
                values.setdefault(operation.name, {})[name] = ids
            for place in _demanded(document, kind, operation) if ids else ():
                places.setdefault(operation.name, {}).setdefault(place, ids)
    if role.name not in lent:
        lent[role.name] = borrowed_ids(world, document, Asker.first_of(role)) if _asks_for_others(document, values) else {}
    known = lent[role.name]
    _add_lent(document, known, values)
    _add_made(Scene(world, document, seed), role, operations, values)
    fresh = {op.name: found for op in document.operations if (found := _freshness(document, op))}
    bodies, renewing = {}, _renewing(document, role, world)
    for op in document.operations:
        refer = {
            **_references(document, op, known),
            **{p: ids for p, ids in places.get(op.name, {}).items() if first_member(p) == p},
        }
        if members := {**refer, **_members(document, target, role, op), **renewing.get(op.name, {})}:
            bodies[op.name] = members
    nested = {name: {p: ids for p, ids in found.items() if first_member(p) != p} for name, found in places.items()}
    return Feed(values, fresh, bodies, nested, tuple(notes))


def watch_of(document: Document, role: Role, world: World, names: Iterable[str]) -> str:
    """The path, after the base path, of the first named secured read that succeeds as the role; "" where none does."""
    silent = 0
    for name in names:
        operation = document.operation(name)
        simple = operation.method == "GET" and "{" not in operation.path and not any(p.required for p in operation.parameters)
        if simple and operation.is_secured:
            answer = world.send(Request("GET", _full(document, operation), role.name, role.users[0].name))
            if answer.is_success:
                return operation.path
            silent += answer.status == 0
            if silent == _SILENT_MAX:
                break
    return ""


def _ids(kind: ObjectKind, base_path: str, world: World) -> tuple[tuple[Any, ...], str]:
    user = world.target.role(kind.role).users[0].name
    if kind.examples:
        return tuple(kind.examples.get(user, ()))[:IDS_MAX], ""
    try:
        answer = world.send(Request("GET", base_path + kind.list_path, kind.role, user))
        ids = ids_by_state(answer.json, kind.id_path)[:IDS_MAX]
    except HarnessError as error:
        return (), f"no ids of {kind.name}: {error.message}"
    return ids, "" if ids else f"no ids of {kind.name}: GET {kind.list_path} as {kind.role} answered {answer.status} without any"


def _named(document: Document, kind: ObjectKind, operation: Operation) -> Iterator[str]:
    """Names of the operation's parameters and members that carry such an id."""
    own = {parameter.name for parameter in operation.parameters if parameter.where in ("path", "query")}
    own |= _properties(document, operation).keys()
    for entry in kind.parameters:
        path, _, name = entry.rpartition(":")
        if name in own and path in ("", operation.path):
            yield name


def _demanded(document: Document, kind: ObjectKind, operation: Operation) -> Iterator[str]:
    """The places of a body that hold ids of the kind and cannot be left out: an optional member may be drawn, or be absent."""
    required = _schema(document, operation).get("required")
    for place in body_places(document, operation, kind):
        if not first_member(place) or (isinstance(required, list) and first_member(place) in required):
            yield place


def _add_lent(document: Document, known: Mapping[str, tuple[Any, ...]], values: dict[str, dict[str, tuple[Any, ...]]]) -> None:
    """Adds ids for parameters of paths that no kind describes."""
    for operation in document.operations:
        for before, name in _NAMED.findall(operation.path):
            if ids := refers(name, known, before):
                values.setdefault(operation.name, {}).setdefault(name, ids)


def _add_made(scene: Scene, role: Role, operations: Collection[str], values: dict[str, dict[str, tuple[Any, ...]]]) -> None:
    """Puts new objects first for what deletes: those that are there may be held by others (409), or written by somebody else."""
    owner = Asker.first_of(role)
    for operation in scene.document.operations:
        if operation.method != "DELETE" or operation.name not in operations:
            continue
        if scene.permission(operation, owner).permitted is False:
            continue
        try:
            made = [found for _ in range(MADE_MAX) if (found := made_for(scene, operation, owner))]
        except HarnessError:  # the target died of it: the first case says so
            return
        known = values.setdefault(operation.name, {})
        for name in made[0] if made else ():
            ids = tuple(dict.fromkeys(each[name] for each in made))
            known[name] = ids if len(ids) == 1 < len(made) else (*ids, *known.get(name, ()))[:IDS_MAX]


def _asks_for_others(document: Document, values: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether some operation names an object that the target file does not describe: only then are the lists read."""
    listed = listed_names(document)
    for operation in document.operations:
        named = [name for _, name in _NAMED.findall(operation.path)]
        required = _schema(document, operation).get("required")
        members = [
            name for name in (required if isinstance(required, list) else ()) if is_reference(name) or snake(name) in listed
        ]
        if any(name not in values.get(operation.name, {}) for name in (*named, *members)):
            return True
    return False


def _references(document: Document, operation: Operation, known: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The members that a body must have and that refer to an object in the role's lists."""
    required = _schema(document, operation).get("required")
    found = {}
    for name in required if isinstance(required, list) else ():
        example = _example_of(document, _properties(document, operation).get(name))
        if ids := refers(name, known) or refers_by_name(name, example, known):
            found[name] = ids
    return found


def _example_of(document: Document, schema: Any) -> Any:
    """A value of the form that the schema demands, as far as it tells one that refers: a number, a UUID, any text; else None."""
    try:
        resolved = document.schemas.resolve(schema) if isinstance(schema, Mapping) else {}
    except SchemaError:
        return None
    if "enum" in resolved or "const" in resolved:
        return None
    types = types_of(resolved)
    if "integer" in types:
        return 0
    return (str(UUID(int=0)) if resolved.get("format") == "uuid" else "text") if "string" in types else None


def _properties(document: Document, operation: Operation) -> Mapping[str, Any]:
    """The members of the body's schema."""
    properties = _schema(document, operation).get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _schema(document: Document, operation: Operation) -> Mapping[str, Any]:
    """The body's schema; empty where there is none, or it cannot be read."""
    if operation.body is None:
        return {}
    try:
        return document.schemas.resolve(operation.body.schema)
    except SchemaError:
        return {}


def _freshness(document: Document, operation: Operation) -> Freshness | None:
    """Where a write's version is to be had: the nearest read above it that takes no parameter that it does not have."""
    if operation.is_safe:
        return None
    properties = _properties(document, operation)
    member = next((name for name in properties if _VERSION.match(name)), "")
    header = next((p.name for p in operation.placed("header") if p.name.lower() == "if-match"), "")
    reader = _reader(document, operation) if member or header else None
    return Freshness(reader.path, member, header) if reader else None


def _reader(document: Document, operation: Operation) -> Operation | None:
    parts = operation.path.split("/")
    for length in range(len(parts), 1, -1):
        path = "/".join(parts[:length])
        found = document.find("GET", path)
        if found is not None and "{" in path:
            return found
    return None


def _members(document: Document, target: Target, role: Role, operation: Operation) -> dict[str, Any]:
    """Members of a body that only the harness knows: how to log in, the present password."""
    for other in target.roles:
        login = other.login
        if (
            login.kind in ("json", "form")
            and operation.method == "POST"
            and _full(document, operation) == login.path
            and other.users
        ):
            return login.body_for(other.users[0].username, password_marker(other.name))
    properties = _properties(document, operation)
    present = {name: password_marker(role.name) for name in properties if asks_present(operation, name)}
    if not present:
        return {}
    # A rule for new passwords (a digit, a capital) is seldom in the schema, and drawn texts seldom keep it.
    return {**{name: new_password_marker(role.name) for name in properties if asks_new(operation, name)}, **present}


def _renewing(document: Document, role: Role, world: World) -> dict[str, dict[str, Any]]:
    """By operation, the member that takes the role's refresh token; nothing where its log-in gives none."""
    taking = {op.name: name for op in document.operations if (name := refresh_member(document, op))}
    if not taking or not world.credential(role.name, role.users[0].name).refresh_token:
        return {}
    return {operation: {name: refresh_marker(role.name)} for operation, name in taking.items()}


def with_examples(document: Document, values: Mapping[str, Mapping[str, tuple[Any, ...]]]) -> dict[str, Any]:
    """The document's data with real ids as examples, so that the enumerated cases name objects that exist.

    Nothing in it lies outside of it: the engine would fetch that.
    """
    data = copy.deepcopy(document.data)
    for operation in document.operations:
        ids = values.get(operation.name)
        node = data["paths"].get(operation.path, {}).get(operation.method.lower()) if ids else None
        if not ids or not isinstance(node, dict):
            continue
        declared = [*_parameters(data["paths"][operation.path]), *_parameters(node)]
        replaced = [_with_example(document, parameter, ids) for parameter in declared]
        node["parameters"] = list({(p.get("in"), p.get("name")): p for p in replaced}.values())
    return self_contained(data)[0]


def _parameters(node: Mapping[str, Any]) -> list[Any]:
    declared = node.get("parameters")
    return declared if isinstance(declared, list) else []


def _with_example(document: Document, parameter: Any, ids: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    try:
        resolved = document.schemas.dereference(parameter)
    except SchemaError:
        return dict(parameter) if isinstance(parameter, Mapping) else {}
    found = ids.get(str(resolved.get("name")))
    if not found or resolved.get("in") not in ("path", "query"):
        return resolved
    resolved.pop("example", None)
    if "swagger" in document.data:
        return {**resolved, "x-example": found[0]}
    return {**resolved, "examples": {f"id{number}": {"value": value} for number, value in enumerate(found[:EXAMPLES_MAX])}}
