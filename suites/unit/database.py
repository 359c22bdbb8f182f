"""Services on a real database, called from tests that are not asynchronous."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from tpe.auth.passwords import Passwords
from tpe.infra.db import Database, execute, fetch_value

Result = TypeVar("Result")
CONNECTIONS = 4


@dataclass(frozen=True)
class Services:
    """A database and a hasher on an event loop of their own."""

    conninfo: str = field(repr=False)
    db: Database
    passwords: Passwords
    password: str = field(repr=False)
    """Of the demo accounts."""
    portal: BlockingPortal

    def run(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Run ``work`` on the event loop and give its result, or raise what it raises."""

        async def awaited() -> Result:
            return await work()

        return self.portal.call(awaited)

    def value(self, statement: LiteralString, **values: Any) -> Any:
        """Give the only value that a statement of the test's own finds."""

        async def ask() -> Any:
            async with self.db.connection() as connection:
                return await fetch_value(connection, statement, values)

        return self.run(ask)

    def write(self, statement: LiteralString, **values: Any) -> None:
        """Run a statement of the test's own."""

        async def change() -> None:
            async with self.db.transaction() as connection:
                await execute(connection, statement, values)

        self.run(change)


@contextmanager
def services_on(dsn: str, password: str) -> Iterator[Services]:
    """Open the services on a migrated and seeded database."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Database]:
        database = Database(dsn, size_max=CONNECTIONS)
        await database.open()
        try:
            yield database
        finally:
            await database.close()

    passwords = Passwords(threads=2)
    try:
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(opened()) as database:
            yield Services(dsn, database, passwords, password, portal)
    finally:
        passwords.close()
