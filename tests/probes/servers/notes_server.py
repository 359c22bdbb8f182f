"""A small platform that is not the reference one, with defects that can be switched on: opaque or signed tokens, UUIDs, DELETE.

Members own notes; staff see all users. Its document says nothing of roles but for the scheme `staffToken`.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

from harness.model.target import Allow, Environment, Login, ObjectKind, OperationHint, Role, Target, User
from harness.probes.http.forging import read_jwt, signed
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget

PASSWORD = "Aa1" + secrets.token_hex(8)
BEARER = {"type": "http", "scheme": "bearer"}
NOTE = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "minLength": 1},
        "state": {"enum": ["open", "done", "later"]},
        "link": {"type": "string", "format": "uri", "example": "https://site.example/feed"},
    },
}
LATE_S = 0.5  # that a list is behind
TRACE = 'Traceback (most recent call last): File "/app/notes.py", line 3'
Q = {"name": "q", "in": "query", "schema": {"type": "string"}}
LISTED = {"holds-host": r"site\.example", "ends-with-host": r"site\.example$", "begins-with-host": r"^https?://site\.example"}
ID = {"name": "note_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def _operation(security: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"responses": {"default": {"description": "any"}}, **({} if security is None else {"security": security}), **more}


def _json(schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


MEMBER = [{"token": []}]
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Notes", "version": "1"},
        "paths": {
            "/sessions": {
                "post": _operation(
                    requestBody=_json({"type": "object", "properties": {"user": {"type": "string"}, "pass": {"type": "string"}}})
                )
            },
            "/sessions/current": {"delete": _operation(MEMBER, summary="Log out")},
            "/go": {"get": _operation(parameters=[{"name": "next", "in": "query", "schema": {"type": "string"}}])},
            "/notes": {"get": _operation(MEMBER, parameters=[Q]), "post": _operation(MEMBER, requestBody=_json(NOTE))},
            "/notes/{note_id}": {
                "parameters": [ID],
                "get": _operation(MEMBER),
                "patch": _operation(MEMBER, requestBody=_json(NOTE)),
                "delete": _operation(MEMBER),
            },
            "/summary": {"get": _operation(MEMBER)},
            "/found": {"get": _operation(MEMBER, parameters=[{**Q, "required": True}])},
            "/staff/users": {"get": _operation([{"staffToken": []}])},
        },
        "components": {"securitySchemes": {"token": BEARER, "staffToken": BEARER}},
    }
)


@dataclass
class Platform:
    """The platform's whole state. `defects` switch its guards off, by name."""

    defects: frozenset[str] = frozenset()
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    revoked: set[str] = field(default_factory=set)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)  # when it went, of what is listed still, but for its own address
    requests: list[tuple[str, str]] = field(default_factory=list)
    dies_after: int = 0  # requests; 0: never

    def __post_init__(self) -> None:
        for owner in () if self.has("empty") else ("alice", "bob"):
            for number in range(4):
                identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{owner}{number}"))
                self.notes[identity] = {
                    "id": identity,
                    "title": f"Of {owner} number {number}",
                    "state": "open",
                    "phone": f"+1 202 555 01{number}{len(owner)}",
                    "made": f"2026-01-0{number + 1}T00:00:00Z",
                    "owner": owner,
                    "code": f"N-{number}{owner[:2]}7",
                }

    def has(self, defect: str) -> bool:
        return defect in self.defects

    def answer(self, method: str, path: str, body: Any, token: str, query: str = "") -> tuple[int, Any]:
        """Status and body of one request; a redirect's body is its address."""
        self.requests.append((method, path))
        if self.dies_after and len(self.requests) > self.dies_after:
            raise ConnectionAbortedError
        if (method, path) == ("POST", "/sessions"):
            return self._log_in(body)
        if (broken := self._broken(path, body)) is not None:
            return broken
        asked = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        if (method, path) == ("GET", "/go"):
            onward = asked.get("next", "/")
            return 302, onward if self.has("redirects") or re.fullmatch(r"/[\w-]*", onward) else "/"
        user = self._user(token)
        if user is None and self.has("nobody-is-alice") and method == "PATCH":
            user = "alice"
        if user is None and not (self.has("anonymous-read") and method == "GET" and path.startswith("/notes/")):
            return 401, {"error": "log in"}
        if (method, path) == ("GET", "/notes") and "q" in asked:
            return self._searched(user or "", asked["q"])
        if (method, path) == ("GET", "/found"):
            return (200, {"items": self._with(user or "", asked["q"])}) if asked.get("q") else (422, {"error": "q"})
        return self._known(method, path, body, user or "", token)

    def _broken(self, path: str, body: Any) -> tuple[int, Any] | None:
        """What a defect answers before anything is checked."""
        known = {*NOTE["properties"], *(name for name in ("owner", "is_admin") if self.has(f"knows-{name}"))}
        is_strange = isinstance(body, dict) and path.startswith("/notes") and bool(set(body) - known)
        if is_strange and self.has("strict"):
            return 422, {"error": "a member is unknown"}
        if isinstance(body, list) and self.has("dies-on-list"):
            self.dies_after = len(self.requests) - 1
            raise ConnectionAbortedError
        if (is_strange and self.has("dies-on-strange")) or (path == "/.env" and self.has("dies-on-env")):
            self.dies_after = max(1, len(self.requests) - 1)
            raise ConnectionAbortedError
        if isinstance(body, list) and self.has("fails-on-list"):
            return 500, {"error": TRACE if self.has("tells-inside") else "sorry"}
        if isinstance(body, list) and self.has("tells-inside"):
            return 400, {"error": TRACE}
        if path == "/.env" and self.has("settings-open"):
            return 200, "DATABASE_URL=postgres"
        return (200, "<html>welcome</html>") if path == "/.env" and self.has("page-for-all") else None

    def _with(self, user: str, text: str) -> list[dict[str, Any]]:
        anybodys = [note for note in self.notes.values() if self.has("code-of-all") and text in str(note.get("code"))]
        return [note for note in self._of(user, "found") if text in str(note["title"])] + anybodys

    def _searched(self, user: str, text: str) -> tuple[int, Any]:
        """Notes whose title holds the text, by a statement of a real database."""
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute("CREATE TABLE notes (id TEXT, title TEXT, owner TEXT)")
            rows = [(n["id"], n["title"], user if self.has("search-of-all") else n["owner"]) for n in self.notes.values()]
            database.executemany("INSERT INTO notes VALUES (?, ?, ?)", rows)
            statement = "SELECT id FROM notes WHERE owner = ? AND title LIKE ?"
            if self.has("sql") or self.has("sql-quiet"):
                statement = f"SELECT id FROM notes WHERE owner = '{user}' AND title LIKE '{text}'"  # the defect
            try:
                found = database.execute(statement, () if "?" not in statement else (user, f"%{text}%")).fetchall()
            except (sqlite3.Error, sqlite3.Warning):
                return (200, {"items": []}) if self.has("sql-quiet") else (500, {"error": "sorry"})
        return 200, {"items": [self.notes[row[0]] for row in found]}

    def _known(self, method: str, path: str, body: Any, user: str, token: str) -> tuple[int, Any]:
        routes: dict[tuple[str, str], Callable[[], tuple[int, Any]]] = {
            ("DELETE", "/sessions/current"): lambda: self._log_out(token),
            ("GET", "/notes"): lambda: (200, {"items": self._of(user, "list")}),
            ("POST", "/notes"): lambda: self._add(body, user),
            ("GET", "/summary"): lambda: (200, {"open": sum(n["state"] == "open" for n in self._of(user, "summary"))}),
            ("GET", "/staff/users"): lambda: self._users(user),
        }
        if (method, path) in routes:
            return routes[method, path]()
        if path.startswith("/notes/") and method in ("GET", "PATCH", "DELETE"):
            return self._note(method, path.removeprefix("/notes/"), body, user)
        return 404, {"error": "no such path"}

    def _log_in(self, body: Any) -> tuple[int, Any]:
        known = isinstance(body, dict) and body.get("user") in ("alice", "bob", "sam")
        if not isinstance(body, dict) or not known or body.get("pass") != PASSWORD:
            return self._log_in_refused(known=known)
        claims = {"sub": body["user"], "jti": secrets.token_hex(8), "iat": int(time.time()), "exp": int(time.time()) + 600}
        key = "secret" if self.has("weak-key") else self.key
        return 200, {"data": {"access": signed({"alg": "HS256", "typ": "JWT"}, claims, key.encode())}}

    def _log_in_refused(self, *, known: bool) -> tuple[int, Any]:
        if known and self.has("tells-time"):
            time.sleep(0.012)
        if self.has("tells-text"):
            return 401, {"error": "wrong password" if known else "no such user"}
        return (404 if not known and self.has("tells-status") else 401), {"error": "wrong"}

    def _user(self, token: str) -> str | None:
        jwt = read_jwt(token)
        if jwt is None or jwt.claims.get("jti") in self.revoked:
            return None
        key = "secret" if self.has("weak-key") else self.key
        header = {"alg": "HS256", "typ": "JWT"}
        good = self.has("any-signature") or signed(header, jwt.claims, key.encode()) == token
        return str(jwt.claims["sub"]) if good and (self.has("no-expiry") or jwt.claims.get("exp", 0) > time.time()) else None

    def _log_out(self, token: str) -> tuple[int, Any]:
        jwt = read_jwt(token)
        if jwt is not None and not self.has("no-revocation"):
            self.revoked.add(jwt.claims["jti"])
        return 204, None

    def _of(self, user: str, what: str) -> list[dict[str, Any]]:
        published = user == "sam" and self.has("published")  # to staff, in its list and one by one
        late = {each for each, since in self.gone.items() if self.has("lists-late") and time.monotonic() - since > LATE_S}
        shown = (note for identity, note in self.notes.items() if identity not in late)
        return [note for note in shown if note["owner"] == user or self.has(f"{what}-of-all") or published]

    def _add(self, body: Any, user: str) -> tuple[int, Any]:
        if not isinstance(body, dict) or not body.get("title") or self.has("no-creation"):
            return 422, {"error": "title"}
        identity = str(uuid.uuid4())
        if self.has("fetches") and isinstance(body.get("link"), str):
            if any(self.has(name) and not re.search(pattern, body["link"]) for name, pattern in LISTED.items()):
                return 422, {"error": "link"}
            with suppress(httpx.HTTPError, httpx.InvalidURL):
                httpx.get(body["link"], timeout=2, trust_env=False)
        given = body if self.has("takes-all") else {name: body[name] for name in ("title", "state") if name in body}
        made = {"id": identity, "state": "open", "phone": "", "made": "2026-02-01T00:00:00Z", "owner": user}
        self.notes[identity] = {**made, **given}
        return 201, self.notes[identity]

    def _users(self, user: str) -> tuple[int, Any]:
        users: list[Any] = ["alice", "bob", "sam"]
        if self.has("gives-hash"):
            users = [{"name": name, "passwordHash": "$2b$12$" + "a" * 53} for name in users]
        return (200, {"users": users}) if user == "sam" or self.has("staff-for-all") else (403, {"error": "staff only"})

    def _note(self, method: str, identity: str, body: Any, user: str) -> tuple[int, Any]:
        note = self.notes.get(identity)
        if note is None or identity in self.gone:
            return (200, {"success": False, "error": "none"}) if self.has("soft") else (404, {"error": f"no note {identity}"})
        mine = note["owner"] == user
        told = user == "sam" and (self.has("published") or self.has("told-to-staff"))
        if method == "GET":
            if mine or told or self.has("read-of-all") or self.has("anonymous-read"):
                return 200, note
            return self._refused(note)
        if not mine and self.has("refused-but-done"):
            note["state"] = body["state"] if method == "PATCH" else note["state"]
        if not (mine or self.has(f"{method.lower()}-of-all")):
            return self._refused(note)
        if method == "DELETE":
            return self._delete(identity)
        if not isinstance(body, dict):
            return 422, {"error": "an object is wanted"}
        taken = body if self.has("takes-all") else {name: body[name] for name in ("title", "state") if name in body}
        note.update(taken)
        return 200, note

    def _delete(self, identity: str) -> tuple[int, Any]:
        if any(self.has(f"lists-{how}") for how in ("deleted", "marked", "late")):
            self.gone[identity] = time.monotonic()
            self.notes[identity]["state"] = "deleted" if self.has("lists-marked") else self.notes[identity]["state"]
        elif not self.has("delete-keeps"):
            del self.notes[identity]
        return 204, None

    def _refused(self, note: dict[str, Any]) -> tuple[int, Any]:
        if self.has("told-in-refusal"):
            return 403, {"error": "this note is not yours", "note": note}
        if self.has("soft"):
            return 200, {"success": False, "error": "not yours"}
        return 404, {"error": f"no note {note['id']}"}


