"""A server of a few lines that knows when each request truly came: the witness of the load engine's benchmark and tests.

Run as a process of its own (`python -m bench.stub`). It prints its address, serves until its standard input ends, and answers

    POST /api/partner-auth/login      {"success": true, "token": …} to the password of STUB_PASSWORD, else 401
    GET  /api/partner-portal/leads    {"success": true, "leads": […]} to that token, else 401
    GET  /one                         {}
    GET  /_record                     when each request came, in Unix seconds, with its path; then forgets them

and, by its options, stalls, is slow, sends nothing, limits each address (429), or dies.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import secrets
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

TOKEN = secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Behaviour:
    """What the stub does besides answering. Times are in seconds after its first request."""

    stall_after_s: float = 0.0
    stall_s: float = 0.0
    delay_s: float = 0.0
    die_after: int = 0  # requests
    limit: int = 0  # requests of one address; 0: as many as it likes
    leads: int = 3
    leads_status: int = 200
    token: str = TOKEN


class Stub:
    """What all connections share."""

    def __init__(self, behaviour: Behaviour, password: str) -> None:
        self.behaviour = behaviour
        self.password = password
        self.came: list[tuple[float, str]] = []
        self.asked_by: Counter[str] = Counter()
        self.first_s = 0.0

    def wait_s(self, at_s: float) -> float:
        """How long a request that came at `at_s` waits for its answer."""
        begin_s = self.first_s + self.behaviour.stall_after_s
        left_s = begin_s + self.behaviour.stall_s - at_s if self.behaviour.stall_s and at_s >= begin_s else 0.0
        return max(left_s, 0.0) + self.behaviour.delay_s

    def answer(self, client: str, method: str, path: str, head: bytes, body: bytes) -> tuple[int, object]:
        """Status and JSON of an answer to that address."""
        self.asked_by[client] += 1
        if 0 < self.behaviour.limit < self.asked_by[client]:
            return 429, {"success": False, "message": "slow down"}
        match method, path.partition("?")[0]:
            case "POST", "/api/partner-auth/login":
                return self._log_in(body)
            case "GET", "/api/partner-portal/leads":
                return self._leads(head)
            case "GET", "/one":
                return 200, {}
            case "GET", "/_record":
                came, self.came = self.came, []
                return 200, came
        return 404, {"message": "not found"}

    def _log_in(self, body: bytes) -> tuple[int, object]:
        if json.loads(body).get("password") != self.password:
            return 401, {"success": False, "message": "wrong e-mail or password"}
        return 200, {"success": True, "token": self.behaviour.token}

    def _leads(self, head: bytes) -> tuple[int, object]:
        if f"Authorization: Bearer {TOKEN}".encode() not in head:
            return 401, {"success": False, "message": "not logged in"}
        leads = [{"id": number} for number in range(self.behaviour.leads)]
        return self.behaviour.leads_status, {"success": True, "leads": leads}


class Connection(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._buffer = b""
        self._transport: asyncio.Transport
        self._client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._client = transport.get_extra_info("peername")[0]

    def data_received(self, data: bytes) -> None:
        """Answers when a request is whole."""
        at_s = time.time()
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        length = _content_length(head)
        if not end or len(rest) < length:
            return
        self._buffer = rest[length:]
        method, path, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        stub = self._stub
        if path != "/_record":
            stub.first_s = stub.first_s or at_s
            stub.came.append((at_s, path))
            if 0 < stub.behaviour.die_after < len(stub.came):
                os._exit(9)
        wait_s = stub.wait_s(at_s)
        answer = stub.answer(self._client, method, path, head, rest[:length])
        if wait_s > 0:
            asyncio.get_running_loop().call_later(wait_s, self._send, *answer)
        else:
            self._send(*answer)

    def _send(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} Stub\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)


def _content_length(head: bytes) -> int:
    _, found, value = head.partition(b"\r\nContent-Length: ")
    return int(value.partition(b"\r\n")[0]) if found else 0


async def serve(behaviour: Behaviour) -> None:
    """Serves on a free port of the loopback until standard input ends."""
    stub = Stub(behaviour, os.environ.get("STUB_PASSWORD", ""))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", 0, backlog=4096)
    host, port = server.sockets[0].getsockname()[:2]
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    gc.freeze()
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Reads the options and serves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stall-after", type=float, default=0.0)
    parser.add_argument("--stall", type=float, default=0.0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--die-after", type=int, default=0)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--leads", type=int, default=3)
    parser.add_argument("--leads-status", type=int, default=200)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--first", action="store_true", help="run before other programs where we may: a witness must not be late")
    options = parser.parse_args()
    if options.first:
        with suppress(AttributeError, OSError):
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    behaviour = Behaviour(
        stall_after_s=options.stall_after,
        stall_s=options.stall,
        delay_s=options.delay,
        die_after=options.die_after,
        limit=options.limit,
        leads=options.leads,
        leads_status=options.leads_status,
        token=options.token,
    )
    asyncio.run(serve(behaviour))


if __name__ == "__main__":
    main()
