"""A document that refers to nothing but itself: what reads it fetches what it names, from hosts that nobody allowed.

Only a reference into the document is followed (`#/components/…`); what lies elsewhere is taken out and said.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.probes.openapi.document import Document, Operation
from harness.probes.openapi.schemas import SchemaError

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "operationRef")
_DIALECTS = frozenset(  # known to every validator; any other one is fetched
    (
        "http://json-schema.org/draft-04/schema",
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-07/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    )
)
# What stands in these and is empty is broken, where an empty schema or answer allows anything.
_WHOLE_IN = frozenset(
    (
        "callbacks",
        "examples",
        "headers",
        "links",
        "parameters",
        "pathItems",
        "paths",
        "requestBodies",
        "securityDefinitions",
        "securitySchemes",
        "webhooks",
    )
)


@dataclass(frozen=True)
class LeftOut:
    """One keyword whose value lies outside of the document. `where` is the path of what has it."""

    where: str
    keyword: str
    address: str

    def __str__(self) -> str:
        return f"{self.where or 'the document'}: {self.keyword} {self.address} was not fetched"


def self_contained(data: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[LeftOut, ...]]:
    """A copy of a document's data without what would be fetched, and what was left out."""
    cleaning = _Cleaning()
    copied = copy.deepcopy(dict(data))
    cleaning.clean(copied, ())
    return copied, tuple(cleaning.left_out)


def told_elsewhere(document: Document) -> dict[str, tuple[str, ...]]:
    """By operation, the addresses outside of the document that say a part of what the operation takes and gives."""
    found = {operation.name: tuple(dict.fromkeys(_addresses(document, operation))) for operation in document.operations}
    return {name: addresses for name, addresses in found.items() if addresses}


class _Cleaning:
    """Takes out of one document, in place, what lies elsewhere."""

    def __init__(self) -> None:
        self.left_out: list[LeftOut] = []
        self._seen: set[int] = set()  # parts of a document may be shared, and are cleaned once
        self._hollow: set[int] = set()

    def clean(self, node: Any, path: tuple[str, ...]) -> None:
        if not isinstance(node, dict | list) or id(node) in self._seen:
            return
        self._seen.add(id(node))
        if isinstance(node, list):
            for position, item in enumerate(node):
                self.clean(item, (*path, str(position)))
            if path[-1:] == ("parameters",):
                node[:] = [item for item in node if id(item) not in self._hollow]
            return
        for keyword, address in list(_foreign(node)):
            self.left_out.append(LeftOut("/".join(path), keyword, address))
            del node[keyword]
            if keyword in _REFERENCES:
                self._hollow.add(id(node))
        for name, child in list(node.items()):
            self.clean(child, (*path, name))
            if id(child) in self._hollow and (name == "requestBody" or (path[-1:] and path[-1] in _WHOLE_IN)):
                del node[name]


def _foreign(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for keyword in (*_REFERENCES, "externalValue", "$schema"):
        value = node.get(keyword)
        is_known = keyword == "$schema" and isinstance(value, str) and value.rstrip("#") in _DIALECTS
        if isinstance(value, str) and not is_known and (keyword == "externalValue" or not value.startswith("#")):
            yield keyword, value


def _addresses(document: Document, operation: Operation) -> Iterator[str]:
    """Of the references outside of the document that are reached from an operation."""
    try:
        item = document.schemas.dereference(document.data["paths"][operation.path])
    except SchemaError:
        return
    waiting, seen = [item.get("parameters"), item.get(operation.method.lower())], set[int]()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Mapping | list) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, list):
            waiting.extend(node)
            continue
        yield from (address for keyword, address in _foreign(node) if keyword in _REFERENCES)
        waiting.extend(node.values())
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            try:
                waiting.append(document.schemas.lookup(reference))
            except SchemaError:
                continue  # what refers to nothing is said by the engine that wants to use it
