"""Sessions in cookies: whether a log-in makes a new one, on a platform that gives every browser a session before."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.http.exchange import World
from harness.probes.sessions.cookies import examine_cookies
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
ROLE = Role("member", Login("none"), (User("one", "ann", PASSWORD),), rank=1, page_login="/login")
TARGET = Target("rooms", "Rooms", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), (ROLE,), health_path="/login")
FORM = '<form method="post" action="/login"><input name="user"><input name="password" type="password"></form>'
SAFE = "; Path=/; HttpOnly; Secure; SameSite=Lax"


@dataclass
class Rooms:
    """`defect`: `kept` sets no cookie at the log-in, `set-again` the same one, `adopted` takes any that a browser brings."""

    defect: str
    sessions: dict[str, str] = field(default_factory=dict)  # by id, the user or ""

    def answer(self, asked: Asked) -> Given:
        sent = {name: morsel.value for name, morsel in SimpleCookie(asked.headers.get("cookie", "")).items()}
        sid = sent.get("sid", "")
        if self.defect == "adopted" and sid:
            self.sessions.setdefault(sid, "")
        if asked.path == "/home":
            user = self.sessions.get(sid, "")
            return self._page(f"<p>Rooms of {user}</p>") if user else Given(303, None, {"Location": "/login"})
        if asked.method == "POST":
            return self._log_in(sid, {name: values[0] for name, values in parse_qs(asked.raw.decode()).items()})
        if sid in self.sessions:
            return self._page(FORM)
        return self._page(FORM, {"Set-Cookie": f"sid={self._new('')}{SAFE}"})

    def _log_in(self, sid: str, words: dict[str, str]) -> Given:
        if words.get("password") != PASSWORD:
            return self._page(FORM)
        onward = {"Location": "/home"}
        if self.defect in ("kept", "set-again", "adopted") and sid in self.sessions:
            self.sessions[sid] = words["user"]
            return Given(303, None, onward if self.defect == "kept" else {**onward, "Set-Cookie": f"sid={sid}{SAFE}"})
        return Given(303, None, {**onward, "Set-Cookie": f"sid={self._new(words['user'])}{SAFE}"})

    def _new(self, user: str) -> str:
        sid = secrets.token_hex(8)
        self.sessions[sid] = user
        return sid

    def _page(self, text: str, headers: dict[str, str] | None = None) -> Given:
        return Given(200, f"<html><body>{text}</body></html>", {"Content-Type": "text/html", **(headers or {})})


@contextmanager
def world(defect: str) -> Iterator[World]:
    with served(TARGET, Rooms(defect).answer) as live, World(live) as opened:
        yield opened


@pytest.mark.parametrize(
    ("defect", "rules"),
    [("", []), ("kept", ["sessions.fixation"]), ("set-again", ["sessions.fixation"]), ("adopted", ["sessions.fixation"])],
)
def test_a_log_in_that_keeps_the_session_is_found(defect: str, rules: list[str]) -> None:
    with world(defect) as opened:
        report = examine_cookies(opened, ROLE)
    assert [finding.rule for finding in report.findings] == rules
    assert [finding.parameter for finding in report.findings] == ["sid"] * len(rules)
