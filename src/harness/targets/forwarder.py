"""The trusted proxy in front of a target: gives each simulated client an address of its own and passes everything else on.

Run as a script by `harness.targets.forwarding` under `python -I -S` (standard library only, so that it starts in some 60 ms);
the order is JSON in the first argument. It reads as much of a request as it takes to find where the next one begins, takes
out what the client says of its own address (`CLAIMS`) and puts in its own. What is no plain HTTP/1.1 is not understood and
not changed: from there on the connection's bytes pass as they are. Answers are never read.

Who is one client: a connection is, until it has sent `REQUESTS_PER_CLIENT` requests or logs in; then it goes on as the next
one. A request that names its client (`CLIENT_HEADER`) comes from that one's address, whatever its connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import itertools
import json
import re
import signal
import sys
from typing import Any, Final

REQUESTS_PER_CLIENT: Final = 20
CLIENT_HEADER: Final = "X-Harness-Client"
CLAIMS: Final = (b"x-forwarded-for", b"forwarded", b"x-real-ip")
"""Headers that a proxy sets and a client may not: taken out, and set anew."""
HEAD_BYTES_MAX: Final = 65_536
"""A longer head passes as it is; the target may refuse it."""
HELD_BYTES_MAX: Final = 65_536
"""What one direction of one connection holds when the other side does not read; then its sender is not read either."""
CONNECTIONS_MAX: Final = 2_048
PATIENCE_S: Final = 0.5
"""How long the rest of a head may take to come; then its beginning passes as it is: a target has time limits of its own."""
LINGER_S: Final = 60.0
"""How long an answer may still come after the client has said that it sends no more."""
BACKLOG: Final = 512

NETWORK: Final = ipaddress.ip_network("198.18.0.0/15")
"""Reserved for tests of network devices (RFC 2544): no real client's. The upper half is for clients that have a name."""
_HALF: Final = NETWORK.num_addresses // 2

_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ ([^\x00-\x20\x7f]+) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00\r\n]*)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\x00]*)?")
_CHUNK_LINE_BYTES_MAX = 4_096


class Clients:
    """Addresses for simulated clients: the next one, or that of a name."""

    def __init__(self) -> None:
        self._next = itertools.count(1)

    def fresh(self) -> str:
        """An address that no client had before, until all 65,535 were given."""
        return str(NETWORK[1 + next(self._next) % (_HALF - 1)])

    def named(self, name: bytes) -> str:
        """The address of a name: the same one every time."""
        number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big")
        return str(NETWORK[_HALF + number % _HALF])


class Rewriter:
    """Takes what a connection's client sends, piece by piece, and gives what the target shall get."""

    def __init__(self, clients: Clients, log_in_paths: frozenset[bytes]) -> None:
        self._clients = clients
        self._log_in_paths = log_in_paths
        self._address = ""
        self._requests = 0
        self._pending = b""  # a head, or the line of a chunk, that has not come to its end
        self._left = 0  # bytes of a body, or of a chunk with its line end, that pass unread
        self._chunked = False
        self._trailers = False
        self.raw = False

    def feed(self, data: bytes) -> bytes:
        """What can be passed on now; bytes are held back only until a head or a line of a chunk is whole."""
        out = []
        data, self._pending = self._pending + data, b""
        while data:
            if self.raw:
                out.append(data)
                break
            if self._left:
                out.append(data[: self._left])
                data, self._left = data[self._left :], max(0, self._left - len(data))
                continue
            taken, passed = self._line(data) if self._chunked else self._head(data)
            if not taken:
                self._pending = data
                break
            out.append(passed)
            data = data[taken:]
        return b"".join(out)

    def _head(self, data: bytes) -> tuple[int, bytes]:
        """How much of `data` a head takes, and what stands for it; nothing where its end has not come yet."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > HEAD_BYTES_MAX or not _may_begin_a_head(data):
                return self._give_up(data)
            return 0, b""
        line, *fields = data[:end].split(b"\r\n")
        request, parsed = _REQUEST_LINE.fullmatch(line), [_FIELD.fullmatch(field) for field in fields]
        if request is None or None in parsed or end > HEAD_BYTES_MAX:
            return self._give_up(data)
        named = [(match[1].lower(), match[2].strip(b" \t")) for match in parsed if match]
        self.raw = not self._frame(named)
        address = self._client(line, request[1], named)
        own = CLIENT_HEADER.lower().encode()
        kept = [field for field, (name, _) in zip(fields, named, strict=True) if name not in CLAIMS and name != own]
        said = f"X-Forwarded-For: {address}\r\nX-Real-IP: {address}\r\nForwarded: for={address}".encode()
        return end + 4, b"\r\n".join((line, *kept, said)) + b"\r\n\r\n"

    def _frame(self, named: list[tuple[bytes, bytes]]) -> bool:
        """Learns where the body ends; False where that is not beyond doubt, or where another protocol begins."""
        lengths = [value for name, value in named if name == b"content-length"]
        codings = [value.lower() for name, value in named if name == b"transfer-encoding"]
        if any(name == b"upgrade" for name, _ in named) or len(lengths) + len(codings) > 1:
            return False
        if lengths and not (lengths[0].isdigit() and len(lengths[0]) < 19):
            return False
        if codings and codings[0] != b"chunked":
            return False
        self._left, self._chunked = int(lengths[0]) if lengths else 0, bool(codings)
        return True

    def _client(self, line: bytes, target: bytes, named: list[tuple[bytes, bytes]]) -> str:
        names = [value for name, value in named if name == CLIENT_HEADER.lower().encode()]
        if names:
            return self._clients.named(names[0])
        logs_in = line.startswith(b"POST ") and target.partition(b"?")[0] in self._log_in_paths
        if logs_in or self._requests % REQUESTS_PER_CLIENT == 0:
            self._address, self._requests = self._clients.fresh(), 0
        self._requests += 1
        return self._address

    def _line(self, data: bytes) -> tuple[int, bytes]:
        """A line of a chunked body: the size of the next chunk, or a trailer."""
        end = data.find(b"\r\n")
        if end < 0:
            return (0, b"") if len(data) <= _CHUNK_LINE_BYTES_MAX else self._give_up(data)
        if self._trailers:
            self._trailers = self._chunked = end > 0
        else:
            size = _CHUNK_SIZE.fullmatch(data[:end])
            if size is None:
                return self._give_up(data)
            length = int(size[1], 16)
            self._left, self._trailers = length + 2 if length else 0, not length
        return end + 2, data[: end + 2]

    @property
    def waits(self) -> bool:
        """Whether bytes are held back until more of them come."""
        return bool(self._pending)

    def give_up(self) -> bytes:
        """What was held back: more of it is not waited for, and the rest of the connection passes as it is."""
        held, self._pending, self.raw = self._pending, b"", True
        return held

    def _give_up(self, data: bytes) -> tuple[int, bytes]:
        self.raw = True
        return len(data), data


def _may_begin_a_head(data: bytes) -> bool:
    """Whether so far nothing speaks against a head: what can be none must reach the target at once, as it would without us."""
    first, complete, _ = data.partition(b"\r\n")
    if b"\n" in first or b"\x00" in first:
        return False
    return _REQUEST_LINE.fullmatch(first) is not None if complete else True


class _Side(asyncio.Protocol):
    """One of the two connections of a client; each writes what the other reads, no faster than it is taken."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=HELD_BYTES_MAX)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Passes the end of sending on and keeps the way back open."""
        other = self.other.transport if self.other else None
        if other is None or other.is_closing():
            return False
        if other.can_write_eof():
            other.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        other = self.other.transport if self.other else None
        if other is not None and not other.is_closing():
            if exc is None or other.get_write_buffer_size():
                other.close()
            else:
                other.abort()


