"""A small platform over a real PostgreSQL whose objects are used up: a trip is booked once, then assigned, a carrier approved.

All trips that are there at first are over, and the carrier at the head of the list is approved. Travellers have pages too.
Its defects, by name: `books-twice` and `approves-twice` check the state before they write, `miscounts` reads the sum before it
writes the next, `books-anothers` and `assigns-anothers` do not ask whose the trip is, `anyone-approves` asks for no role,
`overbooks` and `oversells` look whether a place, or a ticket, is left before they take one,
`page-stored` and `page-search` put a stored title, and what is searched for on a page, into a statement, with `dies` it is gone
after some requests, and `remembers` shows a trip as it was when it was first read. No defects are `one-carrier` (a single one can
be approved), `takes-for-one` (awards at the same moment are one) and `says-how-long` (it remembers, and its answers say for how
long).
"""

from __future__ import annotations

import html
import queue
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs

import psycopg

from harness.databases.embedded import EmbeddedServer
from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served
from tests.witness.conftest import MakeRecorded

PASSWORD = "Aa1" + secrets.token_hex(8)
ADMIN = "root"
CONNECTIONS = 4
DIES_AFTER = 25
SCHEMA = """
CREATE TABLE trips (id serial PRIMARY KEY, owner text NOT NULL, title text NOT NULL, state text NOT NULL DEFAULT 'draft',
    points int NOT NULL DEFAULT 0, places int NOT NULL DEFAULT 40, joined int NOT NULL DEFAULT 0,
    tickets int NOT NULL DEFAULT 40);
CREATE TABLE joins (id serial PRIMARY KEY, trip_id int NOT NULL REFERENCES trips (id) ON DELETE CASCADE);
CREATE INDEX joins_trip ON joins (trip_id);
CREATE TABLE awards (id serial PRIMARY KEY, trip_id int NOT NULL REFERENCES trips (id) ON DELETE CASCADE, points int NOT NULL);
CREATE INDEX awards_trip ON awards (trip_id);
CREATE INDEX trips_owner ON trips (owner, id);
CREATE TABLE bookings (id serial PRIMARY KEY, trip_id int NOT NULL REFERENCES trips (id) ON DELETE CASCADE);
CREATE INDEX bookings_trip ON bookings (trip_id);
CREATE TABLE carriers (id serial PRIMARY KEY, name text NOT NULL, approved boolean NOT NULL DEFAULT false);
INSERT INTO trips (owner, title, state)
SELECT (ARRAY['ann', 'ben'])[1 + n % 2], 'Trip ' || n, 'over' FROM generate_series(1, 24) n;
INSERT INTO carriers (name, approved) SELECT 'Carrier ' || n, n = 1 FROM generate_series(1, 6) n;
"""
_LIMITED = {
    "join": ("joined < places", "joined = joined + 1", "overbooks"),
    "tickets": ("tickets > 0", "tickets = tickets - 1", "oversells"),
}
_ID = {"name": "trip_id", "in": "path", "required": True, "schema": {"type": "integer"}}
_CARRIER = {"name": "carrier_id", "in": "path", "required": True, "schema": {"type": "integer"}}
_ANY = {"responses": {"default": {"description": "any"}}}
_OWN = {**_ANY, "security": [{"token": []}]}
_LOGIN = {"type": "object", "properties": {"user": {"type": "string"}, "pass": {"type": "string"}}}
_TRIP = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "minLength": 1, "maxLength": 80}}}
_AWARD = {"type": "object", "required": ["points"], "properties": {"points": {"type": "integer", "minimum": 1, "maximum": 9}}}
DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Trips", "version": "1"},
        "paths": {
            "/login": {"post": {**_ANY, "requestBody": {"content": {"application/json": {"schema": _LOGIN}}}}},
            "/trips": {
                "get": {**_OWN, "x-roles": ["traveller"]},
                "post": {
                    **_OWN,
                    "x-roles": ["traveller"],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": _TRIP}}},
                },
            },
            "/trips/{trip_id}": {"parameters": [_ID], "get": {**_OWN, "x-roles": ["traveller"]}},
            "/trips/{trip_id}/book": {"parameters": [_ID], "post": {**_OWN, "x-roles": ["traveller"]}},
            "/trips/{trip_id}/assign": {"parameters": [_ID], "post": {**_OWN, "x-roles": ["traveller"]}},
            "/trips/{trip_id}/join": {"parameters": [_ID], "post": {**_OWN, "x-roles": ["traveller"]}},
            "/trips/{trip_id}/tickets": {"parameters": [_ID], "post": {**_OWN, "x-roles": ["traveller"]}},
            "/trips/{trip_id}/awards": {
                "parameters": [_ID],
                "post": {
                    **_OWN,
                    "x-roles": ["traveller"],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": _AWARD}}},
                },
            },
            "/carriers": {"get": {**_OWN, "x-roles": ["admin"]}},
            "/carriers/{carrier_id}/approve": {"parameters": [_CARRIER], "post": {**_OWN, "x-roles": ["admin"]}},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
_FORM = '<form method="post"><input name="user"><input type="password" name="pass"></form>'
_SEARCH = '<form action="/desk/search"><input type="search" name="q"></form>'


def target() -> Target:
    """The platform as a target."""
    login = Login("json", "/login", {"user": "{username}", "pass": "{password}"}, token="$.token")
    travellers = tuple(User(name, name, PASSWORD) for name in ("ann", "ben"))
    roles = (
        Role("traveller", login, travellers, rank=1, page_login="/desk/login"),
        Role("admin", login, (User("one", ADMIN, PASSWORD),), rank=2),
    )
    trip = ObjectKind("trip", "traveller", ("trip_id",), "/trips", "$.trips[*].id", table="trips")
    return Target(
        "trips", "Trips", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles,
        health_path="/health", objects=(trip,),
    )  # fmt: skip


class Refused(Exception):
    """An answer that is no success."""


@dataclass
class _Trips:
    defects: frozenset[str]
    free: queue.Queue[psycopg.Connection]
    sessions: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    remembered: dict[tuple[str, int], Given] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Given:
        self.requests += 1
        if "dies" in self.defects and self.requests > DIES_AFTER:
            raise ConnectionAbortedError
        if asked.path == "/health":
            return Given(200, {})
        db = self.free.get(timeout=10)
        try:
            return self._page(db, asked) if asked.path.startswith("/desk") else self._api(db, asked)
        except Refused as refused:
            return Given(int(str(refused)), {"error": "refused"})
        except psycopg.Error:
            return Given(500, {"error": "sorry"})
        finally:
            self.free.put(db)

    def _api(self, db: psycopg.Connection, asked: Asked) -> Given:
        if (asked.method, asked.path) == ("POST", "/login"):
            return Given(200, {"token": self._session(asked.body if isinstance(asked.body, dict) else {})})
        user = self.sessions.get(asked.token)
        if user is None:
            raise Refused(401)
        if found := re.fullmatch(r"/carriers(?:/(\d{1,9})/approve)?", asked.path):
            return self._carriers(db, user, found[1])
        if user == ADMIN:
            raise Refused(403)
        if asked.path == "/trips":
            return self._add(db, user, asked.body) if asked.method == "POST" else self._list(db, user)
        if found := re.fullmatch(r"/trips/(\d{1,9})/awards", asked.path):
            return self._award(db, user, int(found[1]), asked.body)
        if found := re.fullmatch(r"/trips/(\d{1,9})/(join|tickets)", asked.path):
            return self._take(db, user, int(found[1]), found[2])
        found = re.fullmatch(r"/trips/(\d{1,9})(?:/(book|assign))?", asked.path)
        if found is None:
            raise Refused(404)
        return self._step(db, user, int(found[1]), found[2]) if found[2] else self._remembered(db, user, int(found[1]))

    def _session(self, given: dict[str, str]) -> str:
        if given.get("user") not in ("ann", "ben", ADMIN) or given.get("pass") != PASSWORD:
            raise Refused(401)
        token = secrets.token_hex(8)
        self.sessions[token] = given["user"]
        return token

    def _list(self, db: psycopg.Connection, user: str) -> Given:
        rows = db.execute("SELECT id, title, state FROM trips WHERE owner = %s ORDER BY id LIMIT 50", [user]).fetchall()
        return Given(200, {"trips": [{"id": row[0], "title": row[1], "state": row[2]} for row in rows]})

    def _add(self, db: psycopg.Connection, user: str, body: object) -> Given:
        title = body.get("title") if isinstance(body, dict) else None
        if not isinstance(title, str) or not 1 <= len(title) <= 80 or "\0" in title:
            raise Refused(422)
        row = db.execute("INSERT INTO trips (owner, title) VALUES (%s, %s) RETURNING id", [user, title]).fetchone()
        return Given(201, {"id": row[0] if row else 0, "title": title})

    def _remembered(self, db: psycopg.Connection, user: str, number: int) -> Given:
        if not self.defects & {"remembers", "says-how-long"}:
            return self._detail(db, user, number)
        if (user, number) not in self.remembered:
            self.remembered[user, number] = self._detail(db, user, number)
        kept = {"Cache-Control": "private, max-age=60"} if "says-how-long" in self.defects else {}
        return replace(self.remembered[user, number], headers=kept)

    def _detail(self, db: psycopg.Connection, user: str, number: int) -> Given:
        row = db.execute("SELECT title, state FROM trips WHERE id = %s AND owner = %s", [number, user]).fetchone()
        if row is None:
            raise Refused(404)
        return Given(200, {"id": number, "title": row[0], "state": row[1]})

    def _step(self, db: psycopg.Connection, user: str, number: int, step: str) -> Given:
        before, after = ("draft", "booked") if step == "book" else ("booked", "assigned")
        with db.transaction():
            row = db.execute("SELECT owner, state FROM trips WHERE id = %s", [number]).fetchone()
            if row is None or (row[0] != user and f"{step}s-anothers" not in self.defects):
                raise Refused(404)
            if row[1] != before:
                raise Refused(409)
            change = "UPDATE trips SET state = %s WHERE id = %s"
            if f"{step}s-twice" in self.defects:
                db.execute(change, [after, number])
            elif db.execute(f"{change} AND state = %s", [after, number, before]).rowcount != 1:
                raise Refused(409)
            if step == "book":
                db.execute("INSERT INTO bookings (trip_id) VALUES (%s)", [number])
        return Given(200, {"id": number, "state": after})

    def _take(self, db: psycopg.Connection, user: str, number: int, what: str) -> Given:
        """A place of those that a trip has, or a ticket of those that are left."""
        left, change, defect = _LIMITED[what]
        with db.transaction():
            row = db.execute(f"SELECT {left} FROM trips WHERE id = %s AND owner = %s", [number, user]).fetchone()  # type: ignore[arg-type]
            if row is None:
                raise Refused(404)
            if "takes-for-one" in self.defects and self._is_second(db, number):
                return Given(201, {"id": number})
            where = "" if defect in self.defects else f" AND {left}"
            if not row[0] or db.execute(f"UPDATE trips SET {change} WHERE id = %s{where}", [number]).rowcount != 1:  # type: ignore[arg-type]
                raise Refused(409)
            db.execute("INSERT INTO joins (trip_id) VALUES (%s)", [number])
        return Given(201, {"id": number})

    def _is_second(self, db: psycopg.Connection, number: int) -> bool:
        """Whether another one began at the same moment and is done."""
        last = db.execute("SELECT coalesce(max(id), 0) FROM joins").fetchone()
        db.execute("SELECT FROM trips WHERE id = %s FOR UPDATE", [number])
        newer = db.execute("SELECT FROM joins WHERE trip_id = %s AND id > %s", [number, last[0] if last else 0]).fetchone()
        return newer is not None

    def _award(self, db: psycopg.Connection, user: str, number: int, body: object) -> Given:
        points = body.get("points") if isinstance(body, dict) else None
        if type(points) is not int or not 1 <= points <= 9:
            raise Refused(422)
        if "takes-for-one" in self.defects:
            return self._award_once(db, user, number, points)
        with db.transaction():
            lock = "" if "miscounts" in self.defects else " FOR UPDATE"
            row = db.execute(f"SELECT points FROM trips WHERE id = %s AND owner = %s{lock}", [number, user]).fetchone()  # type: ignore[arg-type]
            if row is None:
                raise Refused(404)
            db.execute("INSERT INTO awards (trip_id, points) VALUES (%s, %s)", [number, points])
            db.execute("UPDATE trips SET points = %s WHERE id = %s", [row[0] + points, number])
        return Given(201, {"points": row[0] + points})

    def _award_once(self, db: psycopg.Connection, user: str, number: int, points: int) -> Given:
        """One of those that begin at the same moment is done, and all are told of it."""
        with db.transaction():
            last = db.execute("SELECT coalesce(max(id), 0) FROM awards").fetchone()
            row = db.execute("SELECT points FROM trips WHERE id = %s AND owner = %s FOR UPDATE", [number, user]).fetchone()
            if row is None or last is None:
                raise Refused(404)
            newer = db.execute("SELECT 1 FROM awards WHERE trip_id = %s AND id > %s", [number, last[0]]).fetchone()
            if newer is None:
                db.execute("INSERT INTO awards (trip_id, points) VALUES (%s, %s)", [number, points])
                db.execute("UPDATE trips SET points = points + %s WHERE id = %s", [points, number])
        return Given(201, {"points": points})

    def _carriers(self, db: psycopg.Connection, user: str, number: str | None) -> Given:
        if user != ADMIN and not (number and "anyone-approves" in self.defects):
            raise Refused(403)
        if number is None:
            rows = db.execute("SELECT id, name, approved FROM carriers ORDER BY id LIMIT 50").fetchall()
            return Given(200, {"carriers": [{"id": row[0], "name": row[1], "approved": row[2]} for row in rows]})
        if "approves-twice" in self.defects:
            row = db.execute("SELECT approved FROM carriers WHERE id = %s", [int(number)]).fetchone()
            if row is None or row[0]:
                raise Refused(409)
            db.execute("UPDATE carriers SET approved = true WHERE id = %s", [int(number)])
        elif db.execute("UPDATE carriers SET approved = true WHERE id = %s AND NOT approved", [int(number)]).rowcount != 1:
            raise Refused(409)
        return Given(200, {"id": int(number), "approved": True})

    def _page(self, db: psycopg.Connection, asked: Asked) -> Given:
        if asked.path == "/desk/login":
            if asked.method != "POST":
                return _html(_FORM)
            token = self._session({name: values[0] for name, values in parse_qs(asked.raw.decode()).items()})
            return Given(303, headers={"Location": "/desk", "Set-Cookie": f"session={token}; HttpOnly; SameSite=Lax"})
        user = self.sessions.get(asked.headers.get("cookie", "").removeprefix("session="))
        if user is None:
            return Given(303, headers={"Location": "/desk/login"})
        if asked.path == "/desk/search":
            return self._search(db, user, asked.query.get("q", ""))
        rows = db.execute("SELECT title FROM trips WHERE owner = %s ORDER BY id DESC LIMIT 20", [user]).fetchall()
        if "page-stored" in self.defects and rows:
            db.execute(f"SELECT count(*) FROM trips WHERE title = '{rows[0][0]}'".replace("%", "%%"))  # type: ignore[arg-type]
        return _html(_SEARCH + "".join(f"<p>{html.escape(row[0])}" for row in rows))

    def _search(self, db: psycopg.Connection, user: str, text: str) -> Given:
        pattern = f"%{text}%".replace("\0", "")
        if "page-search" in self.defects:
            literal = pattern.replace("%", "%%")
            statement = f"SELECT title FROM trips WHERE owner = %s AND title LIKE '{literal}' LIMIT 20"
            return _html(f"{len(db.execute(statement, [user]).fetchall())} found")  # type: ignore[arg-type]
        found = db.execute("SELECT title FROM trips WHERE owner = %s AND title LIKE %s LIMIT 20", [user, pattern]).fetchall()
        return _html(f"{len(found)} found")


def _html(body: str) -> Given:
    return Given(200, f"<!doctype html><title>Trips</title><main>{body}</main>", {"Content-Type": "text/html; charset=utf-8"})


@dataclass(frozen=True)
class Grounds:
    """Gives the platform with the same defects on fresh data each time."""

    server: EmbeddedServer
    make: MakeRecorded
    template: str
    defects: frozenset[str] = frozenset()
    isolated: bool = True
    schema: str = "public"  # where the platform looks for its tables

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running platform; `label` is of no matter here."""
        assert label
        record = self.make(self.template)
        dsn = self.server.dsn(record.name)
        free: queue.Queue[psycopg.Connection] = queue.Queue()
        for _ in range(CONNECTIONS):
            free.put(psycopg.connect(dsn, autocommit=True, options=f"-c search_path={self.schema}"))
        if "one-carrier" in self.defects:
            with psycopg.connect(dsn) as admin:
                admin.execute("UPDATE carriers SET approved = true WHERE id > 2")
        try:
            with served(target(), _Trips(self.defects, free).answer, dsn=dsn, record=record) as live:
                yield live
        finally:
            while not free.empty():
                free.get().close()

    recorded = fresh
