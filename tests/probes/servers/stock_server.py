"""A small platform that keeps things: items with an export, files, a search. Its guards come off by name (`defects`).

`pictures-alone` is no defect: files are taken that begin as a PNG does. Nor is `first-held-up`: the machine was busy once.
"""

from __future__ import annotations

import base64
import csv
import io
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
BODY_BYTES_MAX = 1_000_000
PAGE_MAX = 100
HELD_UP_S = 0.3
LONGEST_TRIED = 40  # characters that an exponential pattern is given: a few more and it ends never
_OWNER = [{"token": []}]
_ANY = {"responses": {"default": {"description": "any"}}, "security": _OWNER}
_ITEM = {
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "minLength": 1},
        "contact": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
_FILE = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
_LETTER = {
    "type": "object",
    "required": ["name", "contentType", "contentBase64"],
    "properties": {name: {"type": "string"} for name in ("name", "contentType", "contentBase64")},
}
_DAYS = [
    {"name": name, "in": "query", "required": True, "schema": {"type": "string", "format": "date"}} for name in ("from", "to")
]
_FOLDER = {"name": "folder_id", "in": "path", "required": True, "schema": {"type": "integer"}}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Shelf", "version": "1"},
        "paths": {
            "/login": {
                "post": {
                    "responses": {"default": {"description": "any"}},
                    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                }
            },
            "/items": {
                "get": {
                    **_ANY,
                    "parameters": [
                        {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                        {"name": "contact", "in": "query", "schema": {"type": "string"}},
                    ],
                },
                "post": {**_ANY, "requestBody": {"required": True, "content": {"application/json": {"schema": _ITEM}}}},
            },
            "/items/export": {"get": {**_ANY, "responses": {"200": {"description": "a sheet", "content": {"text/csv": {}}}}}},
            "/files": {
                "post": {**_ANY, "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}}
            },
            "/files/{file_id}": {
                "get": {
                    **_ANY,
                    "parameters": [{"name": "file_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                }
            },
            "/folders": {"get": _ANY},
            "/folders/{folder_id}/papers": {
                "parameters": [_FOLDER],
                "post": {**_ANY, "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}},
            },
            "/folders/{folder_id}/papers/{paper_id}": {
                "parameters": [_FOLDER, {"name": "paper_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": _ANY,
            },
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
FURTHER = Document.of(
    {
        **DOCUMENT.data,
        "paths": {
            **{path: item for path, item in DOCUMENT.data["paths"].items() if path in ("/login", "/items")},
            "/letters": {
                "post": {**_ANY, "requestBody": {"required": True, "content": {"application/json": {"schema": _LETTER}}}}
            },
            "/letters/{name}": {
                "get": {
                    **_ANY,
                    "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}],
                }
            },
            "/sales/export": {
                "get": {
                    **_ANY,
                    "parameters": _DAYS,
                    "responses": {"200": {"description": "a sheet", "content": {"text/csv": {}}}},
                }
            },
        },
    }
)
"""Files within JSON, and an export that is given for a year at most."""
_LOGIN = Login("json", "/login", {"name": "{username}", "password": "{password}"}, token="$.token")
READER = Role("reader", _LOGIN, (User("one", "rex", PASSWORD),))
"""Of whom the document says nothing, and who may write nothing."""
TARGET = Target(
    "shelf",
    "Shelf",
    Environment.LOCAL,
    Path(),
    ("127.0.0.1",),
    Allow(writes=True, active_scan=True),
    (
        Role(
            "owner",
            _LOGIN,
            (User("one", "ann", PASSWORD),),
        ),
    ),
    health_path="/health",
)
_PATTERN = {
    "explodes": re.compile(r"([a-z]+)+$"),
    "explodes-late": re.compile(r"^[a-z]{5}([a-z]+)+$"),
    "squares": re.compile(r"\s+$"),
}


@dataclass
class Shelf:
    """The platform's state."""

    defects: frozenset[str] = frozenset()
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    items: list[dict[str, object]] = field(default_factory=lambda: [{"title": f"Item {n}", "contact": ""} for n in range(1_200)])
    files: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    plain: int = 0  # how often an ordinary text was looked for

    def has(self, defect: str) -> bool:
        return defect in self.defects

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, "ok")
        if asked.path == "/login":
            good = isinstance(asked.body, dict) and asked.body.get("password") == PASSWORD
            reads = good and asked.body["name"] == "rex"
            return Given(200, {"token": self.token + "r" * reads}) if good else Given(401, {"error": "wrong"})
        if asked.token.rstrip("r") != self.token:
            return Given(401, {"error": "log in"})
        if asked.token != self.token and asked.method != "GET":
            return Given(403, {"error": "you read only"})
        if len(asked.raw) > BODY_BYTES_MAX and not self.has("takes-any-size"):
            return Given(413, {"error": "too large"})
        return self._known(asked)

    def _known(self, asked: Asked) -> Given:
        if asked.path == "/items":
            return self._add(asked) if asked.method == "POST" else self._list(asked)
        if asked.path == "/items/export":
            return Given(200, self._sheet(), {"Content-Type": "text/csv"})
        if asked.path == "/sales/export":
            return self._sales(asked)
        if asked.path == "/letters":
            return self._keep_letter(asked)
        if asked.path == "/folders":
            return Given(200, {"folders": [{"id": 5, "name": "Folder five"}]})
        if asked.method == "POST" and asked.path in ("/files", "/folders/5/papers"):
            return self._keep(asked)
        kept = self.files.get(asked.path)
        if kept is None:
            return Given(404, {"error": "none"})
        name, media_type, content = kept
        if self.has("serves-inline"):
            return Given(200, content, {"Content-Type": media_type})
        sent = {
            "Content-Type": media_type,
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        }
        return Given(200, content, sent)

    def _list(self, asked: Asked) -> Given:
        text = asked.query.get("contact", "")
        if text == "plain text":
            self.plain += 1
            time.sleep(HELD_UP_S if self.plain == 1 and self.has("first-held-up") else 0)
        for defect, pattern in _PATTERN.items():
            if self.has(defect) and (defect == "squares" or len(text) <= LONGEST_TRIED):  # a match holds up the tests' process
                pattern.search(text)
        asked_for = asked.query.get("limit", "20")
        size = int(asked_for) if asked_for.isdigit() else 20
        return Given(200, {"items": self.items[: size if self.has("any-page") else min(size, PAGE_MAX)]})

    def _add(self, asked: Asked) -> Given:
        body = asked.body
        if not isinstance(body, dict) or not isinstance(body.get("title"), str) or not body["title"]:
            return Given(422, {"error": "title"})
        self.items.append({"title": body["title"], "contact": str(body.get("contact", ""))})
        return Given(201, {"id": len(self.items)})

    def _sheet(self) -> str:
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(("title", "contact"))
        guarded = "=" if self.has("guards-equals-only") else "=+-@\t\r"
        for item in self.items[-200:]:
            cells = [str(item["title"]), str(item["contact"])]
            rows.writerow(cells if self.has("formulas") else [f"'{c}" if c.startswith(tuple(guarded)) else c for c in cells])
        return text.getvalue()

    def _sales(self, asked: Asked) -> Given:
        """All of it was sold on one day four years ago; a year at most is given at once."""
        begins, ends = (date.fromisoformat(asked.query[name]) for name in ("from", "to"))
        if not 0 <= (ends - begins).days <= 366:
            return Given(422, {"error": "a year at most"})
        sold = date.today().replace(day=1) - timedelta(days=4 * 365)
        return Given(200, self._sheet() if begins <= sold <= ends else "title,contact\r\n", {"Content-Type": "text/csv"})

    def _keep_letter(self, asked: Asked) -> Given:
        body = asked.body
        if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in _LETTER["required"]):
            return Given(422, {"error": "name, contentType and contentBase64"})
        path = f"/letters/{body['name']}"
        if path in self.files:
            return Given(409, {"error": "taken"})
        self.files[path] = body["name"], body["contentType"], base64.b64decode(body["contentBase64"])
        return Given(201, {"name": body["name"], "contentType": body["contentType"]})

    def _keep(self, asked: Asked) -> Given:
        raw = asked.raw
        name = re.search(rb'filename="([^"]*)"', raw)
        media_type = re.search(rb"Content-Type: ([^\r\n]+)", raw)
        if name is None or media_type is None:
            return Given(422, {"error": "a file is wanted"})
        content = raw.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
        if self.has("pictures-alone") and not content.startswith(b"\x89PNG\r\n\x1a\n"):
            return Given(415, {"error": "a picture is wanted"})
        given, kind = name[1].decode(), media_type[1].decode()
        path = f"{asked.path}/{secrets.token_hex(8)}"
        if self.has("keeps-where-named") and given.startswith("../"):
            path = "/" + given.removeprefix("../")
        self.files[path] = (given.rsplit("/", 1)[-1], kind, content)
        return Given(201, {"url": path} if asked.path == "/files" else {"id": path.rsplit("/", 1)[-1]})


@dataclass
class Shelves:
    """Gives a platform with the same defects and fresh data each time."""

    defects: frozenset[str] = frozenset()
    isolated: bool = True
    has_readers: bool = False

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        target = replace(TARGET, roles=(READER, *TARGET.roles)) if self.has_readers else TARGET
        with served(target, Shelf(self.defects).answer, threads="one-at-a-time" not in self.defects) as live:
            yield live
