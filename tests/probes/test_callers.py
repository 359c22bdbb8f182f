"""Whom the examinations ask as, where no document says which of the roles an operation is for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.model.target import Allow, Environment, Login, OperationHint, Role, Target, User
from harness.probes.http.exchange import World
from harness.probes.injection.injection import examine_injection
from harness.probes.openapi.document import Document
from harness.probes.scene.calls import caller
from harness.probes.scene.scene import Asker, Scene
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
_TITLE = [{"name": "title", "in": "query", "schema": {"type": "string"}}]
_ANY = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Papers", "version": "1"},
        "paths": {
            "/login": {"post": {"responses": {"default": {"description": "any"}}, "requestBody": _BODY}},
            "/papers": {"get": {**_ANY, "parameters": _TITLE}},
            "/covers": {"get": _ANY},
            "/vault": {"get": _ANY},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
LOGIN = Login("json", "/login", {"user": "{username}", "password": "{password}"}, token="$.token")
ROLES = tuple(Role(name, LOGIN, (User("one", name, PASSWORD),), rank=1) for name in ("reader", "hider", "keeper"))
ALLOWED = {"/papers": ("keeper",), "/covers": ("reader", "keeper"), "/vault": ()}
HIDDEN_FROM = "hider"  # is told 404 where the others are told 403


@contextmanager
def scene(*, hints: tuple[OperationHint, ...] = ()) -> Iterator[Scene]:
    tokens: dict[str, str] = {}

    def answer(asked: Asked) -> Given:
        body: Any = asked.body
        if asked.path == "/login" and isinstance(body, dict) and body.get("password") == PASSWORD:
            token = secrets.token_hex(8)
            tokens[token] = body["user"]
            return Given(200, {"token": token})
        role = tokens.get(asked.token)
        if role is None:
            return Given(401, {})
        if role not in ALLOWED.get(asked.path, ()):
            return Given(404 if role == HIDDEN_FROM else 403, {})
        quotes = asked.query.get("title", "").count("'")
        return Given(500 if quotes % 2 else 200, {"of": role})  # a title stands in a statement: the defect of /papers

    target = Target(
        "papers", "Papers", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), ROLES, health_path="/health",
        operations=hints,
    )  # fmt: skip
    with served(target, answer) as live, World(live) as world:
        yield Scene(world, DOCUMENT, seed=1)


@pytest.mark.parametrize(("path", "role"), [("/papers", "keeper"), ("/covers", "reader"), ("/vault", "hider")])
def test_the_first_that_is_let_in_is_asked_as_else_who_is_not_turned_away_at_the_door(path: str, role: str) -> None:
    with scene() as opened:
        operation = DOCUMENT.operation(f"GET {path}")
        assert caller(opened, operation) == Asker(role, "one")
        before = opened.world.traffic.requests
        assert (caller(opened, operation), opened.caller(operation)) == (Asker(role, "one"), Asker(role, "one"))
        assert opened.world.traffic.requests == before


def test_what_is_said_of_an_operation_is_not_tried() -> None:
    with scene(hints=(OperationHint("GET /papers", roles=("hider", "keeper")),)) as opened:
        before = opened.world.traffic.requests
        assert caller(opened, DOCUMENT.operation("GET /papers")).role == "hider"
        assert opened.world.traffic.requests == before


def test_what_only_a_later_role_reaches_is_examined_as_that_role() -> None:
    with scene() as opened:
        assert [finding.operation for finding in examine_injection(opened).findings] == ["GET /papers"]
