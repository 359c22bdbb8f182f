"""A small platform with cookie sessions, a token against forged requests in a header, and refresh tokens. Its guards come off by
name (`defects`). Habits are `answers-again` and `one-session` (what a refresh gives is the session that there was).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
_SESSION = ({"sid": []},)


def _operation(*members: str, security: object = (), **more: object) -> dict[str, object]:
    schema = {"type": "object", "required": list(members), "properties": {name: {"type": "string"} for name in members}}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}} if members else {}
    return {"responses": {"default": {"description": "any"}}, "security": list(security), **body, **more}  # type: ignore[call-overload]


def document(*, refreshes: bool = True, in_cookie: bool = False) -> Document:
    """What the platform says of itself."""
    paths = {
        "/login": {"post": _operation("name", "password")},
        "/refresh": {"post": _operation(*([] if in_cookie else ["refreshToken"]))},
        "/logout": {"post": _operation(security=_SESSION)},
        "/password": {"post": _operation("currentPassword", "newPassword", security=_SESSION)},
        "/me": {"get": _operation(security=_SESSION)},
        "/notes": {"get": _operation(security=_SESSION), "post": _operation("text", security=_SESSION)},
    }
    if not refreshes:
        del paths["/refresh"]
    schemes = {"securitySchemes": {"sid": {"type": "apiKey", "in": "cookie", "name": "sid"}}}
    return Document.of({"openapi": "3.1.0", "info": {"title": "Lodge", "version": "1"}, "paths": paths, "components": schemes})


def target(*, declares_header: bool = True) -> Target:
    """The platform as a target; its log-in says which header goes with writes, or says nothing."""
    send = {"X-XSRF-TOKEN": "{cookie:XSRF-TOKEN}"} if declares_header else {}
    login = Login("json", "/login", {"name": "{username}", "password": "{password}"}, cookie="sid", send=send)
    guest = Role("guest", login, (User("one", "ann", PASSWORD), User("two", "ben", PASSWORD)), rank=1)
    allow = Allow(writes=True, active_scan=True)
    return Target("lodge", "Lodge", Environment.LOCAL, Path(), ("127.0.0.1",), allow, (guest,), health_path="/health")


@dataclass
class Lodge:
    """The platform's state."""

    defects: frozenset[str] = frozenset()
    asks_header: bool = True
    in_cookie: bool = False  # the refresh token
    passwords: dict[str, str] = field(default_factory=lambda: {"ann": PASSWORD, "ben": PASSWORD})
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)  # name and token of the header, by cookie
    refresh: dict[str, tuple[str, str]] = field(default_factory=dict)  # name and cookie, by refresh token
    notes: list[dict[str, str]] = field(default_factory=list)
    replayed: dict[str, Given] = field(default_factory=dict)

    def has(self, defect: str) -> bool:
        return defect in self.defects

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, "ok")
        body = asked.body if isinstance(asked.body, dict) else {}
        if (asked.method, asked.path) == ("POST", "/login"):
            name = str(body.get("name"))
            known = name in self.passwords and body.get("password") == self.passwords[name]
            return self._begin(name) if known else Given(401, {"error": "wrong"})
        cookies = dict(pair.strip().partition("=")[::2] for pair in asked.headers.get("cookie", "").split(";"))
        if (asked.method, asked.path) == ("POST", "/refresh"):
            return self._refresh(cookies.get("refresh", "") if self.in_cookie else str(body.get("refreshToken")))
        sid = cookies.get("sid", "")
        if self.has("refresh-as-session"):
            sid = self.refresh.get(sid, ("", sid))[1]
        if sid not in self.sessions:
            return Given(401, {"error": "log in"})
        if asked.method != "GET" and (refusal := self._forged(asked, self.sessions[sid][1])):
            return refusal
        return self._own(asked, body, sid)

    def _forged(self, asked: Asked, token: str) -> Given | None:
        given = asked.headers.get("x-xsrf-token")
        if self.asks_header and not self.has("csrf-off") and (given is None or (given != token and not self.has("csrf-any"))):
            return Given(403, {"error": "the token of the form is missing"})
        if asked.raw and not self.has("any-type") and "json" not in asked.headers.get("content-type", ""):
            return Given(415, {"error": "JSON is wanted"})
        return None

    def _begin(self, name: str, kept: tuple[str, str] = ("", "")) -> Given:
        """A session, the one that is kept where there is one, with a refresh token of its own."""
        refresh = secrets.token_hex(16)
        sid, token = kept if all(kept) else (secrets.token_hex(16), secrets.token_hex(16))
        self.sessions[sid], self.refresh[refresh] = (name, token), (name, sid)
        site = "" if self.has("no-same-site") else "; SameSite=Lax"
        cookie = f"sid={sid}; Path=/; Secure; HttpOnly{site}\r\nSet-Cookie: XSRF-TOKEN={token}; Path=/; Secure{site}"
        if self.in_cookie:
            return Given(
                200, {"user": name}, {"Set-Cookie": f"{cookie}\r\nSet-Cookie: refresh={refresh}; Path=/; Secure; HttpOnly{site}"}
            )
        return Given(200, {"user": name, "refreshToken": refresh}, {"Set-Cookie": cookie})

    def _refresh(self, token: str) -> Given:
        if token in self.replayed:
            return self.replayed[token]
        name, sid = self.refresh.get(token, ("", ""))
        if not name:
            return Given(401, {"error": "not valid"})
        if not self.has("refresh-reuse"):
            del self.refresh[token]
        session = self.sessions.pop(sid, ("", ""))
        given = self._begin(name, (sid, session[1]) if self.has("one-session") else ("", ""))
        if self.has("answers-again"):  # no defect: a repeated request is answered as the first was
            self.replayed[token] = given
        return given

    def _own(self, asked: Asked, body: dict[str, str], sid: str) -> Given:
        name = self.sessions[sid][0]
        if (asked.method, asked.path) == ("POST", "/logout"):
            del self.sessions[sid]
            if not self.has("refresh-after-log-out"):
                self.refresh = {token: held for token, held in self.refresh.items() if held[1] != sid}
            return Given(204)
        if (asked.method, asked.path) == ("POST", "/password"):
            return self._change(name, body, sid)
        if asked.path == "/notes" and asked.method == "POST":
            text = body.get("text") or (asked.raw.decode() if self.has("any-type") else "")
            if not text:
                return Given(422, {"error": "text"})
            self.notes.append({"id": str(len(self.notes)), "text": text, "of": name})
            return Given(201, self.notes[-1])
        own = [note for note in self.notes if note["of"] == name]
        return Given(200, {"name": name} if asked.path == "/me" else {"items": own})

    def _change(self, name: str, body: dict[str, str], sid: str) -> Given:
        if body.get("currentPassword") != self.passwords[name]:
            return Given(400, {"error": "wrong"})
        if len(body.get("newPassword") or "") < 1:
            return Given(422, {"error": "too short"})
        self.passwords[name] = body["newPassword"]
        self.sessions = {key: held for key, held in self.sessions.items() if held[0] != name or key == sid}
        if not self.has("refresh-after-password"):
            self.refresh = {token: held for token, held in self.refresh.items() if held[0] != name or held[1] == sid}
        return Given(204)


@dataclass
class Lodges:
    """Gives a platform with the same defects and fresh data each time."""

    defects: frozenset[str] = frozenset()
    asks_header: bool = True
    isolated: bool = True
    in_cookie: bool = False
    given: list[Lodge] = field(default_factory=list)

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        self.given.append(Lodge(self.defects, self.asks_header, self.in_cookie))
        with served(target(declares_header=self.asks_header), self.given[-1].answer) as live:
            yield live
