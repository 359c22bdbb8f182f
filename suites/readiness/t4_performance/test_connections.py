"""Connections are pooled and bounded, and the pools of all processes fit the server."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from fixtures.platforms import Platforms
from harness.targets.live import LiveTarget

POOL = 3
CALLERS = 24
REQUESTS_EACH = 4
WATCH_EVERY_S = 0.01
LIMITS = (
    "SELECT name, setting::int FROM pg_settings"
    " WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')"
)
PROCESSES = 4
PING_TIMEOUT_S = 20.0
PLATFORM = (  # the server's own workers (autovacuum, parallel scans) are nobody's connections
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class Watch:
    """Counts the database's connections all the while, in a `with` block."""

    def __init__(self, dsn: str) -> None:
        self.most = 0
        self._dsn = dsn
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _count(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._over.wait(WATCH_EVERY_S):
                row = connection.execute(PLATFORM).fetchone()
                self.most = max(self.most, int(row[0]) if row else 0)


def ask_often(live: LiveTarget) -> list[int]:
    """The statuses of some requests of one caller, each with a connection of its own."""
    kind = live.target.objects[0]
    role = live.target.role(kind.role)
    with live.client(live.sign_in(role, role.users[0])) as http:
        return [http.get(kind.list_path).status_code for _ in range(REQUESTS_EACH)]


@pytest.mark.proves("4.1.4.a")
@pytest.mark.usefixtures("reference_source")
def test_the_platform_holds_no_more_connections_than_its_pool_however_many_ask(platforms: Platforms) -> None:
    with (
        platforms.database() as dsn,
        platforms.on(dsn, {"DB_POOL_SIZE_MAX": str(POOL)}) as live,
        Watch(dsn) as watch,
        ThreadPoolExecutor(CALLERS) as callers,
    ):
        statuses = [status for done in callers.map(ask_often, [live] * CALLERS) for status in done]
    assert statuses == [200] * CALLERS * REQUESTS_EACH
    assert 0 < watch.most <= POOL


def is_ready(dsn: str, size_max: int, processes: int) -> bool:
    """Whether a process of the platform with such a pool, one of so many, would call itself ready."""
    from tpe.infra.db import Database
    from tpe.infra.problems import UnavailableError

    async def ask() -> bool:
        database = Database(dsn, size_max=size_max, processes=processes)
        await database.open()
        try:
            await database.ping(PING_TIMEOUT_S)
        except UnavailableError:
            return False
        finally:
            await database.close()
        return True

    return asyncio.run(ask())


@pytest.mark.proves("4.3.5.a")
@pytest.mark.usefixtures("reference_source")
def test_a_process_whose_pool_does_not_fit_the_server_with_the_others_is_not_ready(platforms: Platforms) -> None:
    from tpe.infra.db import CONNECTIONS_KEPT_FREE

    with platforms.database() as dsn:
        with psycopg.connect(dsn) as connection:
            limits = dict(connection.execute(LIMITS).fetchall())
        free = limits["max_connections"] - limits["superuser_reserved_connections"] - limits.get("reserved_connections", 0)
        fitting = (free - CONNECTIONS_KEPT_FREE) // PROCESSES
        assert is_ready(dsn, fitting, PROCESSES)
        assert not is_ready(dsn, fitting + 1, PROCESSES)
