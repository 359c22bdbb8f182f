"""Where a body names an object: a member (`lead_id`), a list of ids (`lead_ids[]`), or a list of objects (`leads[].id`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.model.target import ObjectKind
from harness.probes.document import Document
from harness.probes.exchange import Answer
from harness.probes.names import singular, snake
from harness.probes.operations import Operation
from harness.probes.preconditions import with_version
from harness.probes.schemas import SchemaError, types_of

MANY = "[]"
"""Stands in a place after the member that is a list."""


def carries(kind: ObjectKind, operation: Operation, name: str) -> bool:
    """Whether a parameter or member of this name holds ids of the kind, as the kind says."""
    for written in kind.parameters:
        path, _, parameter = written.rpartition(":")
        if parameter == name and path in ("", operation.path, operation.name):
            return True
    return False


def body_places(document: Document, operation: Operation, kind: ObjectKind) -> Iterator[str]:
    """The places of an operation's body that hold ids of the kind: members at its surface, and in its lists."""
    for name, schema in _properties(document, operation.body.schema if operation.body else {}).items():
        if carries(kind, operation, name):
            yield name
        items = _items(document, schema)
        if items is None:
            continue
        if not _properties(document, items):
            yield from [f"{name}{MANY}"] if _names_many(kind, operation, name) else []
            continue
        for member in _properties(document, items):
            whole = f"{singular(snake(name))}_id" if snake(member) in ("id", "uuid") else member
            if _is_of(kind, operation, whole):
                yield f"{name}{MANY}.{member}"
                break


def placed(body: Any, place: str, identity: Any, seen: Mapping[str, Answer]) -> Any:
    """The body with an object at a place of it, alone in its list, with its version as it is seen where the item holds one."""
    if not isinstance(body, dict):
        return body
    name, many, member = place.partition(MANY)
    if not many:
        return {**body, name: identity}
    if not member:
        return {**body, name: [identity]}
    items = body.get(name)
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
    return {**body, name: [with_version({**item, member[1:]: identity}, seen)]}


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


def _properties(document: Document, schema: Any) -> Mapping[str, Any]:
    try:
        properties = document.schemas.resolve(schema).get("properties")
    except SchemaError:
        return {}
    return properties if isinstance(properties, Mapping) else {}
