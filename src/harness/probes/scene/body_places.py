"""Where a body names an object: a member (`lead_id`, `lead.id`), a list of ids (`lead_ids[]`), or of objects (`leads[].id`).

The body itself may be such a list (`[]`, `[].id`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.model.target import ObjectKind
from harness.probes.http.answers import Answer
from harness.probes.openapi.document import Document
from harness.probes.openapi.names import singular, snake
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError, types_of
from harness.probes.scene.preconditions import with_version

MANY = "[]"
"""Stands in a place after the member that is a list."""
DEPTH_MAX = 2  # objects within objects of a body


def carries(kind: ObjectKind, operation: Operation, name: str) -> bool:
    """Whether a parameter or member of this name holds ids of the kind, as the kind says."""
    for written in kind.parameters:
        path, _, parameter = written.rpartition(":")
        if parameter == name and path in ("", operation.path, operation.name):
            return True
    return False


def body_places(document: Document, operation: Operation, kind: ObjectKind) -> Iterator[str]:
    """The places of an operation's body that hold ids of the kind.

    What adds to the kind's own list gives a new object its name there (`slug`), and refers to none.
    """
    adds = operation.method == "POST" and kind.list_path and operation.path.rstrip("/") == kind.list_path.rstrip("/")
    if operation.body is not None and not adds:
        yield from _Seek(document, operation, kind).within(operation.body.schema, "", "", DEPTH_MAX)


def members_named(document: Document, operation: Operation, kind: ObjectKind) -> Iterator[str]:
    """The members of an operation's body that are named as one of the kind: `address`, `address_id`."""
    one = singular(snake(kind.name))
    names = {one, f"{one}_id", f"{one}_uuid"}
    for name, schema in _properties(document, operation.body.schema).items() if operation.body else ():
        is_one = {"integer", "string"} & set(types_of(_resolved(document, schema)))
        if snake(name) in names and is_one:
            yield name


def parameter_count(document: Document, operation: Operation) -> int:
    """How many values a caller chooses: parameters, and members of the body as far as its schema names them."""
    members = _properties(document, operation.body.schema) if operation.body else ()
    return len(operation.parameters) + len(members)


@dataclass(frozen=True)
class _Seek:
    document: Document
    operation: Operation
    kind: ObjectKind

    def within(self, schema: Any, place: str, name: str, depth: int) -> Iterator[str]:
        """The places in a value of this schema, which stands at `place` and is called `name`; both are "" for the body itself."""
        items = _items(self.document, schema)
        if items is not None:
            yield from self._in_list(items, place, name)
            return
        for member, inner in _properties(self.document, schema).items():
            there = f"{place}.{member}" if place else member
            is_it = (
                _is_of(self.kind, self.operation, _whole(name, member)) if place else carries(self.kind, self.operation, member)
            )
            yield from [there] if is_it else []
            yield from self.within(inner, there, member, depth - 1) if depth else ()

    def _in_list(self, items: Any, place: str, name: str) -> Iterator[str]:
        members = _properties(self.document, items)
        if not members:
            yield from [f"{place}{MANY}"] if _names_many(self.kind, self.operation, name or "ids") else []
            return
        one = singular(snake(name)) or self._of_the_list
        found = (member for member in members if _is_of(self.kind, self.operation, _whole(one, member)))
        yield from (f"{place}{MANY}.{member}" for member in islice(found, 1))

    @property
    def _of_the_list(self) -> str:
        """What one of a body that is a list must be called: as the kind, where the operation is that of its list or below it."""
        is_there = self.operation.path == self.kind.list_path or _is_below(self.kind, self.operation)
        return singular(snake(self.kind.name)) if is_there else ""


def _whole(name: str, member: str) -> str:
    """How an id is called elsewhere: `lead_id`, where it is the `id` of what is called `lead`."""
    return f"{snake(name)}_id" if name and snake(member) in ("id", "uuid") else member


def placed(body: Any, place: str, identity: Any, seen: Mapping[str, Answer]) -> Any:
    """The body with an object at a place of it, alone in its list, with its version as it is seen where what holds it has one."""
    if not isinstance(body, dict | list) or (isinstance(body, list) != place.startswith(MANY)):
        return body
    return _put(body, place, identity, seen)


def first_member(place: str) -> str:
    """The member that a place begins with; "" for one of the list that the body itself is."""
    return _divided(place)[0]


def _put(node: Any, place: str, identity: Any, seen: Mapping[str, Answer]) -> Any:
    if not place:
        return identity
    if place.startswith(MANY):
        rest = place.removeprefix(MANY).lstrip(".")
        first = _put(node[0] if isinstance(node, list) and node else {}, rest, identity, seen)
        return [with_version(first, seen) if rest else identity]
    name, rest = _divided(place)
    members = node if isinstance(node, dict) else {}
    inner = _put(members.get(name), rest, identity, seen)
    return {**members, name: with_version(inner, seen) if isinstance(inner, dict) else inner}


def _divided(place: str) -> tuple[str, str]:
    """The member that a place begins with, and what is left of the place: `leads` and `[].id`."""
    end = min(at for at in (place.find("."), place.find(MANY), len(place)) if at >= 0)
    return place[:end], place[end:].lstrip(".")


def _names_many(kind: ObjectKind, operation: Operation, name: str) -> bool:
    """Whether a list of this name holds ids of the kind (`lead_ids`; `ids`, below the kind's own list)."""
    if snake(name) in ("ids", "uuids"):
        return _is_below(kind, operation)
    one = singular(snake(name))
    return _is_of(kind, operation, one) or _is_of(kind, operation, f"{one}_id")


def _is_of(kind: ObjectKind, operation: Operation, name: str) -> bool:
    """Whether a name is the kind's: as it says itself, or by its own name where the operation writes to what it names."""
    writes_to_it = operation.method in ("PUT", "PATCH", "DELETE") or _is_below(
        kind, operation
    )  # an order of products changes no product
    named = snake(name) in {f"{singular(snake(kind.name))}_{end}" for end in ("id", "uuid")}
    return carries(kind, operation, name) or (named and writes_to_it)


def _is_below(kind: ObjectKind, operation: Operation) -> bool:
    collection = kind.list_path.rstrip("/")
    return bool(collection) and operation.path.startswith(f"{collection}/") and operation.path != kind.list_path


def _items(document: Document, schema: Any) -> Any:
    """The schema of a list's items, of a list that may be null too; None for what is no list."""
    for each in document.schemas.alternatives(schema):
        if "array" in types_of(each):
            return each["items"] if isinstance(each.get("items"), Mapping) else {}
    return None


def _resolved(document: Document, schema: Any) -> Mapping[str, Any]:
    try:
        return document.schemas.resolve(schema)
    except SchemaError:
        return {}


def _properties(document: Document, schema: Any) -> Mapping[str, Any]:
    try:
        properties = document.schemas.resolve(schema).get("properties")
    except SchemaError:
        return {}
    return properties if isinstance(properties, Mapping) else {}
