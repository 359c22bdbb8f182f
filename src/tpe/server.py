"""Serves the platform with uvicorn in this process."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from tpe.app import build_version, create_app
from tpe.settings import Settings

BACKLOG: Final = 512
KEEP_ALIVE_S: Final = 15
SHUTDOWN_S: Final = 5
"""Requests in flight have this long to end when the process is told to stop."""


class Server(uvicorn.Server):
    """uvicorn's server that ends with exit code 0 when it is told to stop.

    uvicorn raises the signal again after its shutdown, so that the process dies of it; here the process returns from
    ``serve`` and ends as any other, so that whatever runs at exit (coverage.py, for one) does run.
    """

    address: str = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say where; whoever started us may be waiting for this line."""
        await super().startup(sockets)
        if self.started:
            print(f"tpe: listening on {self.address}", file=sys.stderr, flush=True)  # noqa: T201

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT; put the former handlers back afterwards and raise nothing."""
        former = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


def bind(host: str, port: int) -> socket.socket:
    """Give a socket bound to ``host`` and ``port`` (0: a free one); OSError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then; without it answers wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def serve(settings: Settings, host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT; give the process's exit code."""
    listener = bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    config = uvicorn.Config(
        create_app(settings),
        log_level=settings.LOG_LEVEL,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    server = Server(config)
    server.address = f"http://{shown}:{listener.getsockname()[1]}"
    print(f"tpe: {build_version()}, {settings.NODE_ENV}", file=sys.stderr, flush=True)  # noqa: T201
    asyncio.run(server.serve(sockets=[listener]))
    return 0 if server.started else 1
