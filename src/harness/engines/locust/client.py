"""A small HTTP client for a generator: what was sent is what was asked for, once.

Locust's own client is built on the same sockets and parser, but tries idempotent requests again when a connection breaks, as
often as its pool is large: a dying target would look slow instead of dead.
"""

from __future__ import annotations

import errno
import socket
import ssl
import zlib
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import gevent.socket
import gevent.ssl
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketPoolResponse

from harness.engines.locust.sending import RawAnswer, SendError
from harness.model.errors import EngineError

BODY_BYTES_MAX = 32 * 1024 * 1024
_READ_BYTES = 64 * 1024
# Servers close idle connections after some seconds (uvicorn: 5); one that was idle for longer than this is not used again.
_IDLE_S_MAX = 1.0
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_INVALID_EOF_STATE = 14  # llhttp's HPE_INVALID_EOF_STATE

_KINDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.ETIMEDOUT: "connection timed out",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "host unreachable",
    errno.EADDRNOTAVAIL: "no free port",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
}


@dataclass(frozen=True)
class Address:
    """Where a target is, resolved once: a name server is no part of it."""

    host: str  # as the Host header says it
    name: str  # for the certificate
    family: int
    sockaddr: tuple[Any, ...]
    tls: ssl.SSLContext | None

    @property
    def is_loopback(self) -> bool:
        """Whether it is in 127.0.0.0/8, where we may come from any address."""
        return self.family == socket.AF_INET and str(self.sockaddr[0]).startswith("127.")


def resolve(base_url: str) -> Address:
    """The address behind `http://host:port` or `https://host:port`.

    Raises:
        EngineError: the name is not known.
    """
    parts = urlsplit(base_url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    name = parts.hostname or ""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise EngineError(f"{base_url}: the name cannot be resolved: {error}", hint="is base_url right?") from None
    family, _, _, _, sockaddr = found[0]
    tls = gevent.ssl.create_default_context() if secure else None
    return Address(parts.netloc.rpartition("@")[2], name, family, sockaddr, tls)


class Connections:
    """Open connections to one address that nobody uses now; the last one used is taken first.

    It also is the pool that `HTTPSocketPoolResponse` gives its connection back to.

    Args:
        source: the address of this machine that they come from; with "" the system chooses.
    """

    def __init__(self, address: Address, now: Any, source: str = "") -> None:
        self._address, self._source = address, source
        self._now = now
        self._idle: deque[tuple[float, Any]] = deque()
        self._closed = False

    def send(self, head: bytes, body: bytes, method: str) -> RawAnswer:
        """Sends one request and reads its whole answer.

        Raises:
            SendError: there is no whole answer; says in which way.
        """
        try:
            connection = self._take()
            with ExitStack() as undo:  # a visitor may be ended in mid-request: nothing must follow the half
                undo.callback(connection.close)
                connection.sendall(head + body)
                undo.pop_all()
            pool = cast(ConnectionPool, self)  # of which the response uses two methods
            return _read(HTTPSocketPoolResponse(connection, pool, block_size=_READ_BYTES, method=method))
        except (OSError, HTTPParseError) as error:
            raise _send_error(error) from None

    def close(self) -> None:
        """Closes them all, and those that come back."""
        self._closed = True
        while self._idle:
            self._idle.pop()[1].close()

    def return_socket(self, connection: Any) -> None:
        """A connection that can be used again."""
        if self._closed:
            connection.close()
        else:
            self._idle.append((self._now(), connection))

    def release_socket(self, connection: Any) -> None:
        """A connection that cannot."""
        connection.close()

    def _take(self) -> Any:
        while self._idle:
            since_s, connection = self._idle.pop()
            if self._now() - since_s <= _IDLE_S_MAX and not _closed_by_peer(connection):
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> Any:
        address = self._address
        connection = gevent.socket.socket(address.family, socket.SOCK_STREAM)
        with ExitStack() as undo:
            undo.callback(connection.close)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._source:
                connection.bind((self._source, 0))
            connection.connect(address.sockaddr)
            whole = address.tls.wrap_socket(connection, server_hostname=address.name) if address.tls else connection
            undo.pop_all()
        return whole


def _closed_by_peer(connection: Any) -> bool:
    """Whether an idle connection has something to read: its end, or an answer that nobody asked for."""
    if isinstance(connection, ssl.SSLSocket):
        return False  # cannot be looked into; the idle limit has to do
    try:
        connection._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _read(response: HTTPSocketPoolResponse) -> RawAnswer:
    blocks: list[bytes] = []
    size = 0
    while block := response.read(_READ_BYTES):
        blocks.append(block)
        size += len(block)
        if size > BODY_BYTES_MAX:
            response.release()
            raise SendError("answer too large", f"more than {BODY_BYTES_MAX} bytes")
    headers = {name.lower(): value for name, value in response.items()}
    return RawAnswer(response.get_code(), headers, _decoded(headers, b"".join(blocks)), _cookies(response))


def _decoded(headers: dict[str, str], body: bytes) -> bytes:
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", "") or not body:
        return body
    if coding not in ("gzip", "deflate"):
        raise SendError("not HTTP", f"content-encoding {coding} was not asked for")
    try:
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        plain = unpacker.decompress(body, BODY_BYTES_MAX)
    except zlib.error as error:
        raise SendError("not HTTP", f"content-encoding {coding}: {error}") from None
    if unpacker.unconsumed_tail:
        raise SendError("answer too large", f"more than {BODY_BYTES_MAX} bytes once unpacked")
    return plain


def _cookies(response: HTTPSocketPoolResponse) -> tuple[str, ...]:
    return tuple(value for name, value in response.items() if name.lower() == "set-cookie")


def _send_error(error: Exception) -> SendError:
    if isinstance(error, HTTPConnectionClosed):
        return SendError("connection closed", "closed before an answer")
    if isinstance(error, HTTPParseError):
        cut = "Incomplete" in str(error) or _INVALID_EOF_STATE in error.args
        return SendError("connection closed" if cut else "not HTTP", str(error))
    if isinstance(error, ssl.SSLError):
        return SendError("TLS", str(error))
    number = error.errno if isinstance(error, OSError) else None
    return SendError(_KINDS.get(number or 0, "connection failed"), str(error))
