"""A small platform that keeps addresses and calls them later: told to test one, or by itself. Guards come off by name."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
LATE_S = 0.6
_ANY = {"responses": {"default": {"description": "any"}}, "security": [{"token": []}]}
_HOOK = {
    "type": "object",
    "required": ["slug", "url"],
    "properties": {"slug": {"type": "string", "pattern": "^[a-z]{8,20}$"}, "url": {"type": "string", "format": "uri"}},
}
_CHANNEL = {"type": "object", "required": ["address"], "properties": {"address": {"type": "string", "format": "uri"}}}
_SLUG = {"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Hooks", "version": "1"},
        "paths": {
            "/hooks": {"get": _ANY, "post": {**_ANY, "requestBody": {"content": {"application/json": {"schema": _HOOK}}}}},
            "/hooks/{slug}/pause": {"parameters": [_SLUG], "post": _ANY},
            "/hooks/{slug}/test": {"parameters": [_SLUG], "post": _ANY},
            "/hooks/{slug}/deliveries/test": {"parameters": [_SLUG], "post": _ANY},
            "/channel": {"get": _ANY, "put": {**_ANY, "requestBody": {"content": {"application/json": {"schema": _CHANNEL}}}}},
            "/channel/test": {"post": _ANY},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
TARGET = Target(
    "hooks",
    "Hooks",
    Environment.LOCAL,
    Path(),
    ("127.0.0.1",),
    Allow(writes=True),
    (
        Role(
            "owner",
            Login("json", "/login", {"name": "{username}", "password": "{password}"}, token="$.token"),
            (User("one", "ann", PASSWORD),),
        ),
    ),
    health_path="/health",
)


@dataclass
class Hooks:
    """The platform's state.

    `defects`: `tests` and `deliveries` call what they are told to test, `channel` the only one, `late` what it got, by itself.
    """

    defects: frozenset[str] = frozenset()
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    hooks: dict[str, str] = field(default_factory=dict)
    channel: str = ""

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, "ok")
        if asked.path == "/login":
            good = isinstance(asked.body, dict) and asked.body.get("password") == PASSWORD
            return Given(200, {"token": self.token}) if good else Given(401, {"error": "wrong"})
        if asked.token != self.token:
            return Given(401, {"error": "log in"})
        if asked.path == "/hooks":
            return self._add(asked.body) if asked.method == "POST" else Given(200, {"items": [*self.hooks]})
        if asked.path.startswith("/channel"):
            return self._channel(asked)
        slug, _, what = asked.path.removeprefix("/hooks/").partition("/")
        if slug not in self.hooks:
            return Given(404, {"error": "no such hook"})
        if (what == "test" and "tests" in self.defects) or (what == "deliveries/test" and "deliveries" in self.defects):
            _call(self.hooks[slug])
        return Given(200, {"slug": slug})

    def _channel(self, asked: Asked) -> Given:
        if asked.method == "PUT" and isinstance(asked.body, dict):
            self.channel = str(asked.body.get("address"))
        if asked.path == "/channel/test" and "channel" in self.defects:
            _call(self.channel)
        return Given(200, {"address": self.channel})

    def _add(self, body: object) -> Given:
        if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in ("slug", "url")):
            return Given(422, {"error": "slug and url"})
        if body["slug"] in self.hooks:
            return Given(409, {"error": "the slug is taken"})
        self.hooks[body["slug"]] = body["url"]
        if "late" in self.defects:
            threading.Timer(LATE_S, _call, [body["url"]]).start()
        return Given(201, {"slug": body["slug"], "url": body["url"]})


def _call(url: str) -> None:
    with suppress(httpx.HTTPError, httpx.InvalidURL):
        httpx.post(url, timeout=2, trust_env=False)


@contextmanager
def hooks(*defects: str) -> Iterator[tuple[LiveTarget, Hooks]]:
    """The platform on a free port, and its state."""
    platform = Hooks(frozenset(defects))
    with served(TARGET, platform.answer) as live:
        yield live, platform
