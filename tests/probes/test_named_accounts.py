"""Reads that are about who asks, and about whom a query parameter names (`?customerId=`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.finding import Finding
from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User
from harness.probes.access.authorization import examine_operation
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
_ANY = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}


def document(parameter: str, path: str) -> Document:
    asks = {"name": parameter, "in": "query", "schema": {"type": "integer"}}
    return Document.of(
        {
            "openapi": "3.0.3",
            "info": {"title": "Bills", "version": "1"},
            "paths": {
                "/me": {"get": _ANY},
                "/customers": {"get": _ANY},
                "/customers/{id}": {"get": {**_ANY, "parameters": [_ID]}},
                path: {"get": {**_ANY, "parameters": [asks]}},
            },
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        }
    )


LOGIN = Login("json", "/login", {"user": "{username}", "password": "{password}"}, token="$.token")
USERS = {"ann": 71, "ben": 72}
OWED = {71: 12_345, 72: 67_890}
ROLE = Role("customer", LOGIN, tuple(User(name, name, PASSWORD) for name in USERS), rank=1)
TARGET = Target(
    "bills", "Bills", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), (ROLE,), health_path="/health"
)  # fmt: skip


def bills(asked: Asked, user: str, defect: str) -> Given:
    """The sum that a user owes. `believed`: that of whom the request names; `refused`: another's name is answered 403;
    `rows`: each bill names whose it is, and nothing else tells a user's id."""
    own = USERS[user]
    if asked.path.startswith("/customers/"):
        return Given(200, {"name": "somebody"}) if defect == "each-other" else Given(404, {})
    if asked.path == "/customers":
        return Given(200, [{"id": each} for each in OWED]) if defect == "a-list-of-people" else Given(403, {})
    if asked.path == "/me":
        return Given(404, {}) if defect.startswith("rows") else Given(200, {"id": own, "name": user})
    named = next((int(value) for value in asked.query.values() if value.isdigit()), own)
    if defect == "refused" and named != own:
        return Given(403, {"error": "not yours"})
    whose = own if defect in ("", "refused", "rows") else named
    if defect.startswith("rows"):
        return Given(200, {"items": [{"customerId": whose, "owed": sum_} for sum_ in (1, OWED[whose])] if whose in OWED else []})
    if defect == "all" and not asked.query:
        return Given(200, {"owed": sum(OWED.values())})
    return Given(200, {"owed": OWED.get(whose, 0)})


@contextmanager
def scene(defect: str, target: Target = TARGET, parameter: str = "customerId", path: str = "/bills/summary") -> Iterator[Scene]:
    tokens: dict[str, str] = {}

    def answer(asked: Asked) -> Given:
        if asked.path == "/login":
            token = secrets.token_hex(8)
            tokens[token] = str(asked.body["user"])
            return Given(200, {"token": token})
        user = tokens.get(asked.token)
        return bills(asked, user, defect) if user else Given(401, {})

    with served(target, answer) as live, World(live) as world:
        yield Scene(world, document(parameter, path), seed=1)


def examined(opened: Scene, path: str = "/bills/summary") -> tuple[list[Finding], list[str]]:
    done = list(examine_operation(opened, opened.document.operation(f"GET {path}")))
    cells = [f"{cell.user} {cell.whose} {cell.allowed}" for item in done for cell in item.cells if cell.whose != "none"]
    return [finding for item in done for finding in item.findings], cells


def test_who_is_told_what_another_owes_by_naming_them_is_found() -> None:
    with scene("believed") as opened:
        (finding,), cells = examined(opened)
    assert (finding.rule, finding.parameter, finding.role) == ("authorization.read-of-another", "customerId", "customer")
    assert cells == ["ben own True", "ben nobody False", "ann another True"]


def test_who_the_rows_are_of_tells_whom_the_parameter_names() -> None:
    with scene("rows-believed") as opened:
        (finding,), cells = examined(opened)
    assert (finding.rule, finding.parameter) == ("authorization.read-of-another", "customerId")
    assert cells == ["ben own True", "ben nobody False", "ann another True"]


@pytest.mark.parametrize("defect", ["", "refused", "rows"])
def test_a_name_that_is_not_believed_or_refused_is_a_refusal_with_its_twin(defect: str) -> None:
    with scene(defect) as opened:
        findings, cells = examined(opened)
    assert findings == []
    assert cells == ["ben own True", "ben nobody False", "ann another False"]


@pytest.mark.parametrize(
    ("defect", "parameter", "path"),
    [
        ("all", "customerId", "/bills/summary"),  # it is about all without the name: a filter of what everybody sees
        ("believed", "page", "/bills/summary"),
        ("believed", "authorId", "/bills/summary"),
        ("believed", "userId", "/profile"),  # users look at each other there
        ("each-other", "customerId", "/bills/summary"),
        ("a-list-of-people", "customerId", "/bills/summary"),
    ],
)
def test_what_is_not_about_the_caller_or_no_secret_is_no_such_parameter(defect: str, parameter: str, path: str) -> None:
    with scene(defect, parameter=parameter, path=path) as opened:
        assert examined(opened, path) == ([], [])


@pytest.mark.parametrize(
    "kind",
    [ObjectKind("bill", "customer", ("customerId",), owned=False), ObjectKind("post", "customer", ("postId",), published=True)],
)
def test_the_target_file_has_the_last_word(kind: ObjectKind) -> None:
    with scene("believed", replace(TARGET, objects=(kind,))) as opened:
        assert examined(opened) == ([], [])
