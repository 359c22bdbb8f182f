"""What a write must carry of the object's present state: the version that it read, as `If-Match` or as a member of the body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import member
from harness.probes.openapi.document import Document
from harness.probes.openapi.schemas import SchemaError

_VERSION = re.compile(
    r"(^|_)(version|revision|rev|etag|lock_version|row_version|concurrency_stamp)$|(Version|Revision|ETag)$", re.I
)
_CONDITIONAL = (412, 428)


def asks_version(document: Document, draft: Draft) -> bool:
    """Whether the operation takes, or may demand, the version of what it writes."""
    operation = draft.operation
    conditional = operation.parameter("If-Match", "header") or any(operation.declares(status) for status in _CONDITIONAL)
    return bool(conditional) or any(_VERSION.search(name) for name in _members(document, draft))


def carries_version(draft: Draft) -> bool:
    """Whether a request says which version it writes to, in a way that its operation's description names."""
    named = {response.status for response in draft.operation.responses} & {str(status) for status in _CONDITIONAL}
    by_header = "If-Match" in draft.headers and (named or draft.operation.parameter("If-Match", "header"))
    return bool(by_header) or (isinstance(draft.body, dict) and any(_VERSION.search(name) for name in draft.body))


def without_version(draft: Draft) -> Draft:
    """The same request, silent about the version that it writes to."""
    headers = {name: value for name, value in draft.headers.items() if name.lower() != "if-match"}
    body = draft.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if not _VERSION.search(name)}
    return replace(draft, headers=headers, body=body)


def fresh(document: Document, draft: Draft, seen: Mapping[str, Answer]) -> Draft:
    """The draft with the versions of the object as its owner sees it now, in the header and members that the operation knows.

    Generic: a member of the body takes the value of the member of the same name in what the owner sees; `If-Match` takes the
    `ETag`, else that member. Nothing is added where the object shows no version.
    """
    etag = next((answer.header("etag") for answer in seen.values() if answer.header("etag")), "")
    fed, version = _body(document, draft, seen)
    asks = fed.operation.parameter("If-Match", "header") or any(fed.operation.declares(status) for status in _CONDITIONAL)
    if asks and not etag and version is not None:
        etag = f'"{version}"'
    if not asks or not etag or (version is not None and fed.operation.parameter("If-Match", "header") is None):
        return fed
    return replace(fed, headers={**fed.headers, "If-Match": etag})


def with_version(item: Mapping[str, Any], seen: Mapping[str, Answer]) -> dict[str, Any]:
    """One object of a body's list, with the version that it has where it is seen."""
    current = {name: _current(name, seen) for name in item if _VERSION.search(name)}
    return {**item, **{name: value for name, value in current.items() if value is not None}}


def _current(name: str, seen: Mapping[str, Answer]) -> Any:
    return next((found for answer in seen.values() if (found := member(answer.json, name)) is not None), None)


def _body(document: Document, draft: Draft, seen: Mapping[str, Answer]) -> tuple[Draft, Any]:
    names = [name for name in _members(document, draft) if _VERSION.search(name)]
    version: Any = None
    body = draft.body
    for name in names:
        current = _current(name, seen)
        if current is not None and isinstance(body, dict):
            body, version = {**body, name: current}, current
    return draft.with_body(body), version


def _members(document: Document, draft: Draft) -> list[str]:
    if draft.operation.body is None:
        return []
    try:
        properties = document.schemas.resolve(draft.operation.body.schema).get("properties")
    except SchemaError:
        return []
    return list(properties) if isinstance(properties, Mapping) else []
