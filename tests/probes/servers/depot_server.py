"""A small platform of two tenants: people of branches, tickets with papers, bills. Its guards come off by name (`defects`)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
PEOPLE, TICKET, PAPER, BILLS = "PATCH /people/{person_id}", "GET /tickets/{ticket_id}", "/papers/{paper_id}", "GET /bills"
BRANCHES = {"north": (1, 2), "south": (3, 4)}
USERS = {  # by name: role, tenant, branch, id
    "ann": ("member", "north", 1, 11),
    "bea": ("member", "south", 3, 12),
    "cid": ("member", "north", 1, 13),
    "kim": ("clerk", "north", 1, 21),
    "kai": ("clerk", "south", 3, 22),
    "lea": ("lead", "north", 2, 31),
    "leo": ("lead", "south", 4, 32),
}
_SECURED: dict[str, Any] = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}
_PERSON = {"type": "object", "properties": {"grade": {"enum": ["junior", "senior"]}, "branch_id": {"type": "integer"}}}


def _read(text: str, *query: dict[str, Any]) -> dict[str, Any]:
    return {**_SECURED, "description": text, "parameters": list(query)}


def _write(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {**_read(text), "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _text(name: str) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: {"type": "string", "minLength": 1}}}


def _named(name: str) -> dict[str, Any]:
    return {"parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "integer"}}]}


_INCLUDE = {"name": "include", "in": "query", "schema": {"type": "string", "pattern": "^(bills|events)$"}}
_PERSON_ID = {"name": "personId", "in": "query", "schema": {"type": "integer"}}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Depot", "version": "1"},
        "paths": {
            "/me": {"get": _read("Who asks.")},
            "/branches": {"get": _read("Those of the tenant.")},
            "/people": {"get": _read("Clerks and leads.")},
            "/people/{person_id}": {
                **_named("person_id"),
                "get": _read("Clerks and leads."),
                "patch": _write("Leads only.", _PERSON),
            },
            "/tickets": {"get": _read("Members only."), "post": _write("Members only.", _text("title"))},
            "/tickets/{ticket_id}": {**_named("ticket_id"), "get": _read("Members only.", _INCLUDE)},
            "/tickets/{ticket_id}/papers": {**_named("ticket_id"), "post": _write("Members only.", _text("text"))},
            "/papers/{paper_id}": {**_named("paper_id"), "get": _read("Members only."), "delete": _read("Members only.")},
            "/bills": {"get": _read("Members only.", _PERSON_ID)},
            "/bills/{bill_id}": {**_named("bill_id"), "get": _read("Members only.")},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
_LOGIN = Login("json", "/login", {"name": "{username}", "password": "{password}"}, token="$.token")


def _role(name: str, rank: int) -> Role:
    names = [user for user, (role, *_) in USERS.items() if role == name]
    users = tuple(User(number, user, PASSWORD) for number, user in zip(("one", "two", "three"), names, strict=False))
    return Role(name, _LOGIN, users, rank=rank)


TARGET = Target(
    "depot",
    "Depot",
    Environment.LOCAL,
    Path(),
    ("127.0.0.1",),
    Allow(writes=True),
    (_role("member", 1), _role("clerk", 2), _role("lead", 3)),
    health_path="/health",
)


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    name: str
    role: str
    tenant: str
    branch: int
    id: int


@dataclass
class Depot:
    """The platform's state."""

    defects: tuple[str, ...] = ()
    tokens: dict[str, str] = field(default_factory=dict)
    people: dict[int, dict[str, Any]] = field(default_factory=dict)
    tickets: dict[int, dict[str, Any]] = field(default_factory=dict)
    papers: dict[int, dict[str, Any]] = field(default_factory=dict)
    bills: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, branch in enumerate([1, 1, 2, 2, 3, 3, 4, 4]):
            self.people[101 + number] = {"id": 101 + number, "grade": "junior", "branch_id": branch}
        for number, name in enumerate(["ann", "bea", "cid"] * 2):
            owner = {"owner": name, "title": f"Of {name}", "state": "open", "made": "2026-01-01"}
            self.tickets[201 + number] = {"id": 201 + number, **owner}
            self.bills[301 + number] = {"id": 301 + number, "ticket": 201 + number, "amount": 5, **owner}

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/login":
            body = asked.body if isinstance(asked.body, dict) else {}
            known = body.get("name") in USERS and body.get("password") == PASSWORD
            return Given(200, {"token": self.tokens.setdefault(body["name"], secrets.token_hex(8))}) if known else Given(401)
        if asked.path == "/health":
            return Given(200, "ok")
        name = next((name for name, token in self.tokens.items() if token == asked.token), "")
        return self._known(asked, Caller(name, *USERS[name])) if name else Given(401, {"error": "log in"})

    def _known(self, asked: Asked, me: Caller) -> Given:
        if asked.path == "/me":
            return Given(200, {"id": me.id, "name": me.name})
        if asked.path == "/branches":
            return Given(200, {"items": [{"id": branch} for branch in BRANCHES[me.tenant]]})
        if found := re.fullmatch(r"/people(?:/(\d+))?", asked.path):
            return self._people(asked, me, int(found[1] or 0)) if me.role != "member" else Given(403, {"error": "not you"})
        if me.role != "member":
            return Given(403, {"error": "members only"})
        routes: dict[str, Callable[[Asked, Caller, int], Given]] = {
            r"/tickets()": self._list_of_tickets,
            r"/tickets/(\d+)": self._ticket,
            r"/tickets/(\d+)/papers": self._new_paper,
            r"/papers/(\d+)": self._paper,
            r"/bills()": self._list_of_bills,
            r"/bills/(\d+)": self._bill,
        }
        for pattern, route in routes.items():
            if found := re.fullmatch(pattern, asked.path):
                return route(asked, me, int(found[1] or 0))
        return Given(404, {"error": "none"})

    def _people(self, asked: Asked, me: Caller, identity: int) -> Given:
        seen = (me.branch,) if me.role == "clerk" else BRANCHES[me.tenant]
        if not identity:
            return Given(200, {"items": [each for each in self.people.values() if each["branch_id"] in seen]})
        if asked.method == "PATCH" and me.role != "lead" and "clerks-move" not in self.defects:
            return Given(403, {"error": "leads only"})
        person = self.people.get(identity)
        if person is None or person["branch_id"] not in seen:
            return Given(404, {"error": "none"})
        if asked.method == "PATCH":
            body = asked.body if isinstance(asked.body, dict) else {}
            if not body or body.get("branch_id", person["branch_id"]) not in BRANCHES[me.tenant]:
                return Given(422, {"error": "a branch of yours"})
            if me.role == "clerk" and body.get("branch_id", me.branch) == me.branch:
                return Given(422, {"error": "another branch"})
            person.update(body)
        return Given(200, person) if person["branch_id"] in seen else Given(404, {"error": "none"})

    def _own(self, table: dict[int, dict[str, Any]], name: str) -> list[dict[str, Any]]:
        return [each for each in table.values() if each["owner"] == name]

    def _list_of_tickets(self, asked: Asked, me: Caller, _identity: int) -> Given:
        if asked.method == "POST":
            if not isinstance(asked.body, dict) or not asked.body.get("title"):
                return Given(422, {"error": "title"})
            made = {"id": 201 + len(self.tickets), "owner": me.name, "title": asked.body["title"], "state": "open", "made": ""}
            self.tickets[made["id"]] = made
            return Given(201, made)
        return Given(200, {"items": self._own(self.tickets, me.name)})

    def _ticket(self, asked: Asked, me: Caller, identity: int) -> Given:
        ticket = self.tickets.get(identity)
        if ticket is None or ticket["owner"] != me.name:
            return Given(404, {"error": "none"})
        if asked.query.get("include") != "bills":
            return Given(200, ticket)
        everybody = "bills-of-all" in self.defects
        return Given(200, {**ticket, "bills": [b for b in self.bills.values() if everybody or b["ticket"] == identity]})

    def _new_paper(self, asked: Asked, me: Caller, identity: int) -> Given:
        if self._ticket(asked, me, identity).status != 200:
            return Given(404, {"error": "none"})
        number = 401 + len(self.papers)
        self.papers[number] = {"id": number, "owner": me.name, "text": (asked.body or {}).get("text", "")}
        return Given(201, {"id": number})

    def _paper(self, asked: Asked, me: Caller, identity: int) -> Given:
        paper = self.papers.get(identity)
        open_to_all = ("papers-read" if asked.method == "GET" else "papers-deleted") in self.defects
        if paper is None or paper.get("gone") or (paper["owner"] != me.name and not open_to_all):
            return Given(404, {"error": "none"})
        if asked.method == "DELETE":
            paper["gone"] = True
            return Given(204)
        return Given(200, {"id": paper["id"], "text": paper["text"]})

    def _list_of_bills(self, asked: Asked, me: Caller, _identity: int) -> Given:
        person = asked.query.get("personId")
        if person and "name-believed" in self.defects:  # of the same tenant, all the same
            near = [name for name, (_, tenant, _, known) in USERS.items() if tenant == me.tenant and str(known) == person]
            return Given(200, {"items": [bill for name in near for bill in self._own(self.bills, name)]})
        own = self._own(self.bills, me.name)
        return Given(200, {"items": own if person in (None, str(me.id)) else []})

    def _bill(self, _asked: Asked, me: Caller, identity: int) -> Given:
        bill = self.bills.get(identity)
        return Given(200, bill) if bill and bill["owner"] == me.name else Given(404, {"error": "none"})


@dataclass
class Depots:
    """Gives a platform with the same defects and fresh data each time."""

    defects: tuple[str, ...] = ()
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        with served(TARGET, Depot(self.defects).answer) as live:
            yield live
