"""Totals and exports that count and hold objects of others, where no list shows one of them."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.model.finding import Confidence, Finding, Request
from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User
from harness.probes.access.authorization import AuthorizationRun
from harness.probes.access.lists import _words
from harness.probes.access.reads import Stage
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker
from harness.probes.openapi.document import Document
from harness.probes.scene.objects import Holdings, Listed, Reference
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
CASES: list[dict[str, object]] = [
    {
        "id": number,
        "owner": ("ann", "ben")[number % 2],
        "client": f"Client {chr(65 + number // 26) * 3}{chr(97 + number % 26) * 2}",
    }
    for number in range(1, 301)
]
for case in CASES:
    case["mail"] = f"c{case['id']}@case.test"
_OWN = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}
_QUERY = [
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
    {"name": "q", "in": "query", "schema": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
    {"name": "least", "in": "query", "schema": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "null"}]}},
]
DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Cases", "version": "1"},
        "paths": {
            "/cases": {"get": {**_OWN, "parameters": _QUERY}},
            "/cases/export": {"post": {**_OWN, "responses": {"200": {"description": "a sheet", "content": {"text/csv": {}}}}}},
            "/cases/{case_id}": {
                "parameters": [{"name": "case_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "get": _OWN,
            },
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
_LOGIN = Login("json", "/login", {"user": "{username}", "password": "{password}"}, token="$.token")
_ROLE = Role("clerk", _LOGIN, tuple(User(name, name, PASSWORD) for name in ("ann", "ben")), rank=1)
_KIND = ObjectKind("case", "clerk", ("case_id",), "/cases", "$.cases[*].id")
TARGET = Target(
    "cases", "Cases", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), (_ROLE,),
    health_path="/health", objects=(_KIND,),
)  # fmt: skip


@dataclass
class _Cases:
    """Its defects, by name: `counts-all`, `counts-all-of-weight`, `exports-all`.

    `counts-archived` is none: the total holds more of one's own.
    """

    trait: str
    sessions: dict[str, str] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, {})
        if asked.path == "/login":
            user = asked.body["user"] if isinstance(asked.body, dict) and asked.body.get("password") == PASSWORD else ""
            token = secrets.token_hex(8)
            self.sessions[token] = user
            return Given(200, {"token": token}) if user else Given(401, {})
        user = self.sessions.get(asked.token, "")
        if not user:
            return Given(401, {})
        mine = [case for case in CASES if case["owner"] == user]
        if asked.path == "/cases/export":
            return Given(200, _sheet(CASES if self.trait == "exports-all" else mine), {"Content-Type": "text/csv"})
        if asked.path == "/cases":
            return self._list(asked, mine)
        found = next((case for case in mine if asked.path == f"/cases/{case['id']}"), None)
        return Given(200, found) if found else Given(404, {})

    def _list(self, asked: Asked, mine: list[dict[str, object]]) -> Given:
        limit, words = int(asked.query.get("limit", "20")), asked.query.get("q", "").lower()
        least = int(asked.query.get("least", "0"))
        is_blind = self.trait == "counts-all" or (self.trait == "counts-all-of-weight" and bool(least))
        shown, counted = (
            [case for case in cases if words in str(case["client"]).lower() and int(str(case["id"])) % 10 >= least]
            for cases in (mine, CASES if is_blind else mine)
        )
        return Given(200, {"cases": shown[:limit], "total": len(counted) + 7 * (self.trait == "counts-archived")})


def _sheet(cases: list[dict[str, object]]) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("Number", "Client", "E-mail"))
    rows.writerows((case["id"], case["client"], case["mail"]) for case in cases)
    return text.getvalue()


@dataclass
class _Doors:
    trait: str
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        with served(TARGET, _Cases(self.trait).answer) as live:
            yield live


def found(trait: str) -> list[Finding]:
    matrix = AuthorizationRun(_Doors(trait), DOCUMENT, seed=1).run()
    return [finding for examined in matrix.examined for finding in examined.findings]


@pytest.mark.parametrize(
    ("trait", "rule", "operation"),
    [
        ("counts-all", "authorization.counts-another", "GET /cases"),
        ("counts-all-of-weight", "authorization.counts-another", "GET /cases"),
        ("exports-all", "authorization.list-shows-another", "POST /cases/export"),
    ],
)
def test_what_no_list_shows_is_counted_or_exported_all_the_same(trait: str, rule: str, operation: str) -> None:
    assert [(each.rule, each.operation, each.confidence) for each in found(trait)] == [(rule, operation, Confidence.HIGH)]


@pytest.mark.parametrize("trait", ["", "counts-archived"])
def test_ones_own_are_counted_and_exported_without_a_finding(trait: str) -> None:
    assert found(trait) == []


def test_a_search_is_asked_for_words_of_names_before_those_of_what_else_is_shown() -> None:
    kind = ObjectKind("tool", "member", ("id",), "/tools", "$[*].id")
    shown = [{"id": 1, "slug": "sawmill-one", "category": "electronics", "name": "Lathe", "branch": {"city": "Springfield"}}]
    listed = Listed("ben", Request("GET", "/tools"), Answer(200, content=json.dumps(shown).encode()), (1,))
    stage = Stage(Reference("", "", "query", kind), Holdings(kind, (listed,), {"ben": (1,)}), Asker("member", "ben"), None, (1,))
    assert _words(stage)[0] == "Lathe"
