"""A small platform of its own over a real PostgreSQL, with defects that can be switched on one by one.

Buyers own orders; an order has lines and a history. Its threads share a few connections; a heartbeat asks the database by itself.
"""

from __future__ import annotations

import json
import queue
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg

from harness.model.target import Allow, Environment, Login, ObjectKind, Role, Target, User

PASSWORD = "Aa1" + secrets.token_hex(8)
BUYERS = ("alice", "bob")
HEARTBEAT_S = 0.3
CONNECTIONS = 4
DEFECTS = (
    "sql", "sql-stored", "per-row", "all-rows", "no-index", "write-on-read", "write-then-refuse", "two-transactions",
    "keeps-connection", "keeps-transaction", "stale-version", "whole-row", "no-constraint", "takes-rights",
    "forgets-keys", "closes-twice",
)  # fmt: skip
STORED_COLOUR = "sql-coloured"  # so does one member of two that a PUT stored
STORED_NOTE = "sql-noted"  # what a PATCH stored stands in a statement
PARSES_QUOTES = "parses-quotes"  # no defect: the driver refuses a statement whose quotes do not balance, and sends nothing
FAILS_AT_QUOTES = "fails-at-quotes"  # in what is stored, and sends nothing
TAKES_CUSTOMER = "takes-customer"  # a label may name the customer
PAGES_BY_KEY = "pages-by-key"  # no defect: what comes after an id
LOCKS_MOST = "locks-most"  # no defect: the state of most orders allows no note
ANY_LIMIT = "any-limit"  # as many rows as are asked for
KEEPS_FAILED = "keeps-failed"  # the transaction that stays open has failed
NO_HISTORY_INDEX = "no-history-index"  # writes look into the history, row after row
OF_REFUSED_WRITES = ("refuses-late", "hides-label")

SCHEMA = """
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
    id serial PRIMARY KEY, owner text NOT NULL, title text NOT NULL, note text NOT NULL DEFAULT '', version int NOT NULL DEFAULT 1,
    colour text NOT NULL DEFAULT '', label text NOT NULL DEFAULT '', is_admin boolean NOT NULL DEFAULT false,
    closed boolean NOT NULL DEFAULT false,
    customer_id int NOT NULL REFERENCES customers (id),
    CONSTRAINT one_title UNIQUE (owner, title));
CREATE INDEX orders_owner ON orders (owner, id);
CREATE TABLE lines (id serial PRIMARY KEY, order_id int NOT NULL REFERENCES orders (id), article text NOT NULL);
CREATE INDEX lines_order ON lines (order_id);
CREATE TABLE history (id serial PRIMARY KEY, order_id int NOT NULL REFERENCES orders (id), note text NOT NULL);
CREATE INDEX history_order ON history (order_id);
CREATE TABLE payments (
    id serial PRIMARY KEY, order_id int NOT NULL REFERENCES orders (id) ON DELETE CASCADE, key text, cents int NOT NULL, UNIQUE (key));
CREATE INDEX payments_order ON payments (order_id);
CREATE TABLE access_log (id serial PRIMARY KEY, path text NOT NULL);
INSERT INTO customers (name) SELECT 'Customer ' || n FROM generate_series(1, 40) AS n;
INSERT INTO orders (owner, title, customer_id) SELECT (ARRAY['alice', 'bob'])[1 + n % 2], 'Order ' || n, n FROM generate_series(1, 40) AS n;
UPDATE orders SET closed = true WHERE id > 4;
INSERT INTO lines (order_id, article) SELECT 1 + n % 40, 'Article ' || n FROM generate_series(1, 200) AS n;
"""  # noqa: E501 - SQL


