"""JSON Schema as documents write it: references followed, `allOf` merged, one level at a time: recursion costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from harness.model.errors import HarnessError

JsonSchema = Mapping[str, Any]

REFERENCES_MAX = 50  # a longer chain is a circle
PARTS_MAX = 200  # parts of one allOf, nested ones included


class SchemaError(HarnessError):
    """A schema that cannot be used: it refers to nothing, to itself, or outside of the document."""


class Schemas:
    """Resolves the references of one document."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def lookup(self, reference: str) -> Any:
        """What a local reference (`#/components/schemas/X`) points to.

        Raises:
            SchemaError: it points outside of the document, or to nothing.
        """
        if not reference.startswith("#"):
            raise SchemaError(f"{reference} refers outside of the document", hint="bundle the document into one file")
        node: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            node = _step(node, unquote(part).replace("~1", "/").replace("~0", "~"), reference)
        return node

    def dereference(self, node: Any) -> dict[str, Any]:
        """A mapping (parameter, body, schema …) without `$ref` at its surface; members beside a `$ref` override.

        Raises:
            SchemaError: the reference is broken or circular, or the node is no mapping.
        """
        for _ in range(REFERENCES_MAX):
            if not isinstance(node, Mapping):
                raise SchemaError(f"expected a mapping, got {type(node).__name__}")
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return dict(node)
            beside = {key: value for key, value in node.items() if key != "$ref"}
            found = self.lookup(reference)
            node = {**found, **beside} if isinstance(found, Mapping) else found
        raise SchemaError("a chain of references that does not end")

    def alternatives(self, schema: Any) -> list[dict[str, Any]]:
        """A schema resolved, and what it admits in its place (`anyOf`, `oneOf`); what cannot be resolved is left out."""
        try:
            whole = self.resolve(schema)
        except SchemaError:
            return []
        found = [whole]
        for keyword in ("anyOf", "oneOf"):
            for part in whole[keyword] if isinstance(whole.get(keyword), list) else ():
                with suppress(SchemaError):
                    found.append(self.resolve(part))
        return found

    def resolve(self, schema: Any) -> dict[str, Any]:
        """A schema without `$ref` and `allOf` at its surface. `true` is `{}`; `false` accepts nothing.

        Raises:
            SchemaError: as `dereference`, and for `false`.
        """
        if schema is True or schema is None:
            return {}
        if schema is False:
            raise SchemaError("the schema `false` accepts nothing")
        return self._merged(schema, [0])

    def _merged(self, schema: Any, parts: list[int]) -> dict[str, Any]:
        parts[0] += 1
        if parts[0] > PARTS_MAX:
            raise SchemaError(f"allOf has more than {PARTS_MAX} parts, or contains itself")
        found = self.dereference(schema)
        inherited = found.pop("allOf", ())
        if not isinstance(inherited, list | tuple):
            return found
        merged: dict[str, Any] = {}
        for part in inherited:
            merged = merge_schemas(merged, {} if part is True else self._merged(part, parts))
        return merge_schemas(merged, found)


def _step(node: Any, part: str, reference: str) -> Any:
    if isinstance(node, Mapping) and part in node:
        return node[part]
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    raise SchemaError(f"{reference} refers to nothing in the document")


def merge_schemas(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """One schema that demands what both demand, for the keywords that matter here; of others the second's wins."""
    merged = {**first, **second}
    for key, value in first.items():
        if key in second:
            merged[key] = _both(key, value, second[key])
    return merged


def _both(key: str, first: Any, second: Any) -> Any:
    match key, first, second:
        case "properties", Mapping(), Mapping():
            shared = {
                name: {"allOf": [first[name], second[name]]} for name in first if name in second and first[name] != second[name]
            }
            return {**first, **second, **shared}
        case "required", list(), list():
            return list(dict.fromkeys([*first, *second]))
        case "enum", list(), list():
            return [item for item in first if item in second] or second
        case (("minimum" | "minLength" | "minItems"), int() | float(), int() | float()):
            return max(first, second)
        case (("maximum" | "maxLength" | "maxItems"), int() | float(), int() | float()):
            return min(first, second)
        case _:
            return second


def types_of(schema: JsonSchema) -> tuple[str, ...]:
    """The JSON types that a resolved schema admits, `null` last; guessed from its keywords where `type` is missing."""
    declared = schema.get("type")
    if isinstance(declared, str):
        types = [declared]
    elif isinstance(declared, list):
        types = [item for item in declared if isinstance(item, str)]
    else:
        types = [_guessed(schema)] if _guessed(schema) else []
    if schema.get("nullable") is True and "null" not in types:
        types.append("null")
    return tuple(sorted(types, key=lambda name: name == "null"))


def _guessed(schema: JsonSchema) -> str:
    hints = (
        ("object", ("properties", "required", "additionalProperties")),
        ("array", ("items", "minItems", "maxItems")),
        ("string", ("pattern", "minLength", "maxLength", "format")),
        ("number", ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum")),
    )
    return next((name for name, keywords in hints if any(keyword in schema for keyword in keywords)), "")
