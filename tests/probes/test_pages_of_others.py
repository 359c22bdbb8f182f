"""Pages of one user's objects, opened by another, on a platform that knows its pages' owners unless told not to (`defect`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.access.pages_of_others import examine_pages_of_others
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
_ANY = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}
_ID = {"name": "lead_id", "in": "path", "required": True, "schema": {"type": "integer"}}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Leads", "version": "1"},
        "paths": {"/api/leads": {"get": _ANY}, "/api/leads/{lead_id}": {"parameters": [_ID], "get": _ANY}},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
LOGIN = Login("json", "/api/login", {"user": "{username}", "password": "{password}"}, token="$.token")
USERS = (User("one", "ann", PASSWORD), User("two", "ben", PASSWORD))
LEADS = {11: ("ann", "Roofing of a barn"), 12: ("ann", "Fence"), 21: ("ben", "Cellar to dry"), 22: ("ben", "Gutters")}
FORM = '<form method="post" action="/login"><input name="user"><input name="password" type="password"></form>'
HTML = {"Content-Type": "text/html"}


class Leads:
    """An API and pages; `defect`: `page` shows anybody's lead, `refused-softly` says 200 that there is none (no hole)."""

    def __init__(self, defect: str) -> None:
        self.defect, self.sessions = defect, dict[str, str]()

    def answer(self, asked: Asked) -> Given:
        if asked.method == "POST":
            return self._log_in(asked)
        if asked.path == "/login":
            return Given(200, FORM, HTML)
        cookie = asked.headers.get("cookie", "").partition("session=")[2]
        user = self.sessions.get(asked.token or cookie, "")
        if not user:
            return Given(401, {}) if asked.path.startswith("/api") else Given(303, None, {"Location": "/login"})
        own = {number: title for number, (owner, title) in LEADS.items() if owner == user}
        if asked.path == "/api/leads":
            return Given(200, {"leads": [{"id": number, "title": title} for number, title in own.items()]})
        number = int(asked.path.rpartition("/")[2]) if asked.path.rpartition("/")[2].isdigit() else 0
        if asked.path.startswith("/api/leads/"):
            return Given(200, {"id": number, "title": own[number]}) if number in own else Given(404, {})
        return self._page(user, number, own, asked.path)

    def _page(self, user: str, number: int, own: dict[int, str], path: str) -> Given:
        head = f"<html><body><p>Logged in as {user} smith</p>"
        if path == "/home":
            links = "".join(f'<a href="/leads/{number}">lead {number}</a>' for number in own)
            return Given(200, f"{head}<h1>Your leads</h1>{links}<a href='/help'>Help</a></body></html>", HTML)
        if number in own or (self.defect == "page" and number in LEADS):
            return Given(200, f"{head}<h1>{LEADS[number][1]}</h1><p>Stage of the lead</p></body></html>", HTML)
        if self.defect == "refused-softly":
            return Given(200, f"{head}<h1>There is no lead {number}</h1></body></html>", HTML)
        return Given(404, f"{head}<h1>Not found</h1></body></html>", HTML)

    def _log_in(self, asked: Asked) -> Given:
        words = asked.body if isinstance(asked.body, dict) else {k: v[0] for k, v in parse_qs(asked.raw.decode()).items()}
        if words.get("password") != PASSWORD:
            return Given(401, {})
        token = secrets.token_hex(8)
        self.sessions[token] = words["user"]
        if asked.path == "/login":
            return Given(303, None, {"Location": "/home", "Set-Cookie": f"session={token}; HttpOnly"})
        return Given(200, {"token": token})


@contextmanager
def scene(defect: str) -> Iterator[Scene]:
    role = Role("partner", LOGIN, USERS, rank=1, page_login="/login")
    target = Target(
        "leads", "Leads", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), (role,), health_path="/login"
    )
    with served(target, Leads(defect).answer) as live, World(live) as world:
        yield Scene(world, DOCUMENT, seed=1)


@pytest.mark.parametrize("defect", ["", "refused-softly"])
def test_pages_that_are_refused_give_no_finding(defect: str) -> None:
    with scene(defect) as opened:
        report = examine_pages_of_others(opened)
    assert (report.tried, report.findings, report.note) == (2, [], "")


def test_a_page_that_asks_for_no_owner_is_found_once() -> None:
    with scene("page") as opened:
        (finding,) = examine_pages_of_others(opened).findings
    assert (finding.rule, finding.operation, finding.role) == ("exposure.page-of-another", "GET /leads/{id}", "partner")
    assert "shows 1 text that only its owner is shown" in finding.observed
