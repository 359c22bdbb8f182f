"""The database: one bounded pool per process, short helpers for typed rows.

Connections are in autocommit; a read is one statement, a write is a ``transaction()``. Whatever keeps a statement from
being run (no connection free, server away, time limit) becomes UnavailableError, so that a caller gets 503 and the
process lives.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg.rows import TupleRow, class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from tpe.infra.problems import UnavailableError

_log = logging.getLogger("tpe.db")

Row = TypeVar("Row")
Params = Mapping[str, Any]

CONNECT_TIMEOUT_S = 3
CHECKOUT_TIMEOUT_S = 3.0
"""How long a request waits for a connection before it is told 503."""
CHECKOUTS_WAITING_MAX = 200
"""Requests that may wait for a connection at once; more are told 503 at once."""
RECONNECT_TIMEOUT_S = 3.0
"""The pool's own attempts back off up to this; then the next request tries anew, so recovery is noticed within seconds."""
STATEMENT_TIMEOUT_MS = 5_000
"""The server ends a statement of ours after this."""
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000
CONNECTION_HELD_S_MAX = 8.0
"""A request that holds a connection longer has it cut: the server's own limits do not help when the server is frozen."""
CHECK_TIMEOUT_S = 1.0
"""How long a connection from the pool may take to show that it still works."""

CHECKED_EVERY_S = 1.0
"""A connection that answered less than this ago is lent again without asking it: a round trip less for each request."""

CONNECTIONS_KEPT_FREE: Final = 5
"""Of the server's connections, left for migrations, backups and the people who look after it."""

_LIMITS: Final = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true), '0')::int
"""

_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, TooManyRequests)


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection that knows when it last showed that it works."""

    checked_at: float = 0.0


class Database:
    """A pool of connections. ``open`` never waits for the server: the process starts without it and says 503."""

    def __init__(self, conninfo: str, *, size_max: int, processes: int = 1) -> None:
        self._wanted = size_max * processes + CONNECTIONS_KEPT_FREE
        self._fits: bool | None = None
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo,
            min_size=min(2, size_max),
            max_size=size_max,
            max_waiting=CHECKOUTS_WAITING_MAX,
            timeout=CHECKOUT_TIMEOUT_S,
            connection_class=Connection,
            check=_check,
            reconnect_timeout=RECONNECT_TIMEOUT_S,
            open=False,
            name="tpe",
            kwargs={
                "autocommit": True,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": "tpe",
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
                # A plan made for no value in particular reads a whole partner where a value's own reads an index.
                " -c plan_cache_mode=force_custom_plan"
                f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}",
            },
        )

    async def open(self) -> None:
        """Start connecting in the background."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections, waiting 5 s at most for those in use."""
        await self._pool.close(timeout=5)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit, for reads; UnavailableError when the database does not answer."""
        try:
            async with self._pool.connection() as connection:
                with _cut_after(connection, CONNECTION_HELD_S_MAX):
                    yield connection
        except _AWAY as error:
            raise UnavailableError from error

    async def ping(self, timeout_s: float) -> None:
        """Run a statement; UnavailableError when it is not answered within ``timeout_s`` seconds.

        Also when the server has fewer connections than the pools of all processes may take together: said here, before
        traffic comes, and not by the request that finds none left.
        """
        task = asyncio.ensure_future(self._select_one())
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
        if not done:  # left to end by itself, within the limits below: psycopg waits for the server even when cancelled
            task.add_done_callback(lambda late: late.exception())
            raise UnavailableError
        task.result()

    async def _select_one(self) -> None:
        async with self.connection() as connection:
            if self._fits:
                await connection.execute("SELECT 1")
                return
            allowed = await fetch_value(connection, _LIMITS, {})
            self._fits = self._wanted <= allowed
        if not self._fits:
            _log.error("the pools of all processes want %d connections and the server has %d", self._wanted, allowed)
            raise UnavailableError

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction, for writes; rolled back when the block raises."""
        async with self.connection() as connection, connection.transaction():
            yield connection


async def fetch_one(connection: Connection, row: type[Row], statement: LiteralString, params: Params) -> Row | None:
    """Run a statement and give its first row as ``row`` (a dataclass with the columns' names), or None."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(statement, params)
        return await cursor.fetchone()


async def fetch_all(connection: Connection, row: type[Row], statement: LiteralString, params: Params) -> list[Row]:
    """Run a statement and give all its rows as ``row``; the statement itself bounds how many there are."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(statement, params)
        return await cursor.fetchall()


async def fetch_value(connection: Connection, statement: LiteralString, params: Params) -> Any:
    """Run a statement and give the only column of its only row; None when there is no row."""
    cursor = await connection.execute(statement, params)
    found = await cursor.fetchone()
    return None if found is None else found[0]


async def execute(connection: Connection, statement: LiteralString, params: Params) -> int:
    """Run a statement and give how many rows it touched."""
    cursor = await connection.execute(statement, params)
    return cursor.rowcount


async def _check(connection: Connection) -> None:
    """Tell the pool whether a connection still works, by raising when it does not."""
    now = time.monotonic()
    if now - connection.checked_at < CHECKED_EVERY_S:
        return
    with _cut_after(connection, CHECK_TIMEOUT_S):
        await AsyncConnectionPool.check_connection(connection)
    connection.checked_at = now


@contextmanager
def _cut_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Cut the connection when the block lasts longer: what waits on it then fails as if the server had gone.

    A time limit by cancelling would not do: psycopg then asks the server to cancel and waits for it, without end.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: Connection) -> None:
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as duplicate, suppress(OSError):
        duplicate.shutdown(socket.SHUT_RDWR)
