"""A route that owes its answers is waited for less and less, so that one that hangs does not cost the whole stage."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.model.finding import Request
from harness.probes.http import exchange
from harness.probes.http.exchange import World
from harness.targets.live import LiveTarget
from tests.targets_runtime.conftest import shop

PATIENCE_S, IMPATIENCE_S = 0.6, 0.1


class Slow(BaseHTTPRequestHandler):
    """`/slow/…` answers after a second, everything else at once."""

    def do_GET(self) -> None:
        if self.path.startswith("/slow"):
            time.sleep(1)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(exchange, "IMPATIENT_S", IMPATIENCE_S)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with World(LiveTarget(shop(), f"http://127.0.0.1:{server.server_address[1]}"), patience_s=PATIENCE_S) as opened:
        yield opened
    server.shutdown()


def took(world: World, path: str) -> tuple[int, float]:
    answer = world.send(Request("GET", path))
    return answer.status, answer.elapsed_s


def test_after_two_late_answers_a_route_is_waited_for_shortly_whatever_object_it_names(world: World) -> None:
    seen = [took(world, path) for path in ("/slow/1", "/slow/2", "/slow/3?page=1")]
    assert [status for status, _ in seen] == [0, 0, 0]
    assert min(seconds for _, seconds in seen[:2]) >= PATIENCE_S
    assert seen[2][1] < PATIENCE_S


def test_other_routes_are_given_their_time(world: World) -> None:
    for path in ("/slow/1", "/slow/2", "/slow/3"):
        took(world, path)
    assert took(world, "/quick/1")[0] == 200
    assert took(world, "/slow/a/b")[1] >= PATIENCE_S
