"""A small club on a real PostgreSQL: members log in and read each other's names. What it gives away is switched on by name.

`gives-reset-token` puts the column `reset_token` into the list as `ref`, `logs-rows` writes it to the log; with `second-factor`
(no defect) whoever has a `totp_secret` does not get in by a password alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from harness.databases.embedded import EmbeddedServer
from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
USERS = ("ann", "ben")
SCHEMA = """
CREATE TABLE members (
    name text PRIMARY KEY, reset_token text, totp_secret varchar(64) NOT NULL DEFAULT '', nickname text,
    salt text CHECK (length(salt) < 4), pin_code varchar(6));
INSERT INTO members (name) VALUES ('ann'), ('ben'), ('cleo'), ('dora');
UPDATE members SET reset_token = 'r-12345678' WHERE name = 'cleo';
"""
_ANY = {"responses": {"default": {"description": "any"}}}
_LOGIN = {"type": "object", "properties": {"user": {"type": "string"}, "pass": {"type": "string"}}}
DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Club", "version": "1"},
        "paths": {
            "/login": {"post": {**_ANY, "requestBody": {"content": {"application/json": {"schema": _LOGIN}}}}},
            "/members": {"get": {**_ANY, "security": [{"token": []}]}},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)


def target(*, secret_columns: tuple[str, ...] = ()) -> Target:
    """The club as a target."""
    login = Login("json", "/login", {"user": "{username}", "pass": "{password}"}, token="$.token")
    users = tuple(User(name, name, PASSWORD) for name in USERS)
    roles = (Role("member", login, users, rank=1),)
    return Target(
        "club", "Club", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles, health_path="/health",
        secret_columns=secret_columns,
    )  # fmt: skip


@dataclass
class _Club:
    dsn: str
    defects: frozenset[str]
    log: Path
    tokens: set[str] = field(default_factory=set)
    dead: bool = False

    def answer(self, asked: Asked) -> Given:
        if self.dead:
            raise ConnectionAbortedError
        if asked.path == "/health":
            return Given(200, {})
        with psycopg.connect(self.dsn) as db:
            if (asked.method, asked.path) == ("POST", "/login"):
                return self._log_in(db, asked.body if isinstance(asked.body, dict) else {})
            if (asked.method, asked.path) != ("GET", "/members"):
                return Given(404, {})
            return self._members(db) if asked.token in self.tokens else Given(401, {})

    def _log_in(self, db: psycopg.Connection, body: dict[str, object]) -> Given:
        row = db.execute("SELECT totp_secret FROM members WHERE name = %s", [str(body.get("user"))]).fetchone()
        if row is None or body.get("pass") != PASSWORD or (row[0] and "second-factor" in self.defects):
            return Given(401, {})
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return Given(200, {"token": token})

    def _members(self, db: psycopg.Connection) -> Given:
        rows = db.execute("SELECT name, reset_token, nickname FROM members ORDER BY name").fetchall()
        if "dies-of-tokens" in self.defects and all(row[1] for row in rows):
            self.dead = True
            raise ConnectionAbortedError
        if "logs-rows" in self.defects:
            with self.log.open("a") as file:
                file.write(f"{rows}\n")
        shown = [
            {"name": row[0], "nickname": row[2], **({"ref": row[1]} if "gives-reset-token" in self.defects else {})}
            for row in rows
        ]
        return Given(200, {"members": shown})


@dataclass(frozen=True)
class Clubs:
    """Gives a club with the same defects on fresh data each time."""

    server: EmbeddedServer
    folder: Path
    defects: frozenset[str] = frozenset()
    secret_columns: tuple[str, ...] = ()
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running club; `label` is of no matter here."""
        assert label
        name = f"club_{secrets.token_hex(4)}"
        dsn, log = self.server.create(name), self.folder / f"{name}.log"
        with psycopg.connect(dsn) as connection:
            connection.execute(SCHEMA)
        try:
            club = _Club(dsn, self.defects, log)
            with served(target(secret_columns=self.secret_columns), club.answer, dsn=dsn, log_path=log) as live:
                yield live
        finally:
            self.server.drop(name)