class _ToTarget(_Side):
    """The connection to the target. When it sends no more, neither do we: HTTP answers end with their connection."""

    def eof_received(self) -> bool:
        return False


class _FromClient(_Side):
    """A client's connection; the one to the target is made for it."""

    def __init__(self, forwarder: Forwarder) -> None:
        super().__init__()
        self._forwarder = forwarder
        self._rewriter = Rewriter(forwarder.clients, forwarder.log_in_paths)
        self._opening: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        if not self._forwarder.admit(self):
            self.transport.abort()
            return
        loop = asyncio.get_running_loop()
        # Not paused at once: before Python 3.11.4 reading begins after this call all the same.
        loop.call_soon(self.transport.pause_reading)
        self._opening = loop.create_task(self._open())

    def data_received(self, data: bytes) -> None:
        super().data_received(self._rewriter.feed(data))
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._rewriter.waits:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._pass_held)

    def _pass_held(self) -> None:
        super().data_received(self._rewriter.give_up())

    def eof_received(self) -> bool:
        self._pass_held()
        stays = super().eof_received()
        if stays and self.transport is not None:
            asyncio.get_running_loop().call_later(LINGER_S, self.transport.abort)
        return stays

    def connection_lost(self, exc: Exception | None) -> None:
        self._forwarder.release(self)
        if self._opening is not None:
            self._opening.cancel()
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    async def _open(self) -> None:
        assert self.transport is not None
        try:
            _, side = await asyncio.get_running_loop().create_connection(_ToTarget, *self._forwarder.target)
        except OSError:
            self.transport.abort()
            return
        self.other, side.other = side, self
        if self.transport.is_closing():
            self.connection_lost(None)
        else:
            self.transport.resume_reading()


class Forwarder:
    """All connections of one target."""

    def __init__(self, target: tuple[str, int], log_in_paths: frozenset[bytes]) -> None:
        self.target = target
        self.log_in_paths = log_in_paths
        self.clients = Clients()
        self._open: set[_FromClient] = set()

    def admit(self, client: _FromClient) -> bool:
        """Counts a connection in; False where there are too many."""
        if len(self._open) >= CONNECTIONS_MAX:
            return False
        self._open.add(client)
        return True

    def release(self, client: _FromClient) -> None:
        """Counts a connection out."""
        self._open.discard(client)

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Starts to accept connections; OSError where the address is taken."""
        return await asyncio.get_running_loop().create_server(lambda: _FromClient(self), host, port, backlog=BACKLOG)


async def serve(order: dict[str, Any]) -> None:
    """Serves until SIGTERM: `host`, `port`, `target_port` and `log_in_paths` stand in the order."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    paths = frozenset(str(path).encode() for path in order["log_in_paths"])
    server = await Forwarder((order["host"], order["target_port"]), paths).listen(order["host"], order["port"])
    await stop.wait()
    server.close()


def main() -> int:
    """Does what the first argument orders; 1 where the address is taken."""
    order = json.loads(sys.argv[1])
    try:
        asyncio.run(serve(order))
    except OSError as error:
        sys.stderr.write(f"forwarder: {order['host']}:{order['port']}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
