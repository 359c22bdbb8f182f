"""The forwarder says who the client is, and passes everything else on as it came."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.targets import forwarder as forwarder_module
from harness.targets import live as live_module
from harness.targets.forwarder import CLIENT_HEADER, HEAD_BYTES_MAX, REQUESTS_PER_CLIENT, Clients, Forwarder, Rewriter
from harness.targets.live import Launch, start, started
from tests.databases.lives import running
from tests.targets_runtime.conftest import shop

LOG_IN = b"/login"
TIMEOUT_S = 10.0


def rewriter() -> Rewriter:
    return Rewriter(Clients(), frozenset({LOG_IN}))


def request(line: str = "GET / HTTP/1.1", *fields: str, body: bytes = b"") -> bytes:
    return "\r\n".join([line, "Host: here", *fields, "", ""]).encode() + body


def addresses(passed: bytes) -> list[str]:
    return re.findall(r"X-Forwarded-For: ([0-9.]+)\r\n", passed.decode("latin-1"))


def without_addresses(passed: bytes) -> bytes:
    return re.sub(rb"\r\nX-Forwarded-For: ([0-9.]+)\r\nX-Real-IP: \1\r\nForwarded: for=\1(?=\r\n\r\n)", b"", passed)


class TestRewriting:
    def test_a_request_gets_the_clients_address_and_is_otherwise_the_same(self) -> None:
        sent = request("POST /x?y=1 HTTP/1.1", "x-Odd:  spaced ", "Content-Length: 3", body=b"abc")
        passed = rewriter().feed(sent)
        assert without_addresses(passed) == sent
        assert passed.count(addresses(passed)[0].encode()) == 3

    @pytest.mark.parametrize("name", ["X-Forwarded-For", "x-forwarded-for", "Forwarded", "X-Real-IP"])
    def test_what_a_client_says_of_its_address_is_taken_out(self, name: str) -> None:
        passed = rewriter().feed(request("GET / HTTP/1.1", f"{name}: 6.6.6.6", f"{name}: 7.7.7.7"))
        assert b"6.6.6.6" not in passed
        assert b"7.7.7.7" not in passed
        assert without_addresses(passed) == request()

    def test_other_headers_of_proxies_pass_as_they_may_be_an_attack(self) -> None:
        sent = request("GET / HTTP/1.1", "X-Forwarded-Host: evil.test", "X-Original-URL: /admin", "True-Client-IP: 6.6.6.6")
        assert without_addresses(rewriter().feed(sent)) == sent

    def test_a_connection_is_one_client_until_it_has_asked_often_enough(self) -> None:
        connection = rewriter()
        seen = [addresses(connection.feed(request()))[0] for _ in range(2 * REQUESTS_PER_CLIENT)]
        assert len(set(seen[:REQUESTS_PER_CLIENT])) == 1
        assert len(set(seen[REQUESTS_PER_CLIENT:])) == 1
        assert len(set(seen)) == 2

    def test_each_connection_is_another_client(self) -> None:
        clients = Clients()
        first, second = (Rewriter(clients, frozenset()).feed(request()) for _ in range(2))
        assert addresses(first) != addresses(second)

    def test_a_log_in_is_made_by_a_new_client_who_goes_on_from_there(self) -> None:
        connection = rewriter()
        lines = ("GET / HTTP/1.1", "POST /login?a=b HTTP/1.1", "GET /own HTTP/1.1", "POST /login HTTP/1.1", "GET /login HTTP/1.1")
        seen = [addresses(connection.feed(request(line)))[0] for line in lines]
        assert seen[1] == seen[2]
        assert seen[3] == seen[4]
        assert len({seen[0], seen[1], seen[3]}) == 3

    def test_a_named_client_keeps_its_address_over_connections_and_its_name_stays_here(self) -> None:
        named = request("POST /login HTTP/1.1", f"{CLIENT_HEADER}: owner")
        passed = [rewriter().feed(named) for _ in range(2)]
        assert addresses(passed[0]) == addresses(passed[1])
        assert b"owner" not in passed[0]
        assert addresses(rewriter().feed(request("GET / HTTP/1.1", f"{CLIENT_HEADER}: stranger"))) != addresses(passed[0])

    def test_a_named_client_never_has_an_address_of_the_others(self) -> None:
        clients = Clients()
        others = {clients.fresh() for _ in range(70_000)}
        assert len(others) == 65_535
        assert not others & {clients.named(str(number).encode()) for number in range(1_000)}

    @pytest.mark.parametrize(
        "head",
        [
            request("GET / HTTP/1.1", "Content-Length: 3", "Transfer-Encoding: chunked"),
            request("GET / HTTP/1.1", "Content-Length: 3", "Content-Length: 4"),
            request("GET / HTTP/1.1", "Content-Length: +3"),
            request("GET / HTTP/1.1", "Transfer-Encoding: gzip, chunked"),
            request("GET / HTTP/1.1", "Upgrade: websocket"),
        ],
    )
    def test_where_the_next_request_begins_is_not_guessed(self, head: bytes) -> None:
        connection = rewriter()
        behind = request("GET /smuggled HTTP/1.1", "X-Forwarded-For: 6.6.6.6")
        assert without_addresses(connection.feed(head + behind)) == head + behind
        assert connection.raw
        assert connection.feed(behind) == behind

    @pytest.mark.parametrize(
        "odd",
        [
            b"GET / HTTP/1.1\nHost: here\n\n",
            b"GET / HTTP/1.1\r\nHost: here\r\n folded: line\r\n\r\n",
            b"GET / HTTP/1.1\r\nName : space\r\n\r\n",
            b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nNul: \x00\r\n\r\n",
            b"GET /\r\n",
            b"GET /a b HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01 no http at all",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\r\n\r\n",
            request("GET / HTTP/1.1", "Long: " + "x" * HEAD_BYTES_MAX),
        ],
    )
    def test_what_is_no_plain_request_passes_byte_for_byte(self, odd: bytes) -> None:
        connection = rewriter()
        passed = connection.feed(odd) + connection.give_up()
        assert passed == odd
        assert connection.raw

    def test_the_beginning_of_a_head_is_held_until_the_rest_comes(self) -> None:
        connection = rewriter()
        assert connection.feed(b"GET / HT") == b""
        assert connection.waits
        assert without_addresses(connection.feed(b"TP/1.1\r\nHost: here\r\n\r\n")) == request()
        assert not connection.waits

    @given(st.lists(st.integers(1, 40), max_size=30), st.booleans())
    def test_however_the_bytes_come_the_same_goes_on(self, cuts: list[int], extensions: bool) -> None:
        extension = b";name=value" if extensions else b""
        chunks = (
            b"5" + extension + b"\r\nhello\r\n1A\r\n" + b"GET / HTTP/1.1\r\n\r\n" + b"12345678" + b"\r\n0\r\nTrailer: x\r\n\r\n"
        )
        sent = b"".join(
            (
                request("POST /a HTTP/1.1", "Transfer-Encoding: chunked", "X-Real-IP: 6.6.6.6", body=chunks),
                request("PUT /b HTTP/1.1", "Content-Length: 18", body=b"GET / HTTP/1.1\r\n\r\n"),
                request("DELETE /c HTTP/1.0", "Content-Length: 0"),
                request("POST /d HTTP/1.1", "Transfer-Encoding: Chunked", body=b"0\r\n\r\n"),
                request("GET /e HTTP/1.1"),
            )
        )
        connection, passed, left = rewriter(), b"", sent
        for cut in cuts:
            passed += connection.feed(left[:cut])
            left = left[cut:]
        passed += connection.feed(left)
        assert not connection.raw
        assert not connection.waits
        assert len(addresses(passed)) == 5
        assert without_addresses(passed) == sent.replace(b"X-Real-IP: 6.6.6.6\r\n", b"")

    @pytest.mark.parametrize("line", [b"x\r\n", b"-1\r\n", b"f" * 16 + b"\r\n", b"1" * 5_000])
    def test_a_body_in_odd_chunks_passes_and_nothing_behind_it_is_read(self, line: bytes) -> None:
        connection = rewriter()
        sent = request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=line + request())
        assert without_addresses(connection.feed(sent)) == sent
        assert connection.raw


Handler = Callable[[socket.socket], None]


@contextmanager
def listening(handle: Handler) -> Iterator[int]:
    """A target that treats its one connection as `handle` says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.settimeout(TIMEOUT_S)
                handle(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


@contextmanager
def forwarding(target_port: int) -> Iterator[socket.socket]:
    """A connection to a forwarder that runs on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        listening = Forwarder(("127.0.0.1", target_port), frozenset({LOG_IN})).listen("127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(listening, loop).result(TIMEOUT_S)
        with socket.create_connection(server.sockets[0].getsockname(), timeout=TIMEOUT_S) as client:
            yield client
        loop.call_soon_threadsafe(server.close)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT_S)
        loop.close()


def everything(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def head(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += connection.recv(1)
    return received


class TestPassingOn:
    def test_an_answer_passes_unread_and_its_end_with_it(self) -> None:
        answer = b"HTTP/9.9 nonsense\r\n\x00\xff" + bytes(range(256)) * 400

        def handle(connection: socket.socket) -> None:
            head(connection)
            connection.sendall(answer)

        with listening(handle) as port, forwarding(port) as client:
            client.sendall(request())
            assert everything(client) == answer

    def test_a_body_waits_for_100_continue_as_without_it(self) -> None:
        def handle(connection: socket.socket) -> None:
            assert b"Expect: 100-continue" in head(connection)
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            assert connection.recv(4, socket.MSG_WAITALL) == b"body"
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        with listening(handle) as port, forwarding(port) as client:
            client.sendall(request("POST / HTTP/1.1", "Content-Length: 4", "Expect: 100-continue"))
            assert head(client).startswith(b"HTTP/1.1 100")
            client.sendall(b"body")
            assert everything(client).startswith(b"HTTP/1.1 200")

    def test_an_answer_to_head_and_the_next_request_share_a_connection(self) -> None:
        def handle(connection: socket.socket) -> None:
            for _ in range(2):
                head(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")

        with listening(handle) as port, forwarding(port) as client:
            for _ in range(2):
                client.sendall(request("HEAD / HTTP/1.1"))
                assert head(client).endswith(b"Content-Length: 1000\r\n\r\n")

    def test_a_target_that_closes_with_a_reset_after_its_answer_loses_none_of_it(self) -> None:
        def handle(connection: socket.socket) -> None:
            head(connection)
            connection.sendall(b"HTTP/1.1 413 Too large\r\n\r\n")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

        with listening(handle) as port, forwarding(port) as client:
            client.sendall(request("POST / HTTP/1.1", "Content-Length: 100000"))
            assert head(client).startswith(b"HTTP/1.1 413")

    def test_a_head_that_never_ends_reaches_the_target_after_a_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(forwarder_module, "PATIENCE_S", 0.05)

        def handle(connection: socket.socket) -> None:
            assert connection.recv(100) == b"GET / HTTP/1.1\r\nSlow: "
            connection.sendall(b"HTTP/1.1 408 Too slow\r\n\r\n")

        with listening(handle) as port, forwarding(port) as client:
            client.sendall(b"GET / HTTP/1.1\r\nSlow: ")
            assert everything(client).startswith(b"HTTP/1.1 408")

    def test_a_client_that_sends_no_more_still_gets_its_answer(self) -> None:
        def handle(connection: socket.socket) -> None:
            assert everything(connection) == b"half a head"
            connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")

        with listening(handle) as port, forwarding(port) as client:
            client.sendall(b"half a head")
            client.shutdown(socket.SHUT_WR)
            assert everything(client) == b"HTTP/1.1 400 Bad\r\n\r\n"

    def test_an_endless_answer_goes_no_faster_than_it_is_read(self) -> None:
        sent = 0

        def handle(connection: socket.socket) -> None:
            nonlocal sent
            head(connection)
            connection.settimeout(1.0)
            with suppress(OSError):  # a time-out or a reset: either is the end of reading
                while sent < 256 * 1024 * 1024:
                    sent += connection.send(bytes(65_536))

        with listening(handle) as port, forwarding(port) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            client.sendall(request())
            assert client.recv(1)
        assert sent < 32 * 1024 * 1024

    def test_a_target_that_is_away_ends_the_connection(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with forwarding(port) as client:
            assert everything(client) == b""


BEHIND_PROXY = {"SHOP_PASSWORD": "x", "SHOP_PROXY": "{trusted_proxy}", "SHOP_URL": "{base_url}"}
Launcher = Callable[..., Launch]


class TestBeforeATarget:
    def test_a_target_that_knows_a_trusted_proxy_is_reached_through_one(self, launch: Launcher) -> None:
        with started(shop(variables=BEHIND_PROXY), launch()) as live:
            assert live.base_url != live.direct_url
            assert live.alive()
            with live.client() as http, live.seen_from("127.0.0.2").client() as stranger:
                seen = http.get("/environment").json()
                assert (seen["SHOP_PROXY"], seen["SHOP_URL"]) == ("127.0.0.1", live.base_url)
                assert re.fullmatch(
                    r"198\.18\.[0-9.]+", http.get("/me", headers={"X-Forwarded-For": "6.6.6.6"}).json()["forwarded"]
                )
                assert stranger.get("/me", headers={"X-Forwarded-For": "6.6.6.6"}).json()["forwarded"] == "6.6.6.6"
            assert live.forwarder is not None
            pid = live.forwarder.pid
            assert running(pid)
        assert not running(pid)

    def test_a_target_without_one_is_reached_directly(self, launch: Launcher) -> None:
        with started(shop(), launch()) as live:
            assert live.base_url == live.direct_url
            assert live.forwarder is None

    def test_it_stays_when_the_target_is_restarted(self, launch: Launcher) -> None:
        with started(shop(variables=BEHIND_PROXY), launch()) as live:
            before, forwarder = (live.base_url, live.direct_url), live.forwarder
            live.restart()
            assert (live.base_url, live.direct_url) == before
            assert live.forwarder is forwarder
            assert live.alive()

    def test_a_port_that_somebody_takes_first_is_tried_again(self, launch: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            taken = holder.getsockname()[1]
            ports = iter([taken, live_module.free_port(), live_module.free_port(), live_module.free_port()])
            monkeypatch.setattr(live_module, "free_port", lambda: next(ports))
            live = start(shop("slow", variables=BEHIND_PROXY), launch())
            try:
                assert not live.base_url.endswith(f":{taken}")
                assert live.alive()
            finally:
                live.stop()
