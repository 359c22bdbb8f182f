"""A small board with an API and pages: members post, search, and read each other's posts in a browser.

Its defects, by name: `reflects`, `raw-page` and `raw-search` put a text into a page as markup, `template` and `template-page`
evaluate what stands between double braces, `template-go` as the engine of Go does, `template-fails` fails where they are not
closed and `page-fails` at a stored quote, `bare`, `single` and `double` hand the text to a real shell, quoted so. Its form for
a new post is taken without its token (`token-off`), with any token (`token-any`), or has none (`no-token`); `no-same-site` lets
the cookie go along with every form. A form that it refuses it shows again as it was filled in, with status 200. `lists` puts a
list of moods in place of its text (`one-way`: none but the last one once that was chosen). Its links are written relative to the
page (`relative`), or with scheme and host (`absolute`). `buttons` gives each post's page a button that closes it, guarded as the
form for a new post is; it stays there (`stays`), or its form tells the time (`tells-time`). `demands` is none: its form wants
more than a title, and a long one.
"""

from __future__ import annotations

import hashlib
import html
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
_ANY = {"responses": {"default": {"description": "any"}}}
_MEMBER = {**_ANY, "security": [{"token": []}]}
_POST = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string", "minLength": 1}}}
_LOGIN = {"type": "object", "properties": {"user": {"type": "string"}, "pass": {"type": "string"}}}
_Q = {"name": "q", "in": "query", "schema": {"type": "string"}}
DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Board", "version": "1"},
        "paths": {
            "/login": {"post": {**_ANY, "requestBody": {"content": {"application/json": {"schema": _LOGIN}}}}},
            "/posts": {
                "get": {**_MEMBER, "parameters": [_Q]},
                "post": {**_MEMBER, "requestBody": {"content": {"application/json": {"schema": _POST}}}},
            },
            "/found": {"get": {**_ANY, "parameters": [_Q]}},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
_FORM = '<form method="post"><input name="user"><input type="password" name="pass"></form>'
_SEARCH = '<form action="/board/found"><input type="search" name="q"></form>'
_WRITE = '<form method="post" action="/board"><input name="title" value="{}"><input type="hidden" name="csrf" value="{}"></form>'
_DEMANDED = (
    '<input type="date" name="day" required><input type="number" name="seats" min="2" required>'
    '<select name="room" required><option value="">Choose<option>Hall</select><input type="checkbox" name="agreed" required>'
    '<input name="remark" value=""><input name="title" minlength="24" required '
)
_BUTTON = (
    '<form method="post" action="/board/{}/close">{}<input type="hidden" name="csrf" value="{}"><button>Close</button></form>'
)
_MOODS = ("fine", "closed", "tired", "merry")
_QUOTED = {"bare": "{}", "single": "'{}'", "double": '"{}"'}


def target() -> Target:
    """The board as a target."""
    login = Login("json", "/login", {"user": "{username}", "pass": "{password}"}, token="$.token")
    users = tuple(User(name, name, PASSWORD) for name in ("ann", "ben"))
    roles = (Role("member", login, users, rank=1, page_login="/board/login"),)
    return Target("board", "Board", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles, health_path="/health")


@dataclass
class _Board:
    defects: frozenset[str]
    tokens: set[str] = field(default_factory=set)
    posts: list[str] = field(default_factory=lambda: ["Welcome"])
    mood: str = _MOODS[0]
    closed: set[int] = field(default_factory=set)

    def answer(self, asked: Asked) -> Given:
        if asked.path.startswith("/board"):
            return self._page(asked)
        if (asked.method, asked.path) == ("POST", "/login"):
            return self._log_in(asked.body if isinstance(asked.body, dict) else {})
        if (asked.method, asked.path) == ("GET", "/found"):
            return self._html(f"Nothing for {self._shown('reflects', asked.query.get('q', ''))}")
        if asked.path != "/posts":
            return Given(200 if asked.path == "/health" else 404, {})
        if asked.token not in self.tokens:
            return Given(401, {})
        return self._post(asked.body) if asked.method == "POST" else self._search(asked.query.get("q", ""))

    def _log_in(self, given: dict[str, str]) -> Given:
        if given.get("user") not in ("ann", "ben") or given.get("pass") != PASSWORD:
            return Given(401, {})
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return Given(200, {"token": token})

    def _post(self, body: object) -> Given:
        title = body.get("title") if isinstance(body, dict) else None
        if not isinstance(title, str) or not title:
            return Given(422, {})
        self.posts.append(title)
        return Given(201, {"id": len(self.posts)})

    def _search(self, text: str) -> Given:
        if "worker-dies" in self.defects and "'" in text:
            raise ConnectionAbortedError
        for defect in self.defects & _QUOTED.keys():
            subprocess.run(f"printf %s {_QUOTED[defect].format(text)}", shell=True, capture_output=True, check=False)
        if "template-fails" in self.defects and "{{" in text.rpartition("}}")[2]:
            return Given(500, {})
        if "template-go" in self.defects and re.search(r"\{\{(?!printf)", text):
            return Given(400, {"error": "unexpected token in operand"})
        said = _evaluated(text) if self.defects & {"template", "template-go"} else text
        return Given(200, {"query": said, "posts": [title for title in self.posts if text in title]})

    def _page(self, asked: Asked) -> Given:
        if asked.path == "/board/login":
            if asked.method != "POST":
                return self._html(_FORM)
            fields = {name: values[0] for name, values in parse_qs(asked.raw.decode()).items()}
            given = self._log_in(fields)
            cookie = f"session={given.body.get('token')}; HttpOnly{'' if 'no-same-site' in self.defects else '; SameSite=Lax'}"
            return Given(303, headers={"Location": "/board", "Set-Cookie": cookie}) if given.status == 200 else self._html(_FORM)
        session = asked.headers.get("cookie", "").removeprefix("session=")
        if session not in self.tokens:
            return Given(303, headers={"Location": "/board/login"})
        if asked.method == "POST":
            return self._post_form(asked, session)
        number = asked.path.removeprefix("/board/")
        if "page-fails" in self.defects and any("'" in title for title in self.posts):
            return Given(500, "sorry", {"Content-Type": "text/plain"})
        if number.isdigit() and int(number) < len(self.posts):
            title = self.posts[int(number)]
            shown = self._shown("raw-page", _evaluated(title) if "template-page" in self.defects else title)
            return self._html(shown + self._button(session, int(number)))
        if number == "found":
            return self._html(f"Nothing for {self._shown('raw-search', asked.query.get('q', ''))}")
        before = (
            f"http://{asked.headers['host']}/board/"
            if "absolute" in self.defects
            else "board/"
            if "relative" in self.defects
            else "/board/"
        )
        links = "".join(f'<a href="{before}{n}">{n}</a>' for n in range(len(self.posts) - 1, -1, -1))
        return self._html(_SEARCH + self._form(session) + links)

    def _form(self, session: str, title: str = "") -> str:
        form = _WRITE.format(html.escape(title), _form_token(session))
        if "lists" in self.defects:
            moods = dict.fromkeys((self.mood, "tired")) if "one-way" in self.defects else _MOODS
            options = "".join(f"<option{' selected' if mood == (title or self.mood) else ''}>{mood}</option>" for mood in moods)
            form = re.sub(r"<input name=.title[^>]*>", f'<select name="title">{options}</select>', form)
        if "demands" in self.defects:
            form = form.replace('<input name="title" ', _DEMANDED)
        return self._guarded(form)

    def _button(self, session: str, number: int) -> str:
        if "buttons" not in self.defects or number in self.closed:
            return ""
        clock = f'<input type="hidden" name="at" value="{time.time():.0f}">' if "tells-time" in self.defects else ""
        return self._guarded(_BUTTON.format(number, clock, _form_token(session)))

    def _guarded(self, form: str) -> str:
        return re.sub(r"<input type=.hidden. name=.csrf[^>]*>", "", form) if "no-token" in self.defects else form

    def _post_form(self, asked: Asked, session: str) -> Given:
        fields = {name: values[0] for name, values in parse_qs(asked.raw.decode()).items()}
        token, title = fields.get("csrf", ""), fields.get("title", "")
        taken = (
            token == _form_token(session) or self.defects & {"token-off", "no-token"} or (token and "token-any" in self.defects)
        )
        if not taken:
            return self._html("This form is too old." + self._form(session, title))
        if asked.path.endswith("/close"):
            number = int(asked.path.split("/")[-2])
            self.closed |= set() if "stays" in self.defects else {number}
            return Given(303, headers={"Location": f"/board/{number}"})
        if "demands" in self.defects and not _is_complete(fields):
            return self._html("Something is missing." + self._form(session, title))
        self.mood = title if title in _MOODS else self.mood
        self._post({"title": title})
        return Given(303, headers={"Location": f"/board/{len(self.posts) - 1}"})

    def _shown(self, defect: str, text: str) -> str:
        return text if defect in self.defects else html.escape(text)

    @staticmethod
    def _html(body: str) -> Given:
        return Given(200, f"<!doctype html><title>Board</title><main>{body}</main>", {"Content-Type": "text/html; charset=utf-8"})


def _is_complete(fields: dict[str, str]) -> bool:
    is_day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", fields.get("day", ""))
    seats, title = fields.get("seats", ""), fields.get("title", "")
    is_filled = bool(is_day) and fields.get("room") == "Hall" and fields.get("agreed") == "on" and "remark" not in fields
    return is_filled and seats.isdecimal() and int(seats) > 1 and len(title) >= 24


def _form_token(session: str) -> str:
    return hashlib.sha256(f"form {session}".encode()).hexdigest()


def _evaluated(text: str) -> str:
    """As a template engine would that takes sums: `{{6*7}}` is 42; or that of Go: `{{printf "zq%xq" 255}}` is zqffq."""
    text = re.sub(r'\{\{printf "zq%xq" (\d+)\}\}', lambda number: f"zq{int(number[1]):x}q", text)
    return re.sub(r"\{\{(\d+)\*(\d+)\}\}", lambda factors: str(int(factors[1]) * int(factors[2])), text)


@contextmanager
def board(*defects: str) -> Iterator[LiveTarget]:
    """A running board."""
    with served(target(), _Board(frozenset(defects)).answer) as live:
        yield live


@dataclass(frozen=True)
class Boards:
    """Gives a board with the same defects each time."""

    defects: tuple[str, ...] = ()
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running board; `label` is of no matter here."""
        assert label
        with board(*self.defects) as live:
            yield live
