"""Parts of ZAP's interface over HTTP, as the daemon has them, each answered by a function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.engines.zap.client import Zap

Call = Callable[[Mapping[str, str]], Any]


@contextmanager
def interface(**calls: Call) -> Iterator[Zap]:
    """A client of a daemon that knows these calls (`pscan_view_scanners`); what it does not know, it has no component for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            name = "_".join(address.path.strip("/").split("/")[1:])
            known = calls.get(name)
            data = {"code": "no_implementor", "message": name} if known is None else known(dict(parse_qsl(address.query)))
            content = json.dumps(data).encode()
            self.send_response(400 if known is None else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Zap(f"http://127.0.0.1:{server.server_address[1]}", "k", timeout_s=5)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
