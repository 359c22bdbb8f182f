"""The relay between a target and its database: passes on, breaks, keeps silent, and goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from harness.targets.relay import Relay


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that gives back what it is sent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while piece := connection.recv(1024):
                connection.sendall(piece)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(timeout=2)


@pytest.fixture
def relay(echo: int) -> Iterator[Relay]:
    with Relay("127.0.0.1", echo) as opened:
        yield opened


def connected(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=1)


def said_back(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(1024)


def is_ended(connection: socket.socket) -> bool:
    try:
        return said_back(connection, b"again") == b""
    except ConnectionError:
        return True


def test_what_is_sent_is_passed_on(relay: Relay) -> None:
    with connected(relay) as connection:
        assert said_back(connection, b"hello") == b"hello"


def test_a_broken_line_ends_connections_and_refuses_new_ones(relay: Relay) -> None:
    with connected(relay) as connection:
        assert said_back(connection, b"hello") == b"hello"
        relay.refuse()
        assert is_ended(connection)
    with pytest.raises(ConnectionRefusedError):
        connected(relay)


def test_a_silent_line_holds_back_and_then_passes_on(relay: Relay) -> None:
    with connected(relay) as connection:
        assert said_back(connection, b"hello") == b"hello"
        relay.hang()
        with pytest.raises(TimeoutError):
            said_back(connection, b"again")
        relay.mend()
        assert connection.recv(1024) == b"again"


def test_a_mended_line_listens_at_the_same_port(relay: Relay) -> None:
    port = relay.port
    relay.refuse()
    relay.mend()
    assert relay.port == port
    with connected(relay) as connection:
        assert said_back(connection, b"hello") == b"hello"
