"""What a scan leaves behind in a daemon that somebody else started: nothing of ours, and everything of theirs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.engines.zap.client import Zap
from harness.engines.zap.entering import OUR_RULES, withdraw_rules
from harness.model.errors import EngineError

THEIRS = "strip the referrer"


@contextmanager
def replacer(rules: list[str], *, refuses: bool = False) -> Iterator[Zap]:
    """The part of ZAP's interface that lists and removes rules, over HTTP as the daemon has it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if refuses:
                return self.give(400, {"code": "no_implementor", "message": "No Implementor"})
            if address.path.endswith("/view/rules/"):
                return self.give(200, {"rules": [{"description": name, "enabled": "true"} for name in rules]})
            assert address.path.endswith("/action/removeRule/")
            rules.remove(parse_qs(address.query)["description"][0])
            return self.give(200, {"Result": "OK"})

        def give(self, status: int, data: object) -> None:
            content = json.dumps(data).encode()
            self.send_response(status)
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


def test_our_rules_go_with_what_a_killed_run_left_and_theirs_stay() -> None:
    rules = [f"{OUR_RULES}partner-1 Cookie", THEIRS, f"{OUR_RULES}admin-2 Authorization"]
    with replacer(rules) as client:
        withdraw_rules(client, {"replacer"})
    assert rules == [THEIRS]


def test_a_daemon_without_the_add_on_is_not_asked_and_a_refusal_is_no_silence() -> None:
    with replacer([THEIRS], refuses=True) as client:
        withdraw_rules(client, {"automation"})
        with pytest.raises(EngineError, match="no_implementor"):
            withdraw_rules(client, {"replacer"})
