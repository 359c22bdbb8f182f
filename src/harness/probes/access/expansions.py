"""Reads of one's own object with what is shown beside it on demand: `GET /reservations/7?include=invoices`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice, product

from harness.model.finding import Request
from harness.probes.http.askers import Asker, Untestable
from harness.probes.http.drafts import Draft
from harness.probes.openapi.operations import Operation, Parameter
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.scene import Scene

OBJECTS_MAX = 2  # of one's own, for each operation
READS_MAX = 60
EXPANSIONS_MAX = 6  # of one parameter
_EXPANDS = re.compile(r"^(include|expand|embed|with|populate|relations?|load)(s|ed)?(\[\])?$", re.I)
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{2,}")
_QUOTED = re.compile(r"[`'\"]([A-Za-z][A-Za-z_]{2,})[`'\"]")


def expanded_reads(scene: Scene, asker: Asker) -> Iterator[tuple[Operation, Request]]:
    """Requests for the asker's own objects with each expansion that the document names, `READS_MAX` at most."""
    yield from islice(_expanded_reads(scene, asker), READS_MAX)


def _expanded_reads(scene: Scene, asker: Asker) -> Iterator[tuple[Operation, Request]]:
    for operation in scene.document.operations:
        if operation.method != "GET" or scene.permission(operation, asker).permitted is False:
            continue
        expansions = list(_expansions(scene, operation))
        for draft in _own(scene, operation, asker) if expansions else ():
            for parameter, word in expansions:
                yield operation, draft.with_value(parameter, word).request(asker.role, asker.user)


def _own(scene: Scene, operation: Operation, asker: Asker) -> Iterator[Draft]:
    places = [each for each in scene.references(operation) if each.place == "path" and each.kind.role == asker.role]
    for reference in places[-1:]:
        for identity in scene.holdings(reference.kind).own.get(asker.user, ())[:OBJECTS_MAX]:
            with suppress(Untestable):
                yield scene.draft(operation, asker, {reference.name: identity})


def _expansions(scene: Scene, operation: Operation) -> Iterator[tuple[Parameter, str]]:
    for parameter in operation.placed("query"):
        if _EXPANDS.search(parameter.name):
            yield from product([parameter], _words(scene, parameter))


def _words(scene: Scene, parameter: Parameter) -> list[str]:
    """What may be asked for: listed values, else the words of a pattern (`^(tool|invoices)$`), else those quoted in the text."""
    try:
        schema = scene.document.schemas.resolve(parameter.schema)
        items = scene.document.schemas.resolve(schema.get("items"))
    except SchemaError:
        return []
    listed = schema.get("enum") or items.get("enum")
    if isinstance(listed, list):
        found = [str(value) for value in listed]
    elif pattern := schema.get("pattern") or items.get("pattern"):
        found = _WORD.findall(str(pattern))
    else:
        found = _QUOTED.findall(parameter.description)
    return list(dict.fromkeys(found))[:EXPANSIONS_MAX]
