"""A small desk of tickets that are changed many at once. Each way forgets to ask whose they are by its name (`defects`).

Every one of them answers 200 and says of each ticket what became of it, as such operations do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
USERS = ("ann", "ben")
STAGES = ("new", "open", "done")
_ANY = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}
_TICKET = {"name": "ticket_id", "in": "path", "required": True, "schema": {"type": "integer"}}
_IDS = {"type": "array", "minItems": 1, "items": {"type": "integer"}}
_VERSIONED = {
    "type": "object",
    "required": ["id", "version"],
    "properties": {"id": {"type": "integer"}, "version": {"type": "integer"}},
}


def _takes(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {**_ANY, "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _takes_list(items: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "array", "minItems": 1, "items": items}
    return {**_ANY, "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_STAGED = {
    "type": "object",
    "required": ["id", "stage"],
    "properties": {"id": {"type": "integer"}, "stage": {"type": "string", "enum": [*STAGES]}},
}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Tickets", "version": "1"},
        "paths": {
            "/login": {"post": {**_takes(user={"type": "string"}, password={"type": "string"}), "security": []}},
            "/tickets": {"get": _ANY, "patch": _takes_list(_STAGED)},
            "/tickets/{ticket_id}": {"parameters": [_TICKET], "get": _ANY},
            "/tickets/starred": {"post": _takes(ids=_IDS)},
            "/tickets/closed": {"post": _takes_list({"type": "integer"})},
            "/remarks": {"put": _takes(ticket=_STAGED)},
            "/stages": {
                "put": _takes(tickets={"type": "array", "items": _VERSIONED}, stage={"type": "string", "enum": [*STAGES]})
            },
            "/notices": {"post": _takes(ticketIds=_IDS, text={"type": "string"})},
            "/counts": {"post": _takes(ticket_ids=_IDS)},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
STARRED, MOVED, NOTICED, COUNTED = "POST /tickets/starred", "PUT /stages", "POST /notices", "POST /counts"
STAGED, CLOSED, REMARKED = "PATCH /tickets", "POST /tickets/closed", "PUT /remarks"


@dataclass
class _Desk:
    defects: frozenset[str]
    tokens: dict[str, str] = field(default_factory=dict)
    tickets: dict[int, dict[str, Any]] = field(
        default_factory=lambda: {
            number: {"id": number, "owner": user, "stage": "new", "version": 1, "star": False, "notices": []}
            for user, numbers in (("ann", (11, 12)), ("ben", (21, 22)))
            for number in numbers
        }
    )

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, {})
        body = asked.body if isinstance(asked.body, dict) else {}
        if asked.path == "/login":
            return self._log_in(body)
        user = self.tokens.get(asked.token, "")
        ways: dict[str, Callable[[str, dict[str, Any]], Given]] = {
            "/tickets": lambda user, _: self._tickets(user, asked),
            "/tickets/closed": lambda user, _: self._each(
                user, CLOSED, asked.body, lambda ticket: ticket.update(stage="done", version=ticket["version"] + 1)
            ),
            "/remarks": lambda user, body: self._stage(user, REMARKED, [body.get("ticket")]),
            "/tickets/starred": lambda user, body: self._each(
                user, STARRED, body.get("ids"), lambda ticket: ticket.update(star=True)
            ),
            "/stages": self._move,
            "/notices": lambda user, body: self._each(
                user, NOTICED, body.get("ticketIds"), lambda ticket: ticket["notices"].append(body.get("text"))
            ),
            "/counts": lambda _, body: Given(200, {"count": len(body.get("ticket_ids") or [])}),
        }
        if not user:
            return Given(401, {})
        if asked.path in ways:
            return ways[asked.path](user, body)
        ticket = self.tickets.get(int(asked.path.rsplit("/", 1)[-1] or 0)) if asked.path[-1].isdigit() else None
        return Given(200, ticket) if ticket and ticket["owner"] == user else Given(404, {})

    def _log_in(self, body: dict[str, Any]) -> Given:
        if body.get("user") not in USERS or body.get("password") != PASSWORD:
            return Given(401, {})
        token = secrets.token_hex(8)
        self.tokens[token] = body["user"]
        return Given(200, {"token": token})

    def _each(self, user: str, way: str, ids: Any, change: Callable[[dict[str, Any]], None]) -> Given:
        """Changes those that are the user's, and says of each whether it was done."""
        results = []
        for number in ids if isinstance(ids, list) else []:
            ticket = self.tickets.get(number) if isinstance(number, int) else None
            done = ticket is not None and (ticket["owner"] == user or way in self.defects)
            if ticket is not None and done:
                change(ticket)
            results.append({"id": number, "done": done})
        return Given(200, {"results": results})

    def _tickets(self, user: str, asked: Asked) -> Given:
        if asked.method == "PATCH":
            return self._stage(user, STAGED, asked.body)
        return Given(200, {"tickets": [each for each in self.tickets.values() if each["owner"] == user]})

    def _stage(self, user: str, way: str, items: Any) -> Given:
        """Brings each to the stage that stands beside its id."""
        stages = {item["id"]: item.get("stage") for item in items or [] if isinstance(item, dict) and "id" in item}
        if not stages or not set(stages.values()) <= set(STAGES):
            return Given(422, {})
        return self._each(user, way, [*stages], lambda ticket: ticket.update(stage=stages[ticket["id"]]))

    def _move(self, user: str, body: dict[str, Any]) -> Given:
        items, stage = body.get("tickets"), body.get("stage")
        if not isinstance(items, list) or stage not in STAGES:
            return Given(422, {})
        current = [item["id"] for item in items if isinstance(item, dict) and self._is_current(item)]
        return self._each(user, MOVED, current, lambda ticket: ticket.update(stage=stage, version=ticket["version"] + 1))

    def _is_current(self, item: dict[str, Any]) -> bool:
        ticket = self.tickets.get(item.get("id", 0))
        return ticket is not None and ticket["version"] == item.get("version")


def target(*, describes_objects: bool = True) -> Target:
    """The desk as a target."""
    login = Login("json", "/login", {"user": "{username}", "password": "{password}"}, token="$.token")
    roles = (Role("agent", login, tuple(User(name, name, PASSWORD) for name in USERS), rank=1),)
    kind = ObjectKind("ticket", "agent", ("ticket_id",), "/tickets", "$.tickets[*].id")
    return Target(
        "tickets", "Tickets", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles, health_path="/health",
        objects=(kind,) if describes_objects else (),
    )  # fmt: skip


@dataclass(frozen=True)
class Desks:
    """Gives a desk with the same defects on fresh data each time."""

    defects: frozenset[str] = frozenset()
    describes_objects: bool = True
    isolated: bool = True
    slashes: bool = False  # every path ends with one

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running desk; `label` is of no matter here."""
        assert label
        with served(target(describes_objects=self.describes_objects), _Desk(self.defects).answer, slashes=self.slashes) as live:
            yield live
