"""What changed between two schemas, and whom it breaks: who sends such values, or who receives them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeGuard

from harness.probes.schemas import JsonSchema, SchemaError, Schemas, types_of

DEPTH_MAX = 12
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")


class Direction(StrEnum):
    """Who is bound: a request may not be restricted further, an answer may not be widened."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True)
class SchemaChange:
    """One change at one place of a value (`leads[].score`). `component` is the schema's name where both documents share one."""

    path: str
    kind: str
    text: str
    component: str = ""


class SchemaComparer:
    """Compares schemas of two documents for one direction."""

    def __init__(self, old: Schemas, new: Schemas, direction: Direction) -> None:
        self._old, self._new, self._direction = old, new, direction

    def changes(self, old: JsonSchema, new: JsonSchema) -> Iterator[SchemaChange]:
        """The breaking changes from one schema to the other."""
        yield from self._compare(old, new, "", "", frozenset())

    def _compare(self, old: Any, new: Any, path: str, component: str, seen: frozenset[str]) -> Iterator[SchemaChange]:
        reference = str(old.get("$ref", "")) if isinstance(old, Mapping) else ""
        if reference and reference == (new.get("$ref") if isinstance(new, Mapping) else None):
            if reference in seen or len(seen) > DEPTH_MAX:
                return
            seen, component, path = seen | {reference}, reference.rsplit("/", 1)[-1], ""
        if path.count(".") > DEPTH_MAX:
            return
        try:
            before, after = self._old.resolve(old), self._new.resolve(new)
        except SchemaError:
            return
        for change in (*self._types(before, after), *self._values(before, after), *self._bounds(before, after)):
            yield SchemaChange(path, change[0], f"`{path or component or 'the body'}` {change[1]}", component)
        yield from self._members(before, after, path, component, seen)
        if isinstance(before.get("items"), Mapping) and isinstance(after.get("items"), Mapping):
            yield from self._compare(before["items"], after["items"], f"{path}[]", component, seen)

    # -- one value

    def _types(self, old: JsonSchema, new: JsonSchema) -> Iterator[tuple[str, str]]:
        before, after = _types(self._old, old), _types(self._new, new)
        if not before or not after or before == after:
            return
        lost, won = before - after, after - before
        if "integer" in lost and "number" in after:
            lost -= {"integer"}
        if "integer" in won and "number" in before:
            won -= {"integer"}
        if self._direction is Direction.REQUEST and lost:
            yield "type", f"no longer takes {_named(lost)} (now {_named(after)})"
        elif self._direction is Direction.RESPONSE and won:
            yield "type", f"may now be {_named(won)} (was {_named(before)})"

    def _values(self, old: JsonSchema, new: JsonSchema) -> Iterator[tuple[str, str]]:
        before, after = _enum(old), _enum(new)
        if self._direction is Direction.REQUEST and after is not None:
            lost = [] if before is None else [item for item in before if item not in after]
            if before is None:
                yield "enum", f"takes only {_listed(after)} now"
            elif lost:
                yield "enum", f"no longer takes {_listed(lost)}"
        if self._direction is Direction.RESPONSE and before is not None:
            won = [] if after is None else [item for item in after if item not in before]
            if after is None:
                yield "enum", f"may now be anything (was one of {_listed(before)})"
            elif won:
                yield "enum", f"may now be {_listed(won)}"

    def _bounds(self, old: JsonSchema, new: JsonSchema) -> Iterator[tuple[str, str]]:
        if self._direction is Direction.RESPONSE:
            return
        for keyword in _UPPER + _LOWER:
            before, after = old.get(keyword), new.get(keyword)
            if not _is_number(after) or before == after:
                continue
            is_tighter = not _is_number(before) or (after < before if keyword in _UPPER else after > before)
            is_empty_lower = keyword in _LOWER and before is None and after <= 0 and "Length" in keyword
            if is_tighter and not is_empty_lower:
                yield keyword, f"has {keyword} {after} now (was {before if before is not None else 'unbounded'})"
        for keyword in ("pattern", "format"):
            if new.get(keyword) is not None and new.get(keyword) != old.get(keyword):
                yield keyword, f"must be of {keyword} {new[keyword]!r} now (was {old.get(keyword) or 'free'!r})"

    # -- the members of an object

    def _members(
        self, old: JsonSchema, new: JsonSchema, path: str, component: str, seen: frozenset[str]
    ) -> Iterator[SchemaChange]:
        before, after = _properties(old), _properties(new)
        required_before, required_after = set(old.get("required") or ()), set(new.get("required") or ())
        for name in before:
            place = f"{path}.{name}".lstrip(".")
            if name in after:
                yield from self._compare(before[name], after[name], place, component, seen)
            elif self._direction is Direction.RESPONSE or new.get("additionalProperties") is False:
                yield SchemaChange(place, "removed", f"the member `{place}` is gone", component)
        if self._direction is Direction.REQUEST:
            for name in sorted(required_after - required_before):
                place = f"{path}.{name}".lstrip(".")
                yield SchemaChange(place, "required", f"the member `{place}` is required now", component)
        else:
            for name in sorted((required_before - required_after) & after.keys()):
                place = f"{path}.{name}".lstrip(".")
                yield SchemaChange(place, "optional", f"the member `{place}` may be missing now", component)


def _types(schemas: Schemas, schema: JsonSchema) -> set[str]:
    found = set(types_of(schema))
    for keyword in ("anyOf", "oneOf"):
        for part in schema.get(keyword) or ():
            try:
                found |= set(types_of(schemas.resolve(part)))
            except SchemaError:
                return set()
    return found


def _enum(schema: JsonSchema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    declared = schema.get("enum")
    if isinstance(declared, list):
        return declared
    for part in (part for keyword in ("anyOf", "oneOf") for part in schema.get(keyword) or ()):
        if isinstance(part, Mapping) and isinstance(part.get("enum"), list):
            return list(part["enum"])
    return None


def _properties(schema: JsonSchema) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _named(types: set[str]) -> str:
    return " or ".join(sorted(types))


def _listed(items: list[Any]) -> str:
    return ", ".join(json.dumps(item, ensure_ascii=False) for item in items[:6])
