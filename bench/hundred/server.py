"""Serves the hundred operations from memory: `python -m bench.hundred.server HOST PORT`."""

from __future__ import annotations

import hmac
import itertools
import json
import os
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.hundred.document import KINDS, STATES

USERS = ("one@example.test", "two@example.test")
PAGE = 20
_SEEDED = 30
_ID_MAX = 2_147_483_647
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

numbers = itertools.count(1)
sessions: dict[str, str] = {}
things: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in KINDS}
owners: dict[int, str] = {}


class Refusal(Exception):
    """A refusal with its status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Hundred(BaseHTTPRequestHandler):
    """The routes: a log-in, and five operations for each kind."""

    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        """Answers a request of any method."""
        try:
            self.answer(*self.result())
        except Refusal as refusal:
            self.answer(refusal.status, {"error": refusal.text})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = do_TRACE = handle_any

    def result(self) -> tuple[int, Any]:
        """Status and body."""
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(min(length, 1 << 20))
        address = urlsplit(self.path)
        if address.path == "/health":
            return 200, {"status": "ok"}
        if address.path == "/login":
            return self.log_in(raw)
        kind, _, number = address.path.strip("/").partition("/")
        if kind not in things or (number and "/" in number):
            raise Refusal(404, "there is no such thing")
        allowed = ("GET", "PUT", "DELETE") if number else ("GET", "POST")
        if self.command not in allowed:
            raise Refusal(405, "this method is not allowed here")
        user = sessions.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        if user is None:
            raise Refusal(401, "log in first")
        if number:
            return self.one(kind, user, number, raw)
        return self.listed(kind, user, address.query) if self.command == "GET" else self.made(kind, user, raw)

    def log_in(self, raw: bytes) -> tuple[int, Any]:
        """A session for the right password."""
        if self.command != "POST":
            raise Refusal(405, "this method is not allowed here")
        sent = self.body(raw, ("email", "password"))
        if not all(isinstance(value, str) and len(value) <= 80 for value in sent.values()):
            raise Refusal(422, "both are texts")
        right = hmac.compare_digest(sent["password"].encode("utf-8", "replace"), os.environ["HUNDRED_PASSWORD"].encode())
        if not right or sent["email"] not in USERS:
            raise Refusal(401, "address or password is wrong")
        token = secrets.token_hex(24)
        sessions[token] = sent["email"]
        return 200, {"token": token}

    def body(self, raw: bytes, members: tuple[str, ...]) -> dict[str, Any]:
        """The members of a JSON body, all of them and no other."""
        if (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "the body must be JSON")
        try:
            sent = json.loads(raw)
        except (ValueError, RecursionError):
            raise Refusal(400, "the body is not JSON") from None
        if not isinstance(sent, dict) or set(sent) != set(members):
            raise Refusal(422, f"wanted {', '.join(members)}")
        return sent

    def new(self, raw: bytes) -> dict[str, Any]:
        """A thing as it is sent."""
        sent = self.body(raw, ("title", "amount", "state"))
        title, amount = sent["title"], sent["amount"]
        good = isinstance(title, str) and 1 <= len(title) <= 80 and type(amount) in (int, float) and 0 <= amount <= 1_000_000
        if not good or amount != int(amount) or sent["state"] not in STATES:
            raise Refusal(422, "it is not valid")
        return {**sent, "amount": int(amount)}

    def made(self, kind: str, user: str, raw: bytes) -> tuple[int, Any]:
        """A new thing."""
        return 201, store(kind, user, self.new(raw))

    def listed(self, kind: str, user: str, query: str) -> tuple[int, Any]:
        """A page of one's own."""
        asked = parse_qs(query, keep_blank_values=True)
        page, state = asked.get("page", ["1"]), asked.get("state", [None])
        if len(page) > 1 or len(state) > 1 or not (page[0].isascii() and page[0].isdigit() and 1 <= int(page[0][:9]) <= 1000):
            raise Refusal(422, "page is a number from 1 to 1000")
        if state[0] not in (None, *STATES):
            raise Refusal(422, "state is not known")
        own = [t for t in list(things[kind].values()) if owners[t["id"]] == user and state[0] in (None, t["state"])]
        start = (int(page[0]) - 1) * PAGE
        return 200, {"items": own[start : start + PAGE]}

    def one(self, kind: str, user: str, number: str, raw: bytes) -> tuple[int, Any]:
        """One of one's own: read, changed or deleted."""
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:12]) <= _ID_MAX):
            raise Refusal(422, "an id is a whole number from 1")
        sent = self.new(raw) if self.command == "PUT" else {}
        thing = things[kind].get(int(number))
        if thing is None or owners[int(number)] != user:
            raise Refusal(404, "there is no such thing")
        if self.command == "DELETE":
            things[kind].pop(int(number), None)
            return 204, None
        thing.update(sent)
        return 200, thing

    def answer(self, status: int, content: Any) -> None:
        """Sends it."""
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response_only(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if content is not None:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:  # noqa: D102 - as its base
        pass


def store(kind: str, user: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Keeps a new thing of a user."""
    thing = {"id": next(numbers), **sent}
    things[kind][thing["id"]], owners[thing["id"]] = thing, user
    return thing


if __name__ == "__main__":
    for a_kind in KINDS:
        for n in range(_SEEDED):
            store(a_kind, USERS[n % 2], {"title": f"{a_kind} {n}", "amount": n, "state": STATES[n % 3]})
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Hundred).serve_forever()
