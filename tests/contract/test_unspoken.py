"""Which refusals of valid requests break a promise, and which may be due to a rule that no schema speaks of."""

from __future__ import annotations

from typing import Any

import pytest

from harness.engines.contract.exchange import Answer, Sent
from harness.engines.contract.unspoken import may_be_unspoken
from harness.probes.openapi.document import Document

STAGE = {"enum": ["new", "won"]}
DECLARED = {"201": {"description": "made"}, "422": {"description": "refused"}}


def document() -> Document:
    query = [
        {"name": "stage", "in": "query", "schema": {"anyOf": [STAGE, {"type": "null"}]}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
        {"name": "cursor", "in": "query", "schema": {"type": "string"}},
    ]
    properties: dict[str, Any] = {"name": {"type": "string"}, "stage": STAGE, "count": {"type": "integer", "maximum": 9}}
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": properties}}}}
    leads = {"get": {"parameters": query, "responses": DECLARED}, "post": {"requestBody": body, "responses": DECLARED}}
    notes = {"get": {"responses": {"415": {"description": "another type"}}}}
    return Document.of({"openapi": "3.1.0", "paths": {"/leads": leads, "/notes": notes}})


def unspoken(method: str, path: str, body: str | None, said: str, status: int = 422) -> bool:
    opened = document()
    sent = Sent(method, path, {"content-type": "application/json"} if body else {}, body)
    return bool(may_be_unspoken(opened, opened.operation(f"{method} /leads"), sent, Answer(status, {}, said)))


@pytest.mark.parametrize(
    ("path", "said", "is_unspoken"),
    [
        ("/leads", "no", False),
        ("/leads?stage=won&limit=100", "no", False),
        ("/leads?cursor=a1&limit=100", "no", True),
        ("/leads?cursor=a1&limit=100", "limit is too large", False),
        ("/leads?cursor=a1&limit=100", "limit is too large, or cursor is none of ours", True),
    ],
)
def test_of_a_read_by_what_is_asked_and_answered(path: str, said: str, *, is_unspoken: bool) -> None:
    assert unspoken("GET", path, None, said) is is_unspoken


@pytest.mark.parametrize(
    ("body", "said", "is_unspoken"),
    [
        ('{"stage": "won"}', "no", False),
        ('{"stage": "won", "name": "Ann"}', "The request has invalid members.", True),
        ('{"stage": "won", "name": "Ann"}', "a new lead is not won", False),
        ('{"stage": "won", "name": "Ann"}', '{"errors": {"name": "is taken"}}', True),
        ('{"count": 9}', "there are not as many", True),
        ("[]", "no", True),
    ],
)
def test_of_a_write_by_what_is_sent_and_answered(body: str, said: str, *, is_unspoken: bool) -> None:
    assert unspoken("POST", "/leads", body, said) is is_unspoken


@pytest.mark.parametrize(("status", "is_unspoken"), [(400, True), (415, False)])
def test_an_undeclared_status_may_be_one_where_the_document_declares_it_nowhere(status: int, *, is_unspoken: bool) -> None:
    assert unspoken("GET", "/leads?cursor=a1", None, "no", status) is is_unspoken
