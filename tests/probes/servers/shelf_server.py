"""A small platform behind a path of its own (`/v1`): form log-in with a cookie, versions in `ETag`, reviews below books, roles in
its accounts. Nothing in its document says more than the usual; defects are switched on by name."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from harness.model.target import Allow, Environment, Login, OperationHint, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget

PASSWORD = f"Pass-{secrets.token_hex(8)}-1"
_OK: dict[str, Any] = {"200": {"description": "done"}}
_TEXT = {"type": "string", "minLength": 1}


def _body(media_type: str = "application/json", **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}
    return {"required": True, "content": {media_type: {"schema": schema}}}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}


_FORM = "application/x-www-form-urlencoded"
_USER = {"type": "object", "properties": {"role": {"type": "string", "enum": ["reader", "keeper"]}}}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Shelf", "version": "1"},
        "servers": [{"url": "/v1"}],
        "security": [{"sid": []}],
        "components": {
            "securitySchemes": {"sid": {"type": "apiKey", "in": "cookie", "name": "sid"}},
            "schemas": {"User": _USER},
        },
        "paths": {
            "/session": {
                "post": {"security": [], "requestBody": _body(_FORM, login=_TEXT, secret=_TEXT), "responses": _OK},
                "delete": {"responses": _OK},
            },
            "/me": {
                "get": {"responses": _OK},
                "patch": {"requestBody": _body(name=_TEXT), "responses": _OK},
            },
            "/me/password": {
                "post": {"requestBody": _body(old=_TEXT, new={"type": "string", "minLength": 10}), "responses": _OK}
            },
            "/books": {"get": {"security": [], "responses": _OK}},
            "/books/{bookId}": {
                "parameters": [_path("bookId")],
                "get": {"security": [], "responses": _OK},
                "put": {
                    "requestBody": _body(title=_TEXT),
                    "responses": {**_OK, "412": {"description": "stale"}, "428": {"description": "version"}},
                },
            },
            "/books/{bookId}/reviews": {
                "parameters": [_path("bookId")],
                "post": {"requestBody": _body(text=_TEXT), "responses": {"201": {"description": "made"}}},
            },
            "/reviews/{reviewId}": {"parameters": [_path("reviewId")], "delete": {"responses": _OK}},
            "/out": {
                "get": {
                    "security": [],
                    "parameters": [{"name": "wither", "in": "query", "schema": _TEXT}],
                    "responses": {"303": {"description": "there"}},
                }
            },
        },
    },
    "shelf.openapi.yaml",
)


@dataclass
class Shelf:
    """The platform's whole state."""

    defects: frozenset[str] = frozenset()
    users: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            name: {"login": name, "name": name, "role": role, "secret": PASSWORD}
            for name, role in (("ann", "reader"), ("ben", "reader"), ("kim", "keeper"))
        }
    )
    sessions: dict[str, str] = field(default_factory=dict)
    version: int = 1
    reviews: dict[int, str] = field(default_factory=dict)

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, sid: str, match: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON and headers."""
        user = self.users.get(self.sessions.get(sid, ""))
        if (method, path) == ("POST", "/session"):
            return self._log_in(body)
        if method == "GET" and path in ("/books", "/books/1"):
            book = {"id": 1, "title": "One"}
            return (200, {"items": [book]}, {}) if path == "/books" else (200, book, {"ETag": f'"{self.version}"'})
        if path == "/out":
            to = query.get("wither", ["/"])[0]
            return 303, None, {"Location": to if "any-redirect" in self.defects else "/v1/books"}
        if path in ("/debug/env", "/debug"):
            return (200, {"PATH": "/bin"}, {}) if "debug" in self.defects else (404, {"error": "none"}, {})
        if user is None and path == "/me/password" and "password-of-anybody" in self.defects:
            user = self.users["ann"]
        if user is None:
            return 401, {"error": "log in"}, {}
        return self._as(user, method, path, body, sid, match)

    def _log_in(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        user = self.users.get(body.get("login", "")) if isinstance(body, dict) else None
        if user is None or (user["secret"] != body.get("secret") and "any-password" not in self.defects):
            return 401, {"error": "refused"}, {}
        sid = secrets.token_hex(16)
        self.sessions[sid] = user["login"]
        return 200, {}, {"Set-Cookie": f"sid={sid}; HttpOnly; Secure; SameSite=Lax; Path=/"}

    def _as(
        self, user: dict[str, str], method: str, path: str, body: Any, sid: str, match: str
    ) -> tuple[int, Any, dict[str, str]]:
        shown = {"login": user["login"], "name": user["name"], "role": user["role"]}
        if path == "/me":
            return self._me(user, method, body, shown)
        if (method, path) == ("DELETE", "/session"):
            if "log-out-keeps" not in self.defects:
                del self.sessions[sid]
            return 200, {}, {}
        if path == "/me/password" and isinstance(body, dict):
            return self._password(user, body)
        if (method, path) == ("PUT", "/books/1"):
            return self._put(user, match)
        if (method, path) == ("POST", "/books/1/reviews"):
            self.reviews[len(self.reviews) + 7] = user["login"]
            return 201, {"id": len(self.reviews) + 6}, {}
        if method == "DELETE" and path.startswith("/reviews/"):
            number = int(path.rsplit("/", 1)[-1])
            return (200, {}, {}) if self.reviews.pop(number, None) == user["login"] else (404, {"error": "none"}, {})
        return 404, {"error": "none"}, {}

    def _me(self, user: dict[str, str], method: str, body: Any, shown: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        if method == "PATCH" and isinstance(body, dict):
            if "takes-role" in self.defects and body.get("role") in ("reader", "keeper"):
                user["role"] = body["role"]
            elif set(body) - {"name"}:
                return 422, {"error": "unknown member"}, {}
            shown = {**shown, "role": user["role"]}
        hash_ = {"hash": "9f" * 32} if "shows-hash" in self.defects else {}
        return 200, {**shown, **hash_}, {}

    def _password(self, user: dict[str, str], body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if body.get("old") != user["secret"] and "any-old-password" not in self.defects:
            return 403, {"error": "the old one is wrong"}, {}
        if "old-password-stays" not in self.defects:
            user["secret"] = str(body.get("new"))
        if "password-keeps" not in self.defects:
            self.sessions = {sid: login for sid, login in self.sessions.items() if login != user["login"]}
        return 200, {}, {}

    def _put(self, user: dict[str, str], match: str) -> tuple[int, Any, dict[str, str]]:
        if user["role"] != "keeper" and "anybody-writes" not in self.defects:
            return 403, {"error": "keepers only"}, {}
        if match != f'"{self.version}"':
            return (412 if match else 428), {"error": "which version?"}, {}
        self.version += 1
        return 200, {"id": 1}, {}


class _Handler(BaseHTTPRequestHandler):
    shelf: Shelf
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        sid = (self.headers.get("cookie") or "").partition("sid=")[2].partition(";")[0]
        status, answer, headers = 404, {"error": "none"}, {}
        if path.startswith("/v1"):
            match = self.headers.get("if-match") or ""
            status, answer, headers = self.shelf.answer(
                self.command, path.removeprefix("/v1"), parse_qs(query), self._body(raw), sid, match
            )
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value.replace("\r", "").replace("\n", ""))
        self.end_headers()
        self.wfile.write(content)

    def _body(self, raw: bytes) -> Any:
        try:
            if "urlencoded" in (self.headers.get("content-type") or ""):
                return {name: values[0] for name, values in parse_qs(raw.decode()).items()}
            return json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            return None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def _target(base_url: str) -> Target:
    login = Login("form", "/v1/session", {"login": "{username}", "secret": "{password}"}, cookie="sid")
    reader = Role("reader", login, (User("ann", "ann", PASSWORD), User("ben", "ben", PASSWORD)), rank=1)
    keeper = Role("keeper", login, (User("kim", "kim", PASSWORD),), rank=2)
    hints = (OperationHint("PUT /books/{bookId}", roles=("keeper",)),)
    return Target(
        "shelf", "Shelf", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), (reader, keeper),
        base_url=base_url, health_path="/v1/books", operations=hints,
    )  # fmt: skip


@contextmanager
def served(*defects: str) -> Iterator[LiveTarget]:
    """The platform on a free port of the loopback."""
    handler = type("Handler", (_Handler,), {"shelf": Shelf(frozenset(defects))})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        base_url = f"http://127.0.0.1:{server.server_address[1]}"
        yield LiveTarget(_target(base_url), base_url)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@dataclass
class Shelves:
    """Gives a platform with the same defects and fresh data each time."""

    defects: tuple[str, ...] = ()
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running platform; `label` is of no matter here."""
        assert label
        with served(*self.defects) as live:
            yield live
