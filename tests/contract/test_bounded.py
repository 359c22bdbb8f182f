"""No answer is endless, and no secret is kept: against a server that does its worst."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from harness.engines.contract.bounded import CUT_HEADER, BoundedAdapter, Disguise, Limits

BYTES_MAX = 200_000
SEEN: list[tuple[dict[str, str], bytes]] = []


class Worst(BaseHTTPRequestHandler):
    """Streams for ever, drips, sends a bomb, or tells what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with suppress(OSError):  # the client has hung up, as it should
            ways = {"/endless": self._endless, "/drip": self._drip, "/bomb": self._bomb, "/deep": self._deep}
            ways.get(self.path, self._small)()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        SEEN.append((dict(self.headers), body))
        self._small()

    def _head(self, length: int, encoding: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()

    def _small(self) -> None:
        self._head(2)
        self.wfile.write(b"ok")

    def _endless(self) -> None:
        self._head(10**12)
        for _ in range(10_000):
            self.wfile.write(b"x" * 65_536)

    def _drip(self) -> None:
        self._head(10**6)
        for _ in range(100):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def _bomb(self) -> None:
        bomb = gzip.compress(b"\0" * 50_000_000)
        self._head(len(bomb), "gzip")
        self.wfile.write(bomb)

    def _deep(self) -> None:
        self._head(200_000)
        self.wfile.write(b"[" * 200_000)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = Server(("127.0.0.1", 0), Worst)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


class Server(ThreadingHTTPServer):
    """A client that hangs up is what the tests are about, and no error."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Says nothing."""


class Adapter(BoundedAdapter):
    """Limits of the test, not of the process."""

    limits = Limits(BYTES_MAX, 1.0)
    disguise = Disguise({"Authorization": ("Bearer marker", "Bearer real")}, {"marker-of-password": 'se"cret&'})


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.mount("http://", Adapter())
        yield made


@pytest.mark.parametrize(
    ("path", "why"),
    [("/endless", "larger than"), ("/bomb", "larger than"), ("/drip", "not over after"), ("/deep", "nested deeper than")],
)
def test_an_answer_is_cut_at_its_bound_and_says_so(session: requests.Session, address: str, path: str, why: str) -> None:
    began = time.monotonic()
    response = session.get(address + path, timeout=5)
    assert response.raw.headers[CUT_HEADER].startswith(why)
    assert len(response.content) < BYTES_MAX + 100_000
    assert time.monotonic() - began < 4


def test_a_small_answer_is_whole(session: requests.Session, address: str) -> None:
    response = session.get(address + "/", timeout=5)
    assert (response.content, CUT_HEADER in response.raw.headers) == (b"ok", False)


@pytest.mark.parametrize(
    ("media_type", "sent"),
    [("application/json", b'{"p": "se\\"cret&"}'), ("application/x-www-form-urlencoded", b"p=se%22cret%26")],
)
def test_secrets_travel_and_markers_stay(session: requests.Session, address: str, media_type: str, sent: bytes) -> None:
    body = '{"p": "marker-of-password"}' if "json" in media_type else "p=marker-of-password"
    response = session.post(address, data=body, headers={"Authorization": "Bearer marker", "Content-Type": media_type}, timeout=5)
    headers, received = SEEN[-1]
    assert headers["Authorization"] == "Bearer real"
    assert received == sent
    assert response.request.headers["Authorization"] == "Bearer marker"
    assert response.request.body == body
