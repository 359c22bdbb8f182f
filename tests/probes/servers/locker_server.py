"""A small platform on a real PostgreSQL that keeps its sessions and codes there, each with its end.

Its traits, by name: `token-forever`, `cookie-forever` and `code-forever` do not ask for the end (defects); `no-end` keeps none
for sessions; `code-in-row` keeps the code beside its member, with the milliseconds when it was sent; `in-memory` keeps sessions
out of the database; `logs-requests` writes a row for each; `renews` sets the end of a session that is written to anew;
`in-parts` keeps sessions in partitions; `told-in-words` keeps their end as text within JSON.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import psycopg

from harness.databases.embedded import EmbeddedServer
from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
SCHEMA = """
CREATE TABLE members (
    email text PRIMARY KEY, password text, reset_password_token text, reset_password_sent_at bigint,
    created_at timestamptz DEFAULT now());
CREATE TABLE sessions (
    token text PRIMARY KEY, email text REFERENCES members, is_page boolean, created_at timestamptz DEFAULT now());
CREATE TABLE visits (at timestamptz DEFAULT now(), path text, token text);
CREATE TABLE codes (email text PRIMARY KEY, code text, tries int DEFAULT 0, expires_at timestamp);
INSERT INTO members (email, password) SELECT name || '@locker.test', %s FROM unnest('{ann,ben}'::text[]) name
"""
RENEWING = """
CREATE FUNCTION renew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.expires_at := now() + interval '1 day'; RETURN NEW; END $$;
CREATE TRIGGER renewing BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION renew()
"""
IN_PARTS = """
DROP TABLE sessions;
CREATE TABLE sessions (token text PRIMARY KEY, email text, is_page boolean, created_at timestamptz DEFAULT now())
    PARTITION BY HASH (token);
