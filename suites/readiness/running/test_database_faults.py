"""A database that is stopped, killed, frozen or full: the platform lives, says so, recovers by itself, and loses no write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest

from fixtures.platforms import Platforms
from fixtures.postgres_servers import PostgresServer, postgres_server
from fixtures.writers import ANSWERED_S_MAX, Writers, lost, until
from harness.targets.live import LiveTarget

ENOUGH = 20
"""Acknowledged writes before the fault and after it."""
TOLD_S_MAX = 20.0
RECOVERY_S_MAX = 30.0
CLEAR = {412, 503}
"""What a writer may be told besides 201: try later; or, where its last write was kept and its answer lost, read again."""


def readiness(live: LiveTarget) -> int:
    with live.client() as http:
        try:
            return http.get(live.target.health_path).status_code
        except httpx.HTTPError:
            return 0


def stopped(server: PostgresServer) -> Callable[[], None]:
    server.stop()
    return server.start


def killed(server: PostgresServer) -> Callable[[], None]:
    server.kill()
    return server.start


def frozen(server: PostgresServer) -> Callable[[], None]:
    server.freeze()
    return server.thaw


def out_of_connections(server: PostgresServer) -> Callable[[], None]:
    """The server gives the platform no connection any more, and takes those that it has."""
    administer(server, f"ALTER ROLE {server.access.role} CONNECTION LIMIT 0")
    administer(server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tpe'")
    return lambda: administer(server, f"ALTER ROLE {server.access.role} CONNECTION LIMIT -1")


def administer(server: PostgresServer, statement: str) -> None:
    with psycopg.connect(server.access.admin_dsn(), autocommit=True) as connection:
        connection.execute(statement.encode())


def slow(server: PostgresServer) -> Callable[[], None]:
    """Everything answers, but whoever wants a lead waits."""
    holder = psycopg.connect(server.dsn)
    holder.execute("LOCK TABLE contractor_partner_matches IN ACCESS EXCLUSIVE MODE")
    return holder.close


@pytest.mark.slow
@pytest.mark.parametrize("fault", [stopped, killed, frozen, out_of_connections, slow], ids=lambda fault: fault.__name__)
def test_a_fault_of_the_database_is_told_and_survived_and_loses_no_acknowledged_write(
    platforms: Platforms, reference_source: Path, tmp_path: Path, fault: Callable[[PostgresServer], Callable[[], None]]
) -> None:
    del reference_source
    with (
        postgres_server(platforms, tmp_path / "postgres.log") as server,
        platforms.on(server.dsn) as live,
    ):
        pid = live.pid
        with Writers(live) as writers:
            until(lambda: writers.acknowledged_so_far() >= ENOUGH, RECOVERY_S_MAX)
            mend = fault(server)
            # A slow table says nothing of the database as a whole: then it is those who want it that are told.
            until(lambda: 503 in writers.written.statuses if fault is slow else readiness(live) == 503, TOLD_S_MAX)
            mend()
            until(lambda: readiness(live) == 200, RECOVERY_S_MAX)
            before = writers.acknowledged_so_far()
            until(lambda: writers.acknowledged_so_far() >= before + ENOUGH, RECOVERY_S_MAX)
        written = writers.written
        assert (live.pid, live.alive()) == (pid, True)
        assert lost(server.dsn, written) == []
    assert set(written.statuses) <= CLEAR, f"not a clear refusal: {sorted(set(written.statuses) - CLEAR)}"
    assert written.slowest_s <= ANSWERED_S_MAX
    assert written.unanswered == 0, "the platform answered nothing at all"
