"""No answer is endless, and no secret is kept: against a server that does its worst."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from harness.engines.contract.bounded import CUT_HEADER, BoundedAdapter, Disguise, Limits, Place
from harness.targets.moving import USELESS_MOVES_MAX

BYTES_MAX = 200_000
LIMIT = 5
COUNTS: Counter[str] = Counter()  # by address: its requests that are limited
SEEN: list[tuple[dict[str, str], bytes]] = []


class Worst(BaseHTTPRequestHandler):
    """Streams for ever, drips, sends a bomb, or tells what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/refused":
            COUNTS[self.client_address[0]] += 1
            self._head(0, status=429)
            return
        with suppress(OSError):  # the client has hung up, as it should
            ways = {"/endless": self._endless, "/drip": self._drip, "/bomb": self._bomb, "/deep": self._deep}
            ways.get(self.path, self._small)()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        COUNTS[self.client_address[0]] += self.path == "/limited"
        if COUNTS[self.client_address[0]] > LIMIT:
            self._head(0, status=429)
            return
        if body == b"crash":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        SEEN.append((dict(self.headers), body))
        self._small()

    def _head(self, length: int, encoding: str = "", status: int = 200) -> None:
        self.send_response(status)
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
def session(monkeypatch: pytest.MonkeyPatch, address: str) -> Iterator[requests.Session]:
    monkeypatch.setattr(Adapter, "place", Place())
    monkeypatch.setattr(Adapter, "base_url", address)
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


def test_who_has_used_up_an_address_goes_on_from_another(session: requests.Session, address: str) -> None:
    COUNTS.clear()
    answers = [session.post(f"{address}/limited", data=f"word {number}") for number in range(3 * LIMIT)]
    assert [answer.status_code for answer in answers] == [200] * 3 * LIMIT
    assert [body for _, body in SEEN[-3 * LIMIT :]] == [f"word {number}".encode() for number in range(3 * LIMIT)]
    assert sorted(COUNTS.values()) == [LIMIT, LIMIT + 1, LIMIT + 1]


def test_one_that_refuses_everybody_is_asked_from_few_addresses(session: requests.Session, address: str) -> None:
    COUNTS.clear()
    assert {session.get(f"{address}/refused").status_code for _ in range(20)} == {429}
    assert len(COUNTS) == 1 + USELESS_MOVES_MAX


def test_what_a_request_comes_to_where_it_is_let_in_is_not_told_as_the_refusal_before(
    session: requests.Session, address: str
) -> None:
    COUNTS.clear()
    COUNTS["127.0.0.1"] = LIMIT
    with pytest.raises(requests.ConnectionError):
        session.post(f"{address}/limited", data="crash")
    assert session.post(f"{address}/limited", data="a word").status_code == 200, "it goes on moving"


def test_where_a_forwarder_gives_addresses_nothing_moves(session: requests.Session, address: str) -> None:
    COUNTS.clear()
    Adapter.place.is_fixed = True
    assert [session.post(f"{address}/limited", data="a").status_code for _ in range(LIMIT + 2)] == [200] * LIMIT + [429] * 2
    assert len(COUNTS) == 1