CREATE TABLE sessions_even PARTITION OF sessions FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE sessions_odd PARTITION OF sessions FOR VALUES WITH (MODULUS 2, REMAINDER 1)
"""
ENDS = {
    "told-in-words": "state jsonb DEFAULT jsonb_build_object('until', now() + interval '1 day')",
    "": "expires_at timestamptz DEFAULT now() + interval '1 day'",
}
PAGE = {"Content-Type": "text/html"}
FORM = '<form method="post" action="/enter"><input name="email" type="email"><input name="password" type="password"></form>'


def _operation(*members: str, **more: object) -> dict[str, object]:
    schema = {"type": "object", "required": list(members), "properties": {name: {"type": "string"} for name in members}}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}} if members else {}
    return {"responses": {"default": {"description": "any"}}, **body, **more}


DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Locker", "version": "1"},
        "paths": {
            "/login": {"post": _operation("email", "password")},
            "/password/forgot": {"post": _operation("email")},
            "/password/reset": {"post": _operation("email", "code", "new_password")},
            "/me": {"get": _operation(security=[{"token": []}])},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)


def target() -> Target:
    """The locker as a target."""
    login = Login("json", "/login", {"email": "{username}", "password": "{password}"}, token="$.token")
    users = tuple(User(name, f"{name}@locker.test", PASSWORD) for name in ("ann", "ben"))
    roles = (Role("member", login, users, page_login="/enter"),)
    return Target("locker", "Locker", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles, health_path="/health")


@dataclass
class _Locker:
    dsn: str
    traits: frozenset[str]
    log: Path
    held: dict[str, str] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, {})
        with psycopg.connect(self.dsn) as db:
            given = self._answer(db, asked)
            if "logs-requests" in self.traits:
                db.execute("INSERT INTO visits (path) VALUES (%s)", [asked.path])
            return given

    def _answer(self, db: psycopg.Connection, asked: Asked) -> Given:
        body = asked.body if isinstance(asked.body, dict) else dict(parse_qsl(asked.raw.decode()))
        if asked.method == "POST" and asked.path in ("/login", "/enter"):
            return self._log_in(db, body, is_page=asked.path == "/enter")
        if asked.path == "/password/forgot":
            return self._send(db, str(body.get("email")))
        if asked.path == "/password/reset":
            return self._reset(db, body)
        if asked.path == "/me":
            return Given(200, {"of": "me"}) if self._is_open(db, asked.token, "token-forever") else Given(401, {})
        cookie = asked.headers.get("cookie", "").partition("sid=")[2].partition(";")[0]
        if asked.path == "/home":
            is_open = self._is_open(db, cookie, "cookie-forever")
            return Given(200, "<h1>Home</h1>", PAGE) if is_open else Given(303, headers={"Location": "/enter"})
        return Given(200, FORM, PAGE) if asked.path == "/enter" else Given(404, {})

    def _log_in(self, db: psycopg.Connection, body: dict[str, Any], *, is_page: bool) -> Given:
        row = db.execute("SELECT password FROM members WHERE email = %s", [str(body.get("email"))]).fetchone()
        if row is None or body.get("password") != row[0]:
            return Given(401, {})
        token = secrets.token_hex(16)
        if "in-memory" in self.traits:
            self.held[token] = body["email"]
        else:
            db.execute("INSERT INTO sessions (token, email, is_page) VALUES (%s, %s, %s)", [token, body["email"], is_page])
            db.execute("UPDATE members SET created_at = created_at WHERE email = %s", [body["email"]])
        return (
            Given(303, headers={"Location": "/home", "Set-Cookie": f"sid={token}; HttpOnly; SameSite=Lax"})
            if is_page
            else Given(200, {"token": token})
        )

    def _is_open(self, db: psycopg.Connection, token: str, forever: str) -> bool:
        if token in self.held:
            return True
        end = "(state->>'until')::timestamptz" if "told-in-words" in self.traits else "expires_at"
        still = "true" if self.traits & {forever, "no-end"} else f"{end} > now()"
        return db.execute(f"SELECT 1 FROM sessions WHERE token = %s AND {still}", [token]).fetchone() is not None  # type: ignore[arg-type]

    def _send(self, db: psycopg.Connection, email: str) -> Given:
        code = f"{secrets.randbelow(1_000_000):06d}"
        if "code-in-row" in self.traits:
            values = [code, int(time.time() * 1000), email]
            db.execute("UPDATE members SET reset_password_token = %s, reset_password_sent_at = %s WHERE email = %s", values)
        else:
            db.execute("DELETE FROM codes WHERE email = %s", [email])
            insert = "INSERT INTO codes (email, code, expires_at) VALUES (%s, %s, now() + interval '10 min')"
            db.execute(insert, [email, code])
        with self.log.open("a") as file:
            file.write(f"to {email}: your code is {code}\n")
        return Given(202, {})

    def _reset(self, db: psycopg.Connection, body: dict[str, Any]) -> Given:
        values = {**dict.fromkeys(("email", "code", "new_password"), ""), **body, "now": int(time.time() * 1000)}
        forever = "true" if "code-forever" in self.traits else "false"
        if "code-in-row" in self.traits:
            found = db.execute(
                "UPDATE members SET password = %(new_password)s WHERE email = %(email)s AND reset_password_token = %(code)s"
                f" AND ({forever} OR reset_password_sent_at > %(now)s - 600000) RETURNING email",  # type: ignore[arg-type]
                values,
            ).fetchone()
            # Right or wrong, it was used.
            db.execute("UPDATE members SET reset_password_token = NULL WHERE email = %(email)s", values)
            return Given(200, {}) if found else Given(400, {})
        right = f"email = %(email)s AND code = %(code)s AND tries < 5 AND ({forever} OR expires_at > now())"
        if db.execute(f"DELETE FROM codes WHERE {right} RETURNING email", values).fetchone() is None:  # type: ignore[arg-type]
            db.execute("UPDATE codes SET tries = tries + 1 WHERE email = %(email)s", values)
            return Given(400, {})
        db.execute("UPDATE members SET password = %(new_password)s WHERE email = %(email)s", values)
        return Given(200, {})


@dataclass(frozen=True)
class Lockers:
    """Gives a locker with the same traits on fresh data each time."""

    server: EmbeddedServer
    folder: Path
    traits: frozenset[str] = frozenset()
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running locker; `label` is of no matter here."""
        assert label
        name = f"locker_{secrets.token_hex(4)}"
        dsn, log = self.server.create(name), self.folder / f"{name}.log"
        log.touch()
        with psycopg.connect(dsn) as connection:
            for statement in SCHEMA.split(";"):
                connection.execute(statement, [PASSWORD] if "%s" in statement else None)  # type: ignore[arg-type]
            if "renews" in self.traits:
                connection.execute(RENEWING)
            if "in-parts" in self.traits:
                connection.execute(IN_PARTS)
            if "no-end" not in self.traits:
                end = ENDS["told-in-words" if "told-in-words" in self.traits else ""]
                connection.execute(f"ALTER TABLE sessions ADD {end}")  # type: ignore[arg-type]
        try:
            with served(target(), _Locker(dsn, self.traits, log).answer, dsn=dsn, log_path=log) as live:
                yield live
        finally:
            self.server.drop(name)
