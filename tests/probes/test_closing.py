"""Accounts that are closed, on a platform that is not the reference one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.model.finding import Confidence
from harness.model.target import Allow, Environment, Limits, Login, ObjectKind, Role, Target, User
from harness.probes.openapi.document import Document
from harness.probes.scene.destruction import is_about_users
from harness.probes.sessions.closing import _entries_of
from harness.probes.sessions.sessions import SessionsRun
from harness.targets.live import LiveTarget
from tests.probes.servers.gate_server import DOCUMENT, Gates
from tests.probes.servers.notes_server import DOCUMENT as NOTES
from tests.probes.servers.notes_server import Servers
from tests.probes.servers.small_http import Asked, Given, served


def closed(*defects: str) -> SessionsRun:
    return SessionsRun(Gates(frozenset(defects), Limits()), DOCUMENT, seed=1).run()


def test_a_closed_account_that_opens_nothing_is_no_finding_and_its_closing_comes_last() -> None:
    run = closed()
    assert run.ended_findings("closing") == []
    assert [ended.tried for ended in run.ended["closing"]] == [True]
    assert set(run.reached) == {"GET /me", "DELETE /me", "GET /notes"}


@pytest.mark.parametrize(
    ("defect", "rule"), [("closed-token", "sessions.alive-after-closing"), ("closed-log-in", "sessions.log-in-after-closing")]
)
def test_a_closed_account_that_still_opens_something_is_found_twice(defect: str, rule: str) -> None:
    found = closed(defect).ended_findings("closing")
    assert [(finding.rule, finding.operation, finding.confidence) for finding in found] == [(rule, "DELETE /me", Confidence.HIGH)]


def test_where_no_account_can_be_closed_it_says_so() -> None:
    run = SessionsRun(Servers(), NOTES, seed=1).run()
    assert [(ended.tried, ended.note) for ended in run.ended["closing"]] == [
        (False, "the document has no way to close an account")
    ]


PASSWORD = "Aa1" + secrets.token_hex(8)
TEXT = {"type": "string"}
CLOSED_BY = {"status": {"enum": ["active", "suspended"]}, "is_active": {"type": "boolean"}, "blocked": {"type": "boolean"}}


@dataclass
class Club:
    """A platform whose steward closes a member's account by one member of a change that can do other things too."""

    word: str
    defect: str = ""
    describes: bool = True  # whose account an id is; else the steward's list tells
    exact: bool = False  # a change must say the role as it is, and the desk of stewards alone
    deletes: bool = False  # the steward may delete an account too
    isolated: bool = True
    tokens: dict[str, str] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    @property
    def document(self) -> Document:
        def operation(body: dict[str, Any] | None = None, security: Any = ({"token": []},)) -> dict[str, Any]:
            required = [name for name in ("role", self.word) if name in (body or {}) and self.exact]
            content = {"application/json": {"schema": {"type": "object", "properties": body, "required": required}}}
            sent = {"requestBody": {"required": True, "content": content}} if body else {}
            return {"responses": {"default": {"description": "any"}}, "security": list(security), **sent}

        exact = {"role": {"type": "string", "enum": ["STEWARD", "MEMBER"]}, "desk": {"type": "integer"}} if self.exact else {}
        change = {"nickname": TEXT, self.word: CLOSED_BY[self.word], **exact}
        return Document.of(
            {
                "openapi": "3.1.0",
                "info": {"title": "Club", "version": "1"},
                "paths": {
                    "/login": {"post": operation({"name": TEXT, "password": TEXT}, security=())},
                    "/members": {"get": {**operation(), "x-roles": ["steward"]}},
                    "/members/me": {"get": operation()},
                    "/members/{member_id}": {
                        "parameters": [{"name": "member_id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                        "patch": {**operation(change), "x-roles": ["steward"]},
                        **({"delete": {**operation(), "x-roles": ["steward"]}} if self.deletes else {}),
                    },
                },
                "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            }
        )

    @property
    def target(self) -> Target:
        login = Login("json", "/login", {"name": "{username}", "password": "{password}"}, token="$.token")
        roles = (
            Role("member", login, (User("one", "ann", PASSWORD), User("two", "ben", PASSWORD)), rank=1),
            Role("steward", login, (User("root", "root", PASSWORD),), rank=2),
        )
        kinds = (ObjectKind("member", "member", ("member_id",), "/members/me", "$.id"),)
        allow = Allow(writes=True, active_scan=True)
        return Target(
            "club",
            "Club",
            Environment.LOCAL,
            Path(),
            ("127.0.0.1",),
            allow,
            roles,
            health_path="/health",
            objects=kinds if self.describes else (),
        )

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, "ok")
        body = asked.body if isinstance(asked.body, dict) else {}
        if asked.path == "/login":
            return self._log_in(str(body.get("name")), body.get("password"))
        who = self.tokens.get(asked.token, "")
        if not who or self._is_shut(who, "token"):
            return Given(401, {"error": "log in"})
        if asked.path == "/members/me" and asked.method == "GET":
            return Given(200, {"id": {"ann": 1, "ben": 2}.get(who, 9), "name": who})
        if asked.path == "/members" and who == "root":
            return Given(200, {"page": {"members": [{"id": 1, "name": "ann"}, {"id": 2, "name": "ben"}]}, "asked_by": "root"})
        whose = {"/members/1": "ann", "/members/2": "ben"}.get(asked.path)
        if who != "root" or whose is None:
            return Given(404 if who == "root" else 403, {"error": "no"})
        return self._change(whose, body) if asked.method == "PATCH" else self._delete(whose)

    def _delete(self, whose: str) -> Given:
        if not self.deletes or self.defect == "deletes-nobody":
            return Given(409, {"error": "not today"})
        self.deleted.add(whose)
        return Given(204)

    def _change(self, whose: str, body: dict[str, Any]) -> Given:
        if self.exact and (body.get("role") != "MEMBER" or "desk" in body):
            return Given(422, {"error": "a member has no desk, and stays one"})
        if body.get(self.word) in ("suspended", self.word == "blocked"):
            self.closed.add(whose)
        return Given(200, {"done": True})

    def _is_shut(self, name: str, what: str) -> bool:
        """Whether a closed account opens no more with its token or its log-in."""
        closed = name in self.closed and self.defect != f"closed-{what}"
        return closed or (name in self.deleted and self.defect != f"deleted-{what}")

    def _log_in(self, name: str, password: object) -> Given:
        if password != PASSWORD or name not in ("ann", "ben", "root") or self._is_shut(name, "log-in"):
            return Given(401, {"error": "wrong"})
        token = secrets.token_hex(16)
        self.tokens[token] = name
        return Given(200, {"token": token})

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        with served(self.target, Club(self.word, self.defect, self.describes, self.exact, self.deletes).answer) as live:
            yield live


@pytest.mark.parametrize(("describes", "exact"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize("word", CLOSED_BY)
@pytest.mark.parametrize(
    ("defect", "rules"),
    [("", []), ("closed-token", ["sessions.alive-after-closing"]), ("closed-log-in", ["sessions.log-in-after-closing"])],
)
def test_an_account_that_is_closed_by_a_member_of_a_change_is_closed(
    word: str, defect: str, rules: list[str], describes: bool, exact: bool
) -> None:
    club = Club(word, defect, describes, exact)
    run = SessionsRun(club, club.document, seed=1).run()
    assert [ended.tried for ended in run.ended["closing"] if ended.role == "member"] == [True]
    assert [finding.rule for finding in run.ended_findings("closing")] == rules


CHANGE, DELETION = "PATCH /members/{member_id}", "DELETE /members/{member_id}"


@pytest.mark.parametrize(
    ("defect", "found"),
    [
        ("", []),
        ("closed-token", [("sessions.alive-after-closing", CHANGE)]),
        ("closed-log-in", [("sessions.log-in-after-closing", CHANGE)]),
        ("deleted-token", [("sessions.alive-after-closing", DELETION)]),
        ("deleted-log-in", [("sessions.log-in-after-closing", DELETION)]),
    ],
)
def test_an_account_that_can_be_shut_and_deleted_is_closed_in_both_ways(defect: str, found: list[tuple[str, str]]) -> None:
    club = Club("is_active", defect, deletes=True)
    run = SessionsRun(club, club.document, seed=1).run()
    assert {ended.operation: ended.tried for ended in run.ended["closing"]} == {CHANGE: True, DELETION: True}
    assert [(finding.rule, finding.operation) for finding in run.ended_findings("closing")] == found
    assert {finding.confidence for finding in run.ended_findings("closing")} <= {Confidence.HIGH}


def test_a_way_that_is_refused_is_told_of_beside_the_one_that_is_not() -> None:
    club = Club("is_active", "deletes-nobody", deletes=True)
    run = SessionsRun(club, club.document, seed=1).run()
    assert run.left_out("closing") == f"closing: 1 could not be tried: member: {DELETION} was answered 409"


def test_an_entry_bears_a_username_where_names_stand_and_nowhere_else() -> None:
    ann, role = {"id": 1, "email": "Ann"}, {"id": 2, "role": "ann", "name": "ben"}
    assert _entries_of({"users": [ann, role]}, "ann") == [ann]
    assert _entries_of([[role]], "ann") == []


def test_what_names_an_author_is_no_list_of_users() -> None:
    document = Document.of(
        {
            "openapi": "3.1.0",
            "info": {"title": "Posts", "version": "1"},
            "paths": {
                path: {"get": {"responses": {}}, "delete": {"responses": {}}}
                for path in ("/posts/{post_id}", "/members/{member_id}")
            },
        }
    )
    about = [is_about_users(Club("blocked").target, operation) for operation in document.operations]
    assert about == [False, False, True, True]
