"""Bodies as XML: a member is an element of its name, a list is the element again and again, and the root is named by its schema.

Of what a schema says on XML (`xml`) the root's name alone is read: no attributes, other names or elements around lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from harness.probes.openapi.schemas import SchemaError, Schemas

ROOT = "request"  # where no schema names it; most readers do not look at it
_NAME = re.compile(r"[A-Za-z_][\w.-]*")


def is_xml(media_type: str) -> bool:
    """`application/xml`, `text/xml` or `…+xml`."""
    essence = media_type.split(";")[0].strip().lower()
    return essence in ("application/xml", "text/xml") or essence.endswith("+xml")


def root_of(schemas: Schemas, schema: Any) -> str:
    """The name of the outermost element: the schema's own (`xml.name`), else its name in the document."""
    try:
        given = schemas.resolve(schema).get("xml")
    except SchemaError:
        return ROOT
    reference = schema.get("$ref", "") if isinstance(schema, Mapping) else ""
    name = given.get("name") if isinstance(given, Mapping) else None
    name = name or str(reference).rpartition("/")[2]
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ROOT


def xml_of(value: Any, root: str, text_of: Callable[[Any], str]) -> str:
    """A value as a document. Text that no document may hold is written all the same: hostile input is to arrive.

    Args:
        text_of: how a number, a truth value or nothing is written.

    Raises:
        SchemaError: it is a list, which has no one root.
    """
    if isinstance(value, list):
        raise SchemaError("a list as the whole body cannot be written as XML")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_element(root, value, text_of)}'


def _element(name: str, value: Any, text_of: Callable[[Any], str]) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item, text_of) for item in value)
    inner = (
        "".join(_element(str(key), item, text_of) for key, item in value.items())
        if isinstance(value, Mapping)
        else escape(text_of(value))
    )
    return f"<{name}>{inner}</{name}>"
