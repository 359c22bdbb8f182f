"""What in a request breaks the document, read from the wire: both sides of each limit."""

from __future__ import annotations

from typing import Any

import pytest

from harness.engines.contract.exchange import Sent
from harness.engines.contract.violations import Judgement, RequestJudge
from harness.probes.openapi.document import Document

LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}}
STAGE = {"name": "stage", "in": "query", "schema": {"anyOf": [{"enum": ["new", "won"], "type": "string"}, {"type": "null"}]}}
PRIMARY = {"name": "primary", "in": "query", "schema": {"type": "boolean"}}
SINCE = {"name": "since", "in": "query", "schema": {"type": "string", "format": "date"}}
TENANT = {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string", "minLength": 2}}
LEAD_ID = {"name": "lead_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
KNOWN = {"name": "If-None-Match", "in": "header", "schema": {"type": "string", "maxLength": 10}}
NOTE = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "maxLength": 5},
        "score": {"type": "integer", "maximum": 10},
        "tags": {"type": "array", "items": {"$ref": "#/components/schemas/Tag"}},
    },
    "required": ["text"],
    "additionalProperties": False,
}


def document(version: str = "3.1.0") -> Document:
    paths = {
        "/leads": {"get": {"parameters": [LIMIT, STAGE, PRIMARY, SINCE], "responses": {}}},
        "/leads/{lead_id}": {"get": {"parameters": [LEAD_ID, KNOWN], "responses": {}}},
        "/notes": {
            "post": {
                "parameters": [TENANT],
                "requestBody": {"required": True, "content": {"application/json": {"schema": NOTE}}},
                "responses": {},
            }
        },
    }
    return Document.of(
        {"openapi": version, "paths": paths, "components": {"schemas": {"Tag": {"type": "string", "minLength": 2}}}}
    )


def judge(name: str, sent: Sent, given: Document | None = None) -> Judgement:
    read = given or document()
    return RequestJudge(read).judge(read.operation(name), sent)


def get(path: str) -> Judgement:
    return judge("GET /leads", Sent("GET", path))


