"""What a schema admits, one kind of value at a time: `anyOf`, `oneOf`, lists of types and `nullable` are written in many ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.probes.openapi.schemas import JsonSchema, Schemas, types_of

NESTED_MAX = 5  # alternatives inside of alternatives: a schema may be one of its own
ANNOTATIONS = frozenset(("title", "description", "default", "example", "examples", "deprecated", "discriminator"))
_LISTED = frozenset(("type", "enum", "const"))
_NUMBERS = frozenset(("integer", "number"))


@dataclass(frozen=True)
class Alternative:
    """Values of one kind: a JSON type, or "" where the schema does not say one.

    `reference` is the `$ref` that it stands under, `is_component` says that it is the whole of what that refers to.
    """

    schema: JsonSchema
    kind: str
    reference: str = ""
    is_component: bool = False

    @property
    def name(self) -> str:
        """How it is called in a sentence."""
        return self.reference.rsplit("/", 1)[-1] or self.kind or "anything"

    def may_be(self, other: Alternative) -> bool:
        """Whether a value of the one kind can be one of the other."""
        kinds = {self.kind, other.kind}
        return len(kinds) == 1 or "" in kinds or kinds == _NUMBERS


def alternatives(schemas: Schemas, schema: Any) -> list[Alternative]:
    """The alternatives of a schema, those that only list values in one for each kind.

    Raises:
        SchemaError: a part refers to nothing, or outside of the document.
    """
    kept: list[Alternative] = []
    listed: dict[str, list[Any]] = {}
    for found in _alternatives(schemas, schema, "", 0):
        if found.kind and (values := enumerated(found.schema)) is not None and not found.schema.keys() - _LISTED - ANNOTATIONS:
            listed.setdefault(found.kind, []).extend(value for value in values if value not in listed.get(found.kind, ()))
        else:
            kept.append(found)
    return [*kept, *(Alternative({"type": kind, "enum": values}, kind) for kind, values in listed.items())]


def _alternatives(schemas: Schemas, schema: Any, reference: str, depth: int) -> Iterator[Alternative]:
    whole = schemas.resolve(schema)
    keyword = next((name for name in ("anyOf", "oneOf") if isinstance(whole.get(name), list) and whole[name]), "")
    if not keyword or depth > NESTED_MAX:
        yield from (Alternative(part, kind, reference) for kind, part in _by_kind(whole))
        return
    beside = {key: value for key, value in whole.items() if key != keyword and key not in ANNOTATIONS}
    for part in whole[keyword]:
        own = reference_of(part)
        nested = list(_alternatives(schemas, {"allOf": [beside, part]} if beside else part, own or reference, depth + 1))
        is_component = bool(own) and not beside and len(nested) == 1
        yield from (replace(each, is_component=is_component or each.is_component) for each in nested)


def reference_of(schema: Any) -> str:
    """What a schema refers to, "" where it says something else that matters."""
    return str(schema.get("$ref", "")) if isinstance(schema, Mapping) and not schema.keys() - {"$ref"} - ANNOTATIONS else ""


def _by_kind(schema: JsonSchema) -> Iterator[tuple[str, JsonSchema]]:
    values = enumerated(schema)
    kinds = types_of(schema) or tuple(dict.fromkeys(kind_of(value) for value in values or ()))
    if len(kinds) < 2:
        yield (kinds[0] if kinds else ""), schema
        return
    plain = {key: value for key, value in schema.items() if key not in ("nullable", "enum", "const")}
    for kind in kinds:
        part: dict[str, Any] = {"type": "null"} if kind == "null" else {**plain, "type": kind}
        own = [value for value in values or () if kind_of(value) == kind or (kind_of(value) in _NUMBERS and kind in _NUMBERS)]
        if own and kind != "null":
            part["enum"] = own
        if values is None or own or kind == "null":
            yield kind, part


def enumerated(schema: JsonSchema) -> list[Any] | None:
    """The values that a schema lists; None where it lists none."""
    if "const" in schema:
        return [schema["const"]]
    declared = schema.get("enum")
    return declared if isinstance(declared, list) else None


def kind_of(value: Any) -> str:
    """The JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    kinds = ((int, "integer"), (float, "number"), (str, "string"), (list, "array"))
    return next((name for each, name in kinds if isinstance(value, each)), "object")
