"""Parts of ZAP's interface over HTTP, as the daemon has them, each answered by a function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.engines.zap.client import Zap


@dataclass(frozen=True)
class Reply:
    """An answer with its status; `None` hangs up."""

    status: int | None
    body: Any = None


Call = Callable[[Mapping[str, str]], Any]
"""Gives the body of an answer, or a whole `Reply`; a text is sent as it is, all else as JSON."""


@contextmanager
def interface(**calls: Call) -> Iterator[Zap]:
    """A client of a daemon that knows these calls (`pscan_view_scanners`); what it does not know, it has no component for."""
    with serving(**calls) as address:
        yield Zap(address, "k", timeout_s=5)


@contextmanager
def serving(**calls: Call) -> Iterator[str]:
    """The address of such a daemon."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())

        def answer(self, asked: str) -> None:
            name = "_".join(urlsplit(self.path).path.strip("/").split("/")[1:])
            known = calls.get(name, lambda _: Reply(400, {"code": "no_implementor", "message": name}))
            given = known(dict(parse_qsl(asked)))
            reply = given if isinstance(given, Reply) else Reply(200, given)
            if reply.status is None:
                self.close_connection = True
                return
            content = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
