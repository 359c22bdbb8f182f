"""Values against the schemas of a document, whatever its version: OpenAPI 3.0 and Swagger 2 are read as JSON Schema 2020-12."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError as BadSchema
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from harness.probes.openapi.document import Document

_ROOT = "urn:document"
_ERRORS_MAX = 50


class Unjudgeable(Exception):
    """The schema cannot be used: it is broken, or refers to nothing."""


class SchemaChecker:
    """Validates values against schemas of one document."""

    def __init__(self, document: Document) -> None:
        self._nullable = not document.version.startswith(("3.1", "3.2"))
        self._done: dict[int, Any] = {}
        self._kept: list[Any] = []  # keeps what `_done` names by identity alive
        root = self._read({key: value for key, value in document.data.items() if key != "paths"})
        resource = Resource.from_contents(root, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_ROOT, resource)

    def errors(self, schema: Mapping[str, Any], value: Any) -> list[ValidationError]:
        """What is wrong with a value, the most telling first; [] where it is valid.

        Raises:
            Unjudgeable: the schema cannot be used.
        """
        validator = Draft202012Validator(self._read(schema), registry=self._registry, format_checker=FORMATS)
        try:
            found = []
            for error in validator.iter_errors(value):
                found.append(error)
                if len(found) >= _ERRORS_MAX:
                    break
        except (BadSchema, Unresolvable, re.error, TypeError, ValueError, RecursionError) as error:
            raise Unjudgeable(str(error)) from error
        return [deepest(error) for error in sorted(found, key=lambda error: list(map(str, error.absolute_path)))]

    def _read(self, node: Any) -> Any:
        """The node with absolute references and without the keywords that only OpenAPI 3.0 has; shared parts stay shared."""
        if not isinstance(node, dict | list):
            return node
        if id(node) in self._done:
            return self._done[id(node)]
        self._kept.append(node)
        made: Any = [] if isinstance(node, list) else {}
        self._done[id(node)] = made
        if isinstance(node, list):
            made.extend(self._read(item) for item in node)
        else:
            made.update(self._schema({str(key): self._read(value) for key, value in node.items()}))
        return made

    def _schema(self, node: dict[str, Any]) -> dict[str, Any]:
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            node["$ref"] = _ROOT + reference
        if self._nullable:
            _as_2020(node)
        return node


def _as_2020(node: dict[str, Any]) -> None:
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(node.get(exclusive), bool):
            is_exclusive = node.pop(exclusive)
            if is_exclusive and bound in node:
                node[exclusive] = node.pop(bound)
    if node.pop("nullable", None) is True:
        kind = node.get("type")
        if isinstance(kind, str):
            node["type"] = [kind, "null"]
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            node["enum"] = [*node["enum"], None]


def deepest(error: ValidationError) -> ValidationError:
    """Of the errors under `anyOf` and `oneOf`, the one in the alternative that came furthest."""
    while error.context:
        error = max(error.context, key=_progress)
    return error


def _progress(error: ValidationError) -> tuple[int, bool, bool]:
    schema: Any = error.schema
    is_null = isinstance(schema, Mapping) and schema.get("type") == "null"
    return (len(error.absolute_path), error.validator != "type", not is_null)


FORMATS = FormatChecker(formats=())


def _checks(name: str) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    def register(check: Callable[[str], object]) -> Callable[[str], object]:
        FORMATS.checks(name, raises=ValueError)(lambda value: not isinstance(value, str) or check(value) is not False)
        return check

    return register


@_checks("uuid")
def _uuid(text: str) -> object:
    return uuid.UUID(text)


@_checks("date")
def _date(text: str) -> object:
    return date.fromisoformat(text)


@_checks("date-time")
def _date_time(text: str) -> object:
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper().replace("Z", "+00:00")))


def json_path(parts: Iterator[Any] | Any) -> str:
    """`leads[0].score`: where in a value something is."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def member_path(parts: Any) -> str:
    """The same without positions (`leads[].score`): one defect is one, however many items show it."""
    return re.sub(r"\[\d+\]", "[]", json_path(parts))
