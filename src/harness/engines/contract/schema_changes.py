"""What changed between two schemas, and whom it breaks: who sends such values, or who receives them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeGuard

from harness.engines.contract.alternatives import Alternative, alternatives, enumerated, reference_of
from harness.probes.openapi.schemas import JsonSchema, SchemaError, Schemas

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


@dataclass
class _Found:
    """What one comparison found, and the references that both documents have there: each pair of schemas is compared once."""

    changes: list[SchemaChange] = field(default_factory=list)
    shared: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: _Found) -> None:
        self.changes += other.changes
        self.shared += other.shared


_Pair = tuple[Alternative, _Found]  # one of the other document's alternatives, and what changes from or to it


@dataclass(frozen=True)
class _At:
    """Where in a value two schemas are compared."""

    path: str = ""
    component: str = ""
    depth: int = 0

    def below(self, path: str) -> _At:
        return _At(path.lstrip("."), self.component, self.depth + 1)

    def change(self, kind: str, text: str) -> SchemaChange:
        return SchemaChange(self.path, kind, text, self.component)

    @property
    def name(self) -> str:
        return f"`{self.path or self.component or 'the body'}`"


class SchemaComparer:
    """Compares schemas of two documents for one direction."""

    def __init__(self, old: Schemas, new: Schemas, direction: Direction) -> None:
        self._old, self._new, self._direction = old, new, direction
        self._components: dict[tuple[str, str], _Found] = {}

    def changes(self, old: JsonSchema, new: JsonSchema) -> Iterator[SchemaChange]:
        """The breaking changes from one schema to the other, each once."""
        yield from dict.fromkeys(self._all(old, new))

    def _all(self, old: JsonSchema, new: JsonSchema) -> Iterator[SchemaChange]:
        found = self._compare(old, new, _At())
        yield from found.changes
        waiting, seen = list(found.shared), set[tuple[str, str]]()
        while waiting:
            pair = waiting.pop(0)
            if pair not in seen:
                seen.add(pair)
                found = self._component(pair)
                yield from found.changes
                waiting += found.shared

    def _component(self, pair: tuple[str, str]) -> _Found:
        if pair not in self._components:
            old, new = pair
            self._components[pair] = _Found()  # what it finds in itself is what it finds
            self._components[pair] = self._resolved({"$ref": old}, {"$ref": new}, _At(component=old.rsplit("/", 1)[-1]))
        return self._components[pair]

    def _compare(self, old: Any, new: Any, at: _At) -> _Found:
        references = reference_of(old), reference_of(new)
        if all(references):
            return _Found(shared=[references])
        return self._resolved(old, new, at) if at.depth <= DEPTH_MAX else _Found()

    def _resolved(self, old: Any, new: Any, at: _At) -> _Found:
        try:
            before, after = alternatives(self._old, old), alternatives(self._new, new)
        except SchemaError:
            return _Found()
        found = _Found([at.change(kind, f"{at.name} {text}") for kind, text in self._types(before, after)])
        found.add(self._covered(before, after, at))
        return found

    # -- the alternatives of one value

    def _covered(self, before: list[Alternative], after: list[Alternative], at: _At) -> _Found:
        """Whether each alternative of a request is still taken, and each of an answer was known.

        Of the other document's alternatives the one under the same reference is held against it, else one that covers it whole,
        else the one that comes nearest and is nobody else's.
        """
        wanted, offered = (before, after) if self._direction is Direction.REQUEST else (after, before)
        tried = [(one, self._tried(one, offered, at)) for one in wanted]
        taken = [self._counterpart(one, pairs) for one, pairs in tried]
        used = {id(pair[0]) for pair in taken if pair is not None}
        found = _Found()
        for (one, pairs), pair in zip(tried, taken, strict=True):
            nearest = pair or min((each for each in pairs if id(each[0]) not in used), key=_changes, default=None)
            if nearest is not None:
                used.add(id(nearest[0]))
                found.add(nearest[1])
            elif pairs:  # where nothing is of its kind, the types differ, and that is said
                text = "no longer takes" if self._direction is Direction.REQUEST else "may now be"
                found.changes.append(at.change("alternative", f"{at.name} {text} {one.name}"))
        return found

    def _tried(self, one: Alternative, offered: list[Alternative], at: _At) -> list[_Pair]:
        named = [other for other in offered if one.reference and other.reference == one.reference]
        return [(other, self._one(one, other, at)) for other in named or offered if one.may_be(other)]

    def _counterpart(self, one: Alternative, pairs: list[_Pair]) -> _Pair | None:
        """The pair that certainly belongs together: under the same reference, or without a change.

        An open object takes every other one, and reads nothing of it: to be taken, its members must be known.
        """
        if len(pairs) == 1 and one.reference and pairs[0][0].reference == one.reference:
            return pairs[0]
        members = _properties(one.schema).keys() if self._direction is Direction.REQUEST else set[str]()
        unchanged = (pair for pair in pairs if not pair[1].changes)
        return next((pair for pair in unchanged if members <= _properties(pair[0].schema).keys()), None)

    def _one(self, wanted: Alternative, offered: Alternative, at: _At) -> _Found:
        """Two alternatives of one kind."""
        request = self._direction is Direction.REQUEST
        old, new = (wanted, offered) if request else (offered, wanted)
        if old.is_component and new.is_component:
            pair = (old.reference, new.reference)
            return _Found(shared=[pair]) if old.reference == new.reference else self._component(pair)
        before, after = old.schema, new.schema
        said = (*self._values(before, after), *self._bounds(before, after))
        found = _Found([at.change(kind, f"{at.name} {text}") for kind, text in said])
        self._members(before, after, at, found)
        self._others(before, after, at, found)
        if isinstance(before.get("items"), Mapping) and isinstance(after.get("items"), Mapping):
            found.add(self._compare(before["items"], after["items"], at.below(f"{at.path}[]")))
        return found

    def _types(self, old: list[Alternative], new: list[Alternative]) -> Iterator[tuple[str, str]]:
        before, after = {one.kind for one in old}, {one.kind for one in new}
        if "" in before | after:
            return
        lost, won = before - after, after - before
        if "number" in after:
            lost -= {"integer"}
        if "number" in before:
            won -= {"integer"}
        if self._direction is Direction.REQUEST and lost:
            yield "type", f"no longer takes {_named(lost)} (now {_named(after)})"
        elif self._direction is Direction.RESPONSE and won:
            yield "type", f"may now be {_named(won)} (was {_named(before)})"

    # -- one value

    def _values(self, old: JsonSchema, new: JsonSchema) -> Iterator[tuple[str, str]]:
        before, after = enumerated(old), enumerated(new)
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

    def _members(self, old: JsonSchema, new: JsonSchema, at: _At, found: _Found) -> None:
        before, after = _properties(old), _properties(new)
        required_before, required_after = set(old.get("required") or ()), set(new.get("required") or ())
        for name in before:
            below = at.below(f"{at.path}.{name}")
            if name in after:
                found.add(self._compare(before[name], after[name], below))
            elif self._direction is Direction.RESPONSE or new.get("additionalProperties") is False:
                found.changes.append(below.change("removed", f"the member `{below.path}` is gone"))
        request = self._direction is Direction.REQUEST
        changed = required_after - required_before if request else (required_before - required_after) & after.keys()
        for name in sorted(changed):
            below = at.below(f"{at.path}.{name}")
            said = ("required", "is required now") if request else ("optional", "may be missing now")
            found.changes.append(below.change(said[0], f"the member `{below.path}` {said[1]}"))

    def _others(self, old: JsonSchema, new: JsonSchema, at: _At, found: _Found) -> None:
        """The members that no name is declared for: the values of a map."""
        before, after = old.get("additionalProperties"), new.get("additionalProperties")
        below = at.below(f"{at.path}.*")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found.add(self._compare(before, after, below))
        elif self._direction is Direction.REQUEST and after is False and (before is True or isinstance(before, Mapping)):
            found.changes.append(below.change("removed", f"{at.name} takes no members of other names any more"))
        elif self._direction is Direction.REQUEST and before is True and isinstance(after, Mapping) and after:
            found.changes.append(below.change("type", f"{at.name} no longer takes any value under other names"))
        elif self._direction is Direction.RESPONSE and isinstance(before, Mapping) and after is False:
            found.changes.append(below.change("removed", f"{at.name} has no members of other names any more"))
        elif self._direction is Direction.RESPONSE and isinstance(before, Mapping) and before and after in (None, True):
            found.changes.append(below.change("type", f"{at.name} may now hold any value under other names"))


def _changes(pair: _Pair) -> int:
    return len(pair[1].changes)


def _properties(schema: JsonSchema) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _named(types: set[str]) -> str:
    return " or ".join(sorted(types))


def _listed(items: list[Any]) -> str:
    return ", ".join(json.dumps(item, ensure_ascii=False) for item in items[:6])