class _Handler(BaseHTTPRequestHandler):
    platform: Platform
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            body = None
        token = (self.headers.get("authorization") or "").removeprefix("Bearer").strip()
        try:
            path, _, query = self.path.partition("?")
            status, answer = self.platform.answer(self.command, path, body, token, query)
        except ConnectionAbortedError:
            self.close_connection = True  # dead: it takes connections and says nothing
            return
        content = b"" if answer is None else answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status == 302:
            self.send_header("Location", re.sub(r"[\r\n\0]", "", str(answer)))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the platform keeps its own list of requests."""


def target(base_url: str = "", *, describes_objects: bool = True, staff_rank: int = 2) -> Target:
    """The notes platform as a target."""
    login = Login("json", "/sessions", {"user": "{username}", "pass": "{password}"}, token="$.data.access")
    member = Role("member", login, (User("one", "alice", PASSWORD), User("two", "bob", PASSWORD)), rank=1)
    staff = Role("staff", login, (User("one", "sam", PASSWORD),), rank=staff_rank)
    return Target(
        "notes",
        "Notes",
        Environment.LOCAL,
        Path(),
        ("127.0.0.1",),
        Allow(writes=True),
        (member, staff),
        base_url=base_url,
        health_path="/health",
        objects=(ObjectKind("note", "member", ("note_id",), "/notes", "$.items[*].id"),) if describes_objects else (),
        operations=(OperationHint("DELETE /sessions/current", destructive=True),),
    )


@contextmanager
def served(platform: Platform, *, describes_objects: bool = True, staff_rank: int = 2) -> Iterator[LiveTarget]:
    """The platform on a free port of the loopback."""
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        base_url = f"http://127.0.0.1:{server.server_address[1]}"
        yield LiveTarget(target(base_url, describes_objects=describes_objects, staff_rank=staff_rank), base_url)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@dataclass
class Servers:
    """Gives a platform with the same defects and fresh data each time."""

    defects: frozenset[str] = frozenset()
    isolated: bool = True
    dies_after: int = 0
    describes_objects: bool = True
    staff_rank: int = 2
    started: int = 0
    platforms: list[Platform] = field(default_factory=list)

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running platform; `label` is of no matter here."""
        assert label
        self.started += 1
        self.platforms.append(Platform(self.defects, dies_after=self.dies_after))
        with served(self.platforms[-1], describes_objects=self.describes_objects, staff_rank=self.staff_rank) as live:
            yield live