def schema(defects: frozenset[str]) -> str:
    """The tables, without what a defect lacks."""
    text = SCHEMA.replace(",\n    CONSTRAINT one_title UNIQUE (owner, title)", "") if "no-constraint" in defects else SCHEMA
    for table in {"lines" * ("no-index" in defects), "history" * (NO_HISTORY_INDEX in defects)} - {""}:
        text = text.replace(f"CREATE INDEX {table}_order ON {table} (order_id);\n", "")
    return text


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Orders:
    """The platform. `defects` are of `DEFECTS`."""

    def __init__(self, dsn: str, defects: frozenset[str] = frozenset()) -> None:
        self.dsn, self.defects = dsn, defects
        self.tokens: dict[str, str] = {}
        self.kept: list[psycopg.Connection] = []
        self.ended = threading.Event()
        self.free: queue.Queue[psycopg.Connection] = queue.Queue()
        for _ in range(CONNECTIONS):
            self.free.put(psycopg.connect(dsn, autocommit=True))
        self.heart = threading.Thread(target=self._beat, daemon=True)
        self.heart.start()

    def _beat(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection, suppress(psycopg.Error):
            while not self.ended.wait(HEARTBEAT_S):
                connection.execute("SELECT count(*) FROM customers WHERE name = 'heartbeat'")

    def close(self) -> None:
        self.ended.set()
        self.heart.join(5)
        while not self.free.empty():
            self.free.get().close()
        for connection in self.kept:
            connection.close()

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        taken = self.free.get(timeout=10)
        try:
            yield taken
        finally:
            self.free.put(taken)

    def answer(self, method: str, path: str, body: Any, token: str, query: str, key: str = "") -> tuple[int, Any]:
        """Status and body of one request; `key` is its `Idempotency-Key`."""
        asked = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        if (method, path) == ("GET", "/health"):
            return 200, {}
        try:
            with self.connection() as db:
                if (method, path) == ("POST", "/sessions"):
                    return self._log_in(body)
                user = self.tokens.get(token)
                if user is None:
                    raise Refused(401)
                db.execute("INSERT INTO access_log (path) VALUES (%s)", [path[:200]])
                if method == "POST" and (found := re.fullmatch(r"/orders/(\d{1,9})/payments", path)):
                    return self._pay(db, user, int(found[1]), body, key)
                return self._routed(db, method, path, body, user, asked)
        except Refused as refused:
            return refused.status, {"error": "refused"}
        except psycopg.Error:
            return 500, {"error": "sorry"}

    def _routed(
        self, db: psycopg.Connection, method: str, path: str, body: Any, user: str, asked: dict[str, str]
    ) -> tuple[int, Any]:
        found = re.fullmatch(r"/orders/(\d{1,9})(/\w+)?", path)
        routes: dict[tuple[str, str], Callable[[], tuple[int, Any]]] = {
            ("GET", "/orders"): lambda: self._list(db, user, asked),
            ("POST", "/orders"): lambda: self._add(db, user, body),
            ("GET", "/counts"): lambda: self._counts(db, user),
        }
        if found:
            number, rest = int(found[1]), found[2] or ""
            routes |= {
                ("GET", path): {
                    "": lambda: self._detail(db, user, number),
                    "/lines": lambda: self._lines(db, user, number),
                    "/namesakes": lambda: self._namesakes(db, user, number),
                }.get(rest, lambda: (404, None)),
                ("DELETE", path): lambda: self._remove(db, user, number),
                ("PATCH", path): lambda: self._note(db, user, number, body),
                ("PUT", path): lambda: self._label(db, user, number, body),
                ("POST", f"/orders/{number}/close"): lambda: self._close(db, user, number),
            }
        return routes.get((method, path), lambda: (404, {"error": "no such path"}))()

    def _log_in(self, body: Any) -> tuple[int, Any]:
        name = body.get("user") if isinstance(body, dict) else None
        if not isinstance(name, str) or name not in BUYERS or body.get("pass") != PASSWORD:
            raise Refused(401)
        token = secrets.token_hex(16)
        self.tokens[token] = name
        return 200, {"token": token}

    def _list(self, db: psycopg.Connection, user: str, asked: dict[str, str]) -> tuple[int, Any]:
        limit = int(asked["limit"]) if asked.get("limit", "").isdigit() else 20
        if not 1 <= limit <= (10**9 if ANY_LIMIT in self.defects else 50):
            raise Refused(422)
        statement = (
            "SELECT o.id, o.title, o.customer_id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id"
            " WHERE o.owner = %s AND o.title ILIKE %s ORDER BY o.id"
        )
        pattern = f"%{asked.get('q', '')}%"
        values: list[Any] = [user, pattern]
        if "sql" in self.defects:
            statement = statement.replace("ILIKE %s", f"ILIKE '{pattern.replace('%', '%%')}'")
            values = [user]
            self._parse(statement)
        if "all-rows" in self.defects:
            rows = db.execute(statement, values).fetchall()[:limit]
        else:
            rows = db.execute(statement + " LIMIT %s", [*values, limit]).fetchall()
        if "per-row" in self.defects:
            for row in rows:
                db.execute("SELECT name FROM customers WHERE id = %s", [row[2]])
        return 200, {"items": [{"id": row[0], "title": row[1], "customer": row[3]} for row in rows]}

    def _parse(self, statement: str) -> None:
        """As some drivers do before they send anything."""
        if PARSES_QUOTES in self.defects and statement.count("'") % 2:
            raise psycopg.ProgrammingError("a literal does not end")

    def _add(self, db: psycopg.Connection, user: str, body: Any) -> tuple[int, Any]:
        title = body.get("title") if isinstance(body, dict) else None
        if not isinstance(title, str) or not title:
            raise Refused(422)
        taken = "SELECT 1 FROM orders WHERE owner = %s AND title = %s"
        if "no-constraint" in self.defects and db.execute(taken, [user, title]).fetchone():
            raise Refused(409)
        try:
            row = db.execute(
                "INSERT INTO orders (owner, title, customer_id) VALUES (%s, %s, 1) RETURNING id", [user, title]
            ).fetchone()
        except psycopg.errors.UniqueViolation:
            raise Refused(409) from None
        assert row is not None
        return 201, {"id": row[0], "title": title}

    def _row(self, db: psycopg.Connection, user: str, number: int) -> tuple[Any, ...]:
        columns = "id, title, note, version, colour, label"
        row = db.execute(f"SELECT {columns} FROM orders WHERE id = %s AND owner = %s", [number, user]).fetchone()
        if row is None:
            raise Refused(404)
        return row

    def _detail(self, db: psycopg.Connection, user: str, number: int) -> tuple[int, Any]:
        row = self._row(db, user, number)
        if "write-on-read" in self.defects:
            db.execute("UPDATE orders SET note = note || '.' WHERE id = %s", [number])
        shown = ("id", "title", "note", "version", "colour", "label")[: 4 if "hides-label" in self.defects else None]
        return 200, dict(zip(shown, row, strict=False))

    def _lines(self, db: psycopg.Connection, user: str, number: int) -> tuple[int, Any]:
        row = self._row(db, user, number)
        statement = "SELECT id, article FROM lines WHERE order_id = %s LIMIT 50"
        if PAGES_BY_KEY in self.defects:
            statement = statement.replace("LIMIT", "AND id > 0 ORDER BY id LIMIT")
        if {STORED_NOTE, STORED_COLOUR} & self.defects:
            note = row[2 if STORED_NOTE in self.defects else 4].replace("%", "%%")
            statement = statement.replace("LIMIT", f"AND '{note}' IS NOT NULL LIMIT")
            self._parse(statement)
        rows = db.execute(statement, [number]).fetchall()
        return 200, {"items": [{"id": row[0], "article": row[1]} for row in rows]}

    def _namesakes(self, db: psycopg.Connection, user: str, number: int) -> tuple[int, Any]:
        row = self._row(db, user, number)
        if self.defects & {"keeps-transaction", KEEPS_FAILED}:
            self.kept.append(psycopg.connect(self.dsn))
            with suppress(psycopg.DataError):
                self.kept[-1].execute("SELECT 1 / count(*) FROM customers WHERE %s", [KEEPS_FAILED not in self.defects])
        if FAILS_AT_QUOTES in self.defects and "'" in row[1]:
            raise psycopg.ProgrammingError("a literal does not end")
        count = "SELECT count(*) FROM orders WHERE owner = %s AND title = "
        if "sql-stored" in self.defects:
            statement = f"{count}'{row[1].replace('%', '%%')}'"
            self._parse(statement)
            found = db.execute(statement, [user]).fetchone()
        else:
            found = db.execute(f"{count}%s", [user, row[1]]).fetchone()
        return 200, {"count": found[0] if found else 0}

    def _counts(self, db: psycopg.Connection, user: str) -> tuple[int, Any]:
        if "keeps-connection" in self.defects:
            self.kept.append(psycopg.connect(self.dsn, autocommit=True))
            self.kept[-1].execute("SELECT count(*) FROM customers")
        row = db.execute("SELECT count(*) FROM orders WHERE owner = %s", [user]).fetchone()
        return 200, {"orders": row[0] if row else 0}

    def _note(self, db: psycopg.Connection, user: str, number: int, body: Any) -> tuple[int, Any]:
        if not isinstance(body, dict) or not isinstance(body.get("note"), str) or not isinstance(body.get("version"), int):
            raise Refused(422)
        if "two-transactions" in self.defects:
            self._noted(db, user, number, body)
        else:
            with db.transaction():
                self._noted(db, user, number, body)
        return 200, {"id": number, "version": body["version"] + 1}

    def _remove(self, db: psycopg.Connection, user: str, number: int) -> tuple[int, Any]:
        if "write-then-refuse" in self.defects:
            db.execute("DELETE FROM lines WHERE order_id = %s", [number])
        with db.transaction():
            self._row(db, user, number)
            for table in ("lines", "history"):
                db.execute(f"DELETE FROM {table} WHERE order_id = %s", [number])
            db.execute("DELETE FROM orders WHERE id = %s", [number])
        return 200, {"removed": number}

    def _noted(self, db: psycopg.Connection, user: str, number: int, body: dict[str, Any]) -> None:
        row = self._row(db, user, number)
        if LOCKS_MOST in self.defects and number % 10 not in (7, 8):
            raise Refused(409)
        if row[3] != body["version"]:
            raise Refused(409)
        change = "UPDATE orders SET note = %s, version = version + 1 WHERE id = %s"
        if "stale-version" in self.defects:
            db.execute(change, [body["note"], number])
        elif db.execute(f"{change} AND version = %s", [body["note"], number, body["version"]]).rowcount != 1:
            raise Refused(409)
        db.execute("SELECT count(*) FROM history WHERE order_id = %s", [number])
        db.execute("INSERT INTO history (order_id, note) VALUES (%s, %s)", [number, body["note"]])

    def _pay(self, db: psycopg.Connection, user: str, number: int, body: Any, key: str) -> tuple[int, Any]:
        cents = body.get("cents") if isinstance(body, dict) else None
        if not isinstance(cents, int) or isinstance(cents, bool) or not 1 <= cents <= 100_000:
            raise Refused(422)
        self._row(db, user, number)
        values = [number, None if "forgets-keys" in self.defects else key or None, cents]
        insert = "INSERT INTO payments (order_id, key, cents) VALUES (%s, %s, %s) ON CONFLICT (key) DO NOTHING RETURNING id"
        made = db.execute(insert, values).fetchone()
        if made is None:
            made = db.execute("SELECT id FROM payments WHERE key = %s", [key]).fetchone()
        return 201, {"id": made[0] if made else 0}

    def _close(self, db: psycopg.Connection, user: str, number: int) -> tuple[int, Any]:
        self._row(db, user, number)
        with db.transaction():
            row = db.execute("SELECT closed FROM orders WHERE id = %s", [number]).fetchone()
            once = "" if "closes-twice" in self.defects else " AND NOT closed"
            done = db.execute(f"UPDATE orders SET closed = true WHERE id = %s{once}", [number]).rowcount
            if row is None or row[0] or not done:
                raise Refused(409)
            db.execute("INSERT INTO history (order_id, note) VALUES (%s, 'closed')", [number])
        return 200, {"id": number}

    def _label(self, db: psycopg.Connection, user: str, number: int, body: Any) -> tuple[int, Any]:
        if "refuses-late" in self.defects and isinstance(body, dict):
            db.execute("UPDATE orders SET label = %s WHERE id = %s", [str(body.get("label", "")), number])
        row = self._row(db, user, number)
        if not isinstance(body, dict) or not all(isinstance(body.get(name, ""), str) for name in ("colour", "label")):
            raise Refused(422)
        colour, label = body.get("colour"), body.get("label")
        if "whole-row" in self.defects:
            colour, label = colour or row[4], label or row[5]
        db.execute(
            "UPDATE orders SET colour = coalesce(%s, colour), label = coalesce(%s, label) WHERE id = %s", [colour, label, number]
        )
        if "takes-rights" in self.defects and isinstance(body.get("is_admin"), bool):
            db.execute("UPDATE orders SET is_admin = %s WHERE id = %s", [body["is_admin"], number])
        if TAKES_CUSTOMER in self.defects and isinstance(body.get("customer_id"), int):
            db.execute("UPDATE orders SET customer_id = %s WHERE id = %s", [body["customer_id"], number])
        return 200, {"id": number}


class _Handler(BaseHTTPRequestHandler):
    platform: Orders

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        token = (self.headers.get("authorization") or "").removeprefix("Bearer").strip()
        path, _, query = self.path.partition("?")
        key = self.headers.get("idempotency-key") or ""
        status, answer = self.platform.answer(self.command, path, body, token, query, key)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def target(base_url: str) -> Target:
    """The platform as a target."""
    login = Login("json", "/sessions", {"user": "{username}", "pass": "{password}"}, token="$.token")
    users = tuple(User(name, username, PASSWORD) for name, username in zip(("one", "two"), BUYERS, strict=True))
    return Target(
        "orders",
        "Orders",
        Environment.LOCAL,
        Path(),
        ("127.0.0.1",),
        Allow(writes=True),
        (Role("buyer", login, users, rank=1),),
        base_url=base_url,
        health_path="/health",
        objects=(ObjectKind("order", "buyer", ("order_id",), "/orders", "$.items[*].id", table="orders"),),
        bookkeeping_tables=("public.access_log",),
    )


@contextmanager
def served(dsn: str, defects: frozenset[str]) -> Iterator[str]:
    """The platform on a free port of the loopback; its address."""
    platform = Orders(dsn, defects)
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
        platform.close()
