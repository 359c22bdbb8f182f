"""Where in a body members are put, and where an answer shows them: the body itself, or the objects of one of its members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.probes.http.oracle import leaves
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import JsonSchema, SchemaError

NESTED_MAX = 4  # objects that a body holds
_NODES_MAX = 20_000  # of an answer that is looked through


@dataclass(frozen=True)
class Spot:
    """The body itself (`name` is ""), or the object or list of objects that its member `name` holds; `schema`: of one object."""

    name: str
    schema: JsonSchema
    is_list: bool = False

    @property
    def declared(self) -> frozenset[str]:
        """The members that a caller may set."""
        return frozenset(self._properties) - self.read_only

    @property
    def read_only(self) -> frozenset[str]:
        """The members that the document marks as the platform's own."""
        marked = (
            name for name, member in self._properties.items() if isinstance(member, Mapping) and member.get("readOnly") is True
        )
        return frozenset(marked)

    @property
    def _properties(self) -> Mapping[str, Any]:
        properties = self.schema.get("properties")
        return properties if isinstance(properties, Mapping) else {}

    def called(self, member: str) -> str:
        """A member's name as a reader finds it in the body: `unit_price`, `lines[].unit_price`, `contact.verified`."""
        return f"{self.name}{'[]' if self.is_list else ''}.{member}" if self.name else member

    def is_in(self, body: Any) -> bool:
        """Whether a body has an object there."""
        if not isinstance(body, dict) or not self.name:
            return isinstance(body, dict)
        held = body.get(self.name)
        if self.is_list:
            return isinstance(held, list) and bool(held) and isinstance(held[0], Mapping)
        return isinstance(held, Mapping)

    def put(self, body: dict[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
        """The body with these members beside those of the (first) object there."""
        if not self.name:
            return {**body, **members}
        held = body[self.name]
        filled = [{**held[0], **members}, *held[1:]] if self.is_list else {**held, **members}
        return {**body, self.name: filled}

    def plain(self, data: Any) -> dict[str, Any]:
        """The scalar members that an answer shows there, by their own name; the shallowest counts, of objects the first."""
        return next((_plain(each) for each in self._shown(data)), {})

    def shows(self, data: Any, member: str, value: Any) -> bool:
        """Whether an answer shows this value of the member there; in a list, in any of its objects."""
        found = (_plain(each).get(member) for each in self._shown(data))
        return value is not None and any(each == value and isinstance(each, bool) is isinstance(value, bool) for each in found)

    def _shown(self, data: Any) -> Iterator[Any]:
        if not self.name:
            yield data
            return
        waiting, seen = [data], 0
        while waiting and seen < _NODES_MAX:
            node = waiting.pop(0)
            seen += 1
            if isinstance(node, Mapping):
                yield from _objects(node.get(self.name))
                waiting += node.values()
            elif isinstance(node, list):
                waiting += node


def spots_of(document: Document, operation: Operation) -> list[Spot]:
    """The body of an operation, then its first members that are objects or lists of objects, of described members alone."""
    whole = _resolved(document, operation.body.schema if operation.body else {})
    found = [Spot("", whole)]
    properties = whole.get("properties")
    for name, member in (properties if isinstance(properties, Mapping) else {}).items():
        schema = _resolved(document, member)
        is_list = "items" in schema
        inner = _resolved(document, schema["items"]) if is_list else schema
        if isinstance(inner.get("properties"), Mapping) and not inner.get("additionalProperties"):
            found.append(Spot(str(name), inner, is_list))
    return found[: 1 + NESTED_MAX]


def _resolved(document: Document, schema: Any) -> JsonSchema:
    try:
        return document.schemas.resolve(schema)
    except SchemaError:
        return {}


def _objects(held: Any) -> list[Mapping[str, Any]]:
    listed = held if isinstance(held, list) else [held]
    return [each for each in listed if isinstance(each, Mapping)]


def _plain(data: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in sorted(leaves(data), key=lambda pair: pair[0].count(".")):
        if "[" not in path:
            found.setdefault(path.rsplit(".", 1)[-1], value)
    return found
