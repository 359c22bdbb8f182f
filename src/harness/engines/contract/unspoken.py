"""Rules that no schema speaks of: an end before its beginning, a password that is wrong, a cursor that no list gave.

A platform refuses them with a status that its document declares, for the operation or nowhere at all, though the request keeps
every rule of the schemas. That is no broken promise. It is one where nothing was sent but values of a closed choice (a list of
values, a boolean, a number up to a bound), or where the answer speaks of such a one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.engines.contract.exchange import Answer, Sent
from harness.probes.openapi.document import Document, Operation
from harness.probes.openapi.schemas import SchemaError, types_of

_WORD_MIN = 3  # characters of a value that an answer is searched for
_FORM = "form-urlencoded"


def may_be_unspoken(document: Document, operation: Operation, sent: Sent, answer: Answer) -> str:
    """Why the refusal of a valid request is no broken promise, "" where it is one."""
    values = list(_values(document, operation, sent)) if _is_expected(document, operation, answer.status) else []
    free = [name for name, _, is_closed in values if not is_closed]
    if not free or (_speaks_of(answer, values) and not any(_says(answer, name) for name in free)):
        return ""
    return f"refused with {answer.status}, perhaps for a reason that no schema can say"


def _is_expected(document: Document, operation: Operation, status: int) -> bool:
    is_declared = any(response.status == str(status) for response in operation.responses)
    return is_declared or not any(each.declares(status) for each in document.operations)


def _speaks_of(answer: Answer, values: list[tuple[str, str, bool]]) -> bool:
    return any(_says(answer, name) or _says(answer, value) for name, value, is_closed in values if is_closed)


def _says(answer: Answer, text: str) -> bool:
    return len(text) >= _WORD_MIN and bool(re.search(rf"(?<![A-Za-z0-9]){re.escape(text)}(?![A-Za-z0-9])", answer.body))


def _values(document: Document, operation: Operation, sent: Sent) -> Iterator[tuple[str, str, bool]]:
    """Name, value and whether it is one of a closed choice, of everything that was sent but for the path."""
    query = {parameter.name: parameter.schema for parameter in operation.placed("query")}
    for name, value in parse_qsl(urlsplit(sent.path).query, keep_blank_values=True):
        yield name, value, name in query and _is_closed(document, query[name], bounds=True)
    yield from ((parameter.name, "", False) for parameter in operation.placed("header") if parameter.name.lower() in sent.headers)
    properties = _properties(document, operation)
    for name, value in _body(sent):
        yield name, value, name in properties and _is_closed(document, properties[name])


def _body(sent: Sent) -> Iterator[tuple[str, str]]:
    if not sent.body:
        return
    if _FORM in sent.headers.get("content-type", ""):
        yield from parse_qsl(sent.body, keep_blank_values=True)
        return
    try:
        data = json.loads(sent.body)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        yield from ((name, value if isinstance(value, str) else json.dumps(value)) for name, value in data.items())
    else:
        yield "", sent.body


def _properties(document: Document, operation: Operation) -> dict[str, Any]:
    try:
        schema = document.schemas.resolve(operation.body.schema) if operation.body else {}
    except SchemaError:
        return {}
    return dict(schema.get("properties") or {})


def _is_closed(document: Document, schema: Any, *, bounds: bool = False) -> bool:
    ends = [each for each in document.schemas.alternatives(schema) if not {"anyOf", "oneOf"} & each.keys()]
    choices = [each for each in ends if types_of(each) != ("null",)]
    return bool(choices) and all(_closed(each, bounds=bounds) for each in choices)


def _closed(schema: Any, *, bounds: bool) -> bool:
    types = set(types_of(schema)) - {"null"}
    is_bound = bounds and types <= {"integer", "number"} and "maximum" in schema
    return "enum" in schema or "const" in schema or types == {"boolean"} or is_bound
