"""Filters that are no plain texts, on a platform that puts them into its statements."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.http.exchange import World
from harness.probes.injection.injection import examine_injection
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
_FILTERS = [
    {"name": "least", "in": "query", "schema": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 100}, {"type": "null"}]}},
    {"name": "since", "in": "query", "schema": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}},
]
_ANY = {"responses": {"default": {"description": "any"}}}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Scores", "version": "1"},
        "paths": {"/scores": {"get": {**_ANY, "parameters": _FILTERS, "security": [{"token": []}]}}},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
LOGIN = Login("json", "/login", {"user": "{username}", "password": "{password}"}, token="$.token")
TARGET = Target(
    "scores", "Scores", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True),
    (Role("reader", LOGIN, (User("one", "ann", PASSWORD),), rank=1),), health_path="/health",
)  # fmt: skip


def scores(asked: Asked, defect: str) -> Given:
    """The scores of at least a number since a day. `defect` is the filter that is not bound; else a wrong one is refused."""
    least, since = asked.query.get("least", "0"), asked.query.get("since", "2000-01-01")
    bound: dict[str, str | int] = {"since": since}
    if defect != "least":
        if not least.isdigit():
            return Given(400, {"error": "least is a number"})
        bound["least"] = int(least)
    if defect != "since" and (len(since) != 10 or "'" in since):
        return Given(400, {"error": "since is a day"})
    number = least if defect == "least" else ":least"
    day = f"'{since}'" if defect == "since" else ":since"
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE scores (score int, day text)")
        db.executemany("INSERT INTO scores VALUES (?, ?)", [(number, f"2026-01-{number:02}") for number in range(10, 30)])
        try:
            rows = db.execute(f"SELECT score, day FROM scores WHERE score >= {number} AND day >= {day}", bound).fetchall()
        except sqlite3.Error:
            return Given(500, {"error": "failed"})
    return Given(200, {"scores": rows})


@contextmanager
def scene(defect: str) -> Iterator[Scene]:
    token = secrets.token_hex(8)

    def answer(asked: Asked) -> Given:
        if asked.path == "/login":
            return Given(200, {"token": token})
        return scores(asked, defect) if asked.token == token else Given(401, {})

    with served(TARGET, answer) as live, World(live) as world:
        yield Scene(world, DOCUMENT, seed=1)


@pytest.mark.parametrize(("defect", "found"), [("", set()), ("least", {"least"}), ("since", {"since"})])
def test_a_filter_that_stands_in_a_statement_is_found_whatever_its_type(defect: str, found: set[str]) -> None:
    with scene(defect) as opened:
        report = examine_injection(opened)
    assert {finding.parameter for finding in report.findings if finding.rule == "injection.sql"} == found
    assert report.tried == 2
