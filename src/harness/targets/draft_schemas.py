"""What a document's schemas tell whoever drafts a target file from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.probes.openapi.document import Document
from harness.probes.openapi.schemas import SchemaError

_DEPTH_MAX = 4


def members(document: Document, schema: Any, path: str, depth: int) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Path, name and schema of every member of an answer, the nearest first."""
    properties = resolved(document, schema).get("properties")
    if depth > _DEPTH_MAX or not isinstance(properties, Mapping):
        return
    for name, member in properties.items():
        yield f"{path}.{name}", name, resolved(document, member)
    for name, member in properties.items():
        yield from members(document, member, f"{path}.{name}", depth + 1)


def resolved(document: Document, schema: Any) -> Mapping[str, Any]:
    """The schema without references; an empty one where it is broken."""
    try:
        return document.schemas.resolve(schema)
    except SchemaError:
        return {}