def post(body: str | None, **headers: str) -> Judgement:
    given = {
        "Content-Type": "application/json",
        "X-Tenant": "ab",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    return judge("POST /notes", Sent("POST", "/notes", given, body))


@pytest.mark.parametrize("query", ["limit=100", "limit=1", "stage=new", "primary=true", "since=2026-02-28", "unknown=1", ""])
def test_what_the_document_allows_is_no_violation(query: str) -> None:
    assert get(f"/leads?{query}") == Judgement()


@pytest.mark.parametrize(
    ("query", "keyword", "text"),
    [
        ("limit=101", "maximum", "`limit` is 101, above its maximum of 100"),
        ("limit=0", "minimum", "`limit` is 0, below its minimum of 1"),
        ("stage=lost", "enum", "`stage` is lost, none of new, won"),
        ("since=2026-02-30", "format", "`since` is 2026-02-30, no date"),
    ],
)
def test_what_it_forbids_is_said(query: str, keyword: str, text: str) -> None:
    found = get(f"/leads?{query}").strict
    assert [(violation.keyword, violation.text) for violation in found] == [(keyword, text)]


@pytest.mark.parametrize(
    "query",
    [
        "limit=%205",
        "limit=5.0",
        "limit=%2B5",
        "primary=yes",
        "primary=1",
        "limit=5&limit=500",
        "since=0",
        "since=2026-02-28T00:00",
        "limit=",
        "limit=abc",
        "stage=",
    ],
)
def test_what_frameworks_read_leniently_is_lax(query: str) -> None:
    judgement = get(f"/leads?{query}")
    assert judgement.strict == ()
    assert judgement.violations or judgement.doubtful


@pytest.mark.parametrize(("header", "strict"), [("If-None-Match", 0), ("X-Tenant", 1)])
def test_a_header_that_http_itself_reads_is_lax_and_one_of_the_platforms_own_is_not(header: str, strict: int) -> None:
    known = Sent("GET", "/leads/0b3e5d0e-8f3a-4c1e-9d57-0c9a3f1f2b4d", {"If-None-Match": '"0123456789"'})
    judgement = post('{"text": "a"}', X_Tenant="a") if header == "X-Tenant" else judge("GET /leads/{lead_id}", known)
    assert (len(judgement.violations), len(judgement.strict)) == (1, strict)


def test_a_path_value_is_decoded_before_it_is_judged() -> None:
    good = judge("GET /leads/{lead_id}", Sent("GET", "/leads/0b3e5d0e-8f3a-4c1e-9d57-0c9a3f1f2b4d"))
    bad = judge("GET /leads/{lead_id}", Sent("GET", "/leads/not%20an%20id"))
    assert good.violations == ()
    assert [violation.text for violation in bad.violations] == ["`lead_id` is not an id, no uuid"]


@pytest.mark.parametrize(
    ("body", "name", "keyword"),
    [
        ('{"text": "123456"}', "text", "maxLength"),
        ('{"score": 1}', "text", "required"),
        ('{"text": "a", "more": 1}', "", "additionalProperties"),
        ('{"text": "a", "score": 11}', "score", "maximum"),
        ('{"text": "a", "tags": ["ab", "c"]}', "tags[]", "minLength"),
        ('{"text": "a", "score": {}}', "score", "type"),
        ('{"text": null}', "text", "type"),
        ('{"text": "a", "tags": [null]}', "tags[]", "type"),
        ("null", "", "type"),
        ("{", "", "unparsable"),
        (None, "", "required"),
    ],
)
def test_a_body_is_judged_member_by_member(body: str | None, name: str, keyword: str) -> None:
    assert [(violation.name, violation.keyword) for violation in post(body).strict] == [(name, keyword)]


@pytest.mark.parametrize(
    "body",
    ['{"text": "a", "score": "5"}', '{"text": 5}', '{"text": "a", "score": true}', '{"text": "a", "score": null, "tags": null}'],
)
def test_coercible_scalars_and_nulls_for_nothing_are_lax(body: str) -> None:
    judgement = post(body)
    assert judgement.violations
    assert judgement.strict == ()


@pytest.mark.parametrize("body", ['{"text": "a", "score": 5.0}', '{"text": "\\u0000"}', '{"text": "\\ud800"}'])
def test_a_valid_body_that_many_servers_refuse_is_doubtful(body: str) -> None:
    judgement = post(body)
    assert judgement.violations == ()
    assert judgement.doubtful


def test_an_empty_field_of_a_form_is_lax() -> None:
    form = {"application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["kind"]}}}
    path = {"post": {"requestBody": {"required": True, "content": form}, "responses": {}}}
    read = Document.of({"openapi": "3.1.0", "paths": {"/token": path}})
    sent = Sent("POST", "/token", {"Content-Type": "application/x-www-form-urlencoded"}, "kind=&name=ann")
    assert [(v.name, v.lax) for v in judge("POST /token", sent, read).violations] == [("kind", True)]


def test_a_missing_header_and_another_media_type_are_seen() -> None:
    assert [
        v.name for v in judge("POST /notes", Sent("POST", "/notes", {"Content-Type": "application/json"}, '{"text": "a"}')).strict
    ] == ["X-Tenant"]
    other = post("a", Content_Type="text/plain")
    assert [(v.keyword, v.lax) for v in other.violations] == [("undeclared", True)]


def test_another_method_is_a_violation() -> None:
    assert [v.place for v in judge("GET /leads", Sent("DELETE", "/leads")).violations] == ["method"]


def test_null_and_exclusive_bounds_of_the_older_version_are_understood() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "nullable": True},
            "b": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        },
    }
    data = {
        "openapi": "3.0.3",
        "paths": {"/x": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}, "responses": {}}}},
    }
    old = Document.of(data)
    sent = {"Content-Type": "application/json"}
    assert judge("POST /x", Sent("POST", "/x", sent, '{"a": null, "b": 1}'), old).violations == ()
    assert [v.name for v in judge("POST /x", Sent("POST", "/x", sent, '{"b": 0}'), old).violations] == ["b"]


def test_a_schema_that_refers_to_nothing_leaves_the_matter_open() -> None:
    data = {
        "openapi": "3.1.0",
        "paths": {
            "/x": {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Gone"}}}},
                    "responses": {},
                }
            }
        },
    }
    judgement = judge("POST /x", Sent("POST", "/x", {"Content-Type": "application/json"}, "{}"), Document.of(data))
    assert not judgement.certain
    assert judgement.violations == ()
