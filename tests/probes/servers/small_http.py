"""Serves a small platform of the tests on a free port of the loopback: one function from what was asked to what is given."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from harness.model.target import Target
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget


@dataclass(frozen=True)
class Asked:
    """One request. `body` is its JSON, None where it is none."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    client: str

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            return None

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer").strip()


@dataclass(frozen=True)
class Given:
    """One answer; what is no text or bytes is sent as JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class _Handler(BaseHTTPRequestHandler):
    answer: Callable[[Asked], Given]
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    timeout = 5

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        asked = Asked(
            self.command,
            unquote(path),
            {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()},
            {name.lower(): value for name, value in self.headers.items()},
            raw,
            self.client_address[0],
        )
        try:
            given = type(self).answer(asked)
        except ConnectionAbortedError:
            self.close_connection = True  # dead: it takes connections and says nothing
            return
        self.send_response(given.status)
        for name, value in {"Content-Type": "application/json", **given.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(given.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(given.content)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = do_OPTIONS = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def slashed(document: Document) -> Document:
    """The document of a platform whose paths all end with a slash, as is the custom of some frameworks."""
    return Document.of({**document.data, "paths": {f"{path}/": item for path, item in document.data["paths"].items()}})


def _slashed(target: Target, answer: Callable[[Asked], Given]) -> tuple[Target, Callable[[Asked], Given]]:
    """The platform so: without the slash a reader is sent on, and nothing is written."""

    def with_slash(asked: Asked) -> Given:
        if asked.path.endswith("/"):
            return answer(replace(asked, path=asked.path.rstrip("/")))
        return Given(301, headers={"Location": f"{asked.path}/"}) if asked.method == "GET" else Given(404, {})

    roles = tuple(replace(role, login=replace(role.login, path=f"{role.login.path}/")) for role in target.roles)
    objects = tuple(replace(kind, list_path=f"{kind.list_path}/") for kind in target.objects)
    return replace(target, roles=roles, objects=objects, health_path=f"{target.health_path}/"), with_slash


@contextmanager
def served(
    target: Target, answer: Callable[[Asked], Given], *, threads: bool = True, slashes: bool = False, **more: Any
) -> Iterator[LiveTarget]:
    """The platform on a free port; without threads it serves one connection after the other."""
    target, answer = _slashed(target, answer) if slashes else (target, answer)
    handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
    server = (ThreadingHTTPServer if threads else HTTPServer)(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        base_url = f"http://127.0.0.1:{server.server_address[1]}"
        yield LiveTarget(replace(target, base_url=base_url), base_url, **more)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
