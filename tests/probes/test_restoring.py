"""What brings a deleted object back is judged on one that was deleted for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
RESTORE = "POST /tools/{toolId}/restore"
_ANY: dict[str, Any] = {"responses": {"default": {"description": "any"}}}
_LOGIN = {"type": "object", "properties": {"user": {"type": "string"}, "pass": {"type": "string"}}}
_TOOL = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 3}}}
_ID = {"name": "toolId", "in": "path", "required": True, "schema": {"type": "integer"}}


def _sent(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "security": [{"token": []}],
        "paths": {
            "/login": {"post": {**_ANY, **_sent(_LOGIN), "security": []}},
            "/tools": {"get": _ANY, "post": {**_ANY, **_sent(_TOOL)}},
            "/tools/{toolId}": {"parameters": [_ID], "get": _ANY, "delete": _ANY},
            "/tools/{toolId}/restore": {"parameters": [_ID], "post": _ANY},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)


@dataclass
class Sheds:
    """Gives a platform with fresh data: what is deleted is kept, and its owner (or anybody, `any_restores`) brings it back."""

    any_restores: bool
    isolated: bool = True
    tokens: dict[str, str] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        shed = Sheds(self.any_restores, owners={number: ("ann", "ben")[number % 2] for number in range(1, 7)})
        login = Login("json", "/login", {"user": "{username}", "pass": "{password}"}, token="$.token")
        roles = (Role("member", login, tuple(User(name, name, PASSWORD) for name in ("ann", "ben"))),)
        here, allow = ("127.0.0.1",), Allow(writes=True)
        target = Target("shed", "Shed", Environment.LOCAL, Path(), here, allow, roles, health_path="/health")
        with served(target, shed.answer) as live:
            yield live

    def answer(self, asked: Asked) -> Given:
        """What it gives for a request."""
        if asked.path == "/login" and isinstance(asked.body, dict) and asked.body.get("pass") == PASSWORD:
            token = secrets.token_hex(8)
            self.tokens[token] = str(asked.body.get("user"))
            return Given(200, {"token": token})
        user = self.tokens.get(asked.token)
        if user is None:
            return Given(401, {})
        if asked.path == "/tools":
            return self._tools(asked, user)
        _, _, number, *rest = (*asked.path.split("/"), "")
        return self._tool(asked, user, int(number) if number.isdecimal() else 0, rest[0] == "restore")

    def _tools(self, asked: Asked, user: str) -> Given:
        if asked.method == "POST":
            number = len(self.owners) + 1
            self.owners[number] = user
            return Given(201, {"id": number})
        own = [number for number, owner in self.owners.items() if owner == user and number not in self.deleted]
        return Given(200, {"items": [{"id": number, "name": f"Tool number {number}"} for number in own]})

    def _tool(self, asked: Asked, user: str, number: int, restores: bool) -> Given:
        is_own, is_deleted = self.owners.get(number) == user, number in self.deleted
        if restores:
            if not is_own and not (self.any_restores and number in self.owners):
                return Given(404, {})
            self.deleted.discard(number)
            return Given(200 if is_deleted else 409, {})
        if not is_own or is_deleted:
            return Given(404, {})
        if asked.method == "DELETE":
            self.deleted.add(number)
            return Given(204)
        return Given(200, {"id": number, "name": f"Tool number {number}"})


def examined(*, any_restores: bool) -> Matrix:
    return AuthorizationRun(Sheds(any_restores), DOCUMENT, seed=1).run()


def test_who_brings_back_what_another_deleted_is_found() -> None:
    findings = [finding for item in examined(any_restores=True).examined for finding in item.findings]
    assert [(finding.rule, finding.operation) for finding in findings] == [("authorization.write-of-another", RESTORE)]
    assert [(step.method, step.path.rstrip("0123456789")) for step in findings[0].steps[:2]] == [
        ("POST", "/tools"),
        ("DELETE", "/tools/"),
    ]


def test_its_owner_alone_is_no_finding_and_shows_that_it_works() -> None:
    matrix = examined(any_restores=False)
    assert [finding for item in matrix.examined for finding in item.findings] == []
    assert matrix.gaps(RESTORE) == []
