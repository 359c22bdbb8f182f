"""Addresses of accounts in what is answered to nobody: given away by mistake, or as the document says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from harness.databases.embedded import open_embedded
from harness.model.finding import Request
from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.audits.personal_data import account_contacts, examine_personal_data
from harness.probes.checks import Report
from harness.probes.http.answers import Answer
from harness.probes.http.askers import NOBODY, Asker
from harness.probes.openapi.document import Document
from harness.probes.tour import Tour, Visit, What

ACCOUNTS = (
    frozenset({"ann@shop.example", "4930123456"}),
    frozenset({"ben@shop.example"}),
    frozenset({"cleo@shop.example", "4930654321"}),
)
BUYER, CLERK = Asker("buyer", "one"), Asker("clerk", "three")
LOGIN = Login("json", "/login", {"user": "{username}", "password": "{password}"}, token="$.token")
ROLES = (
    Role("buyer", LOGIN, (User("one", "cleo@shop.example"), User("two", "ben@shop.example")), rank=1),
    Role("clerk", LOGIN, (User("three", "dora@shop.example"),), rank=2),
)
TARGET = Target("shop", "Shop", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(), ROLES)
TAKEN = {"days": [{"on": "2026-11-30", "by": "Ann@shop.example"}]}


def document(*members: str) -> Document:
    """The free days of an item; each day has these members by the document."""
    day = {"type": "object", "properties": {name: {"type": "string"} for name in members}}
    return of_schema({"type": "object", "properties": {"days": {"type": "array", "items": day}}} if members else {})


def of_schema(schema: dict[str, Any]) -> Document:
    answer = {"200": {"description": "days", "content": {"application/json": {"schema": schema}}}}
    paths = {"/free": {"get": {"responses": answer}, "post": {"responses": answer}}}
    return Document.of({"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "paths": paths})


def visited(body: Any, asker: Asker = NOBODY, method: str = "GET", path: str = "/free", status: int = 200) -> Tour:
    answer = Answer(status, (("content-type", "application/json"),), json.dumps(body).encode())
    return Tour([Visit(What.SUCCESS, f"{method} /free", asker, Request(method, path), answer)])


def examined(tour: Tour, *members: str) -> Report:
    return examine_personal_data(document(*members), TARGET, tour, ACCOUNTS)


def test_an_address_in_a_member_that_the_document_does_not_know_is_given_away() -> None:
    report = examined(visited(TAKEN), "on")
    (finding,) = report.findings
    assert (finding.rule, finding.operation, finding.parameter) == ("exposure.personal-data", "GET /free", "days[].by")
    assert (report.tried, report.observations) == (1, [])
    assert "ann@" not in str(finding).lower()


@pytest.mark.parametrize("written", ["+49 (30) 123-456", "4930123456"])
def test_a_telephone_number_is_known_however_it_is_written(written: str) -> None:
    (finding,) = examined(visited({"days": [{"call": written}]}, BUYER), "on").findings
    assert (finding.rule, finding.parameter) == ("exposure.personal-data", "days[].call")
    assert "123" not in finding.observed


def test_a_list_that_names_other_users_is_found_for_the_lowest_role_and_what_is_declared_is_not_said() -> None:
    (finding,) = examined(visited(TAKEN, BUYER), "on").findings
    assert (finding.rule, finding.role) == ("exposure.personal-data", "buyer")
    declared = examined(visited(TAKEN, BUYER), "on", "by")
    assert (declared.findings, declared.observations) == ([], [])


@pytest.mark.parametrize("members", [("on", "by"), ()])
def test_what_the_document_declares_or_leaves_open_is_an_observation(members: tuple[str, ...]) -> None:
    report = examined(visited(TAKEN), *members)
    assert report.findings == []
    (seen,) = report.observations
    assert "days[].by" in seen.text


_DAY = {"type": "object", "properties": {"by": {"type": "string"}}}


@pytest.mark.parametrize(
    "answer",
    [
        {"type": "object", "properties": {"days": {"type": "array"}}},
        {"type": "object", "properties": {"days": {"type": "array", "items": {"type": "object"}}}},
        {"type": "object", "additionalProperties": {"type": "array", "items": _DAY}},
        {"anyOf": [{"type": "null"}, {"oneOf": [{"type": "object", "properties": {"days": {"type": "array", "items": _DAY}}}]}]},
        {"type": "object", "properties": {"on": {"type": "string"}}, "additionalProperties": True},
    ],
)
def test_a_schema_that_leaves_open_what_stands_there_blames_nobody(answer: dict[str, Any]) -> None:
    assert examine_personal_data(of_schema(answer), TARGET, visited(TAKEN), ACCOUNTS).findings == []


@pytest.mark.parametrize(
    "answer",
    [
        {"type": "object", "properties": {"hours": {"type": "array", "items": _DAY}}},
        {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"on": {"type": "string"}}}]},
        {"type": "object", "properties": {"on": {"type": "string"}}, "additionalProperties": False},
    ],
)
def test_a_schema_that_says_what_else_stands_there_does(answer: dict[str, Any]) -> None:
    assert len(examine_personal_data(of_schema(answer), TARGET, visited(TAKEN), ACCOUNTS).findings) == 1


@pytest.mark.parametrize(
    "tour",
    [
        visited(TAKEN, CLERK),
        visited({"id": 1, "by": "ann@shop.example"}, BUYER),
        visited({"days": [{"by": "cleo@shop.example"}]}, BUYER),
        visited({"days": [{"by": "+49 30 654321"}]}, BUYER),
        visited({"days": [{"by": "4930123456 pieces"}, {"by": "2026-11-30"}]}),
        visited(TAKEN, method="POST"),
        visited(TAKEN, status=404),
        visited(TAKEN, path="/free?by=ann%40shop.example"),
        visited({"days": [{"by": "info@shop.example"}, {"by": 7}]}),
    ],
)
def test_what_is_answered_to_somebody_or_repeats_the_request_or_names_no_account_is_not_blamed(tour: Tour) -> None:
    report = examined(tour, "on")
    assert (report.findings, report.observations) == ([], [])


def test_without_addresses_nothing_was_tried_and_the_reason_is_told() -> None:
    report = examine_personal_data(document("on"), TARGET, visited(TAKEN), ())
    assert (report.tried, report.note) == (0, "no address of an account is known")


@pytest.fixture
def dsn(tmp_path: Path) -> Iterator[str]:
    with open_embedded(tmp_path / "server") as server:
        address = server.create("shop")
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE users (email text, password_hash text, backup_email varchar(80), mobile_no text)")
            connection.execute("CREATE TABLE shops (email text)")
            connection.execute(
                "INSERT INTO users VALUES ('Ann@shop.example', 'x', NULL, '+49 30 123456'),"
                " ('ben@shop.example', 'x', 'b@b.example', '110')"
            )
            connection.execute("INSERT INTO shops VALUES ('info@shop.example')")
        yield address


def test_the_contacts_are_those_of_tables_with_passwords(dsn: str) -> None:
    ann, ben = {"ann@shop.example", "4930123456"}, {"ben@shop.example", "b@b.example"}
    assert set(account_contacts(dsn)) == {frozenset(ann), frozenset(ben)}
    assert account_contacts("") == account_contacts("postgresql://nobody@127.0.0.1:1/none") == ()
