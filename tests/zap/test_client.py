"""Every call ends in time, and every refusal is an error: against real sockets that answer as the recorded daemon did."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.engines.zap.client import Waits, Zap
from harness.engines.zap.reading import report_of
from harness.model.errors import EngineError
from harness.targets.live import free_port
from tests.zap import recorded


@dataclass
class Reply:
    """What the stand-in answers: a status and a body, nothing at all (`None`), after `delay_s`."""

    status: int | None = 200
    body: Any = None
    delay_s: float = 0.0
    seen_keys: tuple[str, ...] = ()


@contextmanager
def daemon(reply: Reply) -> Iterator[str]:
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply.seen_keys = (*reply.seen_keys, self.headers.get("X-ZAP-API-Key", ""))
            released.wait(reply.delay_s)
            if reply.status is None:
                self.close_connection = True
                return
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_an_answer_is_read_and_the_key_is_sent_in_the_header() -> None:
    reply = Reply(body={"version": "2.17.0"})
    with daemon(reply) as address:
        assert Zap(address, "k").core.version == "2.17.0"
    assert reply.seen_keys == ("k",)


def test_a_report_of_a_site_that_zap_never_saw_is_written_and_holds_nothing() -> None:
    assert recorded.report_alerts(report_of(recorded.report("badsite"))) == ()


def test_a_daemon_that_was_stopped_ends_the_call_at_its_deadline_and_not_at_its_own() -> None:
    hang = recorded.calls("hang")[0]
    with daemon(Reply(body=hang.body, delay_s=20)) as address:
        started = time.monotonic()
        with pytest.raises(EngineError, match=r"did not answer JSON/core/view/version in 0\.3 s"):
            _ = Zap(address, "k", timeout_s=0.3).core.version
        assert time.monotonic() - started < 10


def test_calls_that_are_each_in_time_end_together_at_their_common_deadline() -> None:
    with daemon(Reply(body={"version": "2.17.0"}, delay_s=0.2)) as address:
        zap, started = Zap(address, "k"), time.monotonic()
        answered = itertools.takewhile(lambda _n: _answers(zap), itertools.count())
        with zap.together_within(0.7):
            assert 1 <= len(list(answered)) < 5
            time.sleep(0.2)
            with pytest.raises(EngineError, match="the time for all calls together is over"):
                _ = zap.core.version
        assert time.monotonic() - started < 5
        assert zap.core.version == "2.17.0", "what comes after it has its own time again"


def _answers(zap: Zap) -> bool:
    try:
        return bool(zap.core.version)
    except EngineError:
        return False


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(EngineError, match="gave no answer"):
        _ = Zap(f"http://127.0.0.1:{free_port()}", "k").core.version


def test_another_program_on_the_port_is_not_taken_for_zap() -> None:
    with daemon(Reply(body="<html>hello</html>")) as address, pytest.raises(EngineError, match="is no ZAP"):
        _ = Zap(address, "k").core.version


def test_the_key_is_sent_to_zap_alone() -> None:
    with daemon(Reply(body={})) as address, pytest.raises(EngineError, match="is no call of ZAP's interface"):
        Zap(address, "k")._request("http://elsewhere/JSON/core/view/version/")


def test_what_is_waited_for_is_counted_once() -> None:
    waits, begun = Waits(), time.monotonic()
    with daemon(Reply(body={"version": "2.17.0"}, delay_s=0.1)) as address:
        client = Zap(address, "key", waits=waits)
        with waits.counted():
            for _ in range(2):
                assert client.core.version == "2.17.0"
        time.sleep(0.1)
        assert 0.2 <= waits.seconds <= time.monotonic() - begun - 0.1
        _ = client.core.version
    assert 0.3 <= waits.seconds < 1
