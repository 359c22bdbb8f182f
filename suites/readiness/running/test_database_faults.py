"""A database that is stopped, killed, frozen or full: the platform lives, says so, recovers by itself, and loses no write."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from fixtures.platforms import Platforms
from fixtures.postgres_servers import PostgresServer, postgres_server
from harness.targets.live import LiveTarget

WRITERS = 4
WRITE_EVERY_S = 0.05
ENOUGH = 20
"""Acknowledged writes before the fault and after it."""
ANSWERED_S_MAX = 30.0
"""Two requests, each at most three seconds for a connection and eight with it, on a machine that does other things too."""
TOLD_S_MAX = 20.0
RECOVERY_S_MAX = 30.0
CLEAR = {412, 503}
"""What a writer may be told besides 201: try later; or, where its last write was kept and its answer lost, read again."""


@dataclass
class Written:
    """What writers were told. A write that got no clear answer may be there or not; an acknowledged one must."""

    acknowledged: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    unanswered: int = 0
    slowest_s: float = 0.0


class Writers:
    """Partners that write notes with a text of their own each, at a steady rate, whatever the platform answers."""

    def __init__(self, live: LiveTarget) -> None:
        self.written = Written()
        self._live = live
        self._over = threading.Event()
        self._lock = threading.Lock()
        kind = live.target.objects[0]
        role = live.target.role(kind.role)
        self._credential = live.sign_in(role, role.users[0])
        with live.client(self._credential) as http:
            self._leads = [lead["id"] for lead in http.get(kind.list_path, params={"limit": "100"}).json()["leads"]]
        self._path = f"{kind.list_path}/{{}}/notes"
        self._threads = [threading.Thread(target=self._write, args=(number,), daemon=True) for number in range(WRITERS)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(ANSWERED_S_MAX * 2)

    def acknowledged_so_far(self) -> int:
        """How many writes were acknowledged until now."""
        return len(self.written.acknowledged)

    def _write(self, number: int) -> None:
        mine = itertools.cycle(self._leads[number::WRITERS])
        with self._live.client(self._credential) as http:
            for turn in itertools.count():
                if self._over.wait(WRITE_EVERY_S):
                    return
                self._once(http, next(mine), f"note {number}-{turn}-{time.monotonic_ns()}")

    def _once(self, http: httpx.Client, lead: int, text: str) -> None:
        begun, status = time.monotonic(), 0
        try:
            path = self._path.format(lead)
            found = http.get(path.removesuffix("/notes"))
            status = found.status_code
            if status == 200:
                status = http.post(path, json={"body": text}, headers={"If-Match": found.headers["etag"]}).status_code
        except httpx.HTTPError:
            status = 0
        with self._lock:
            self.written.slowest_s = max(self.written.slowest_s, time.monotonic() - begun)
            if status == 201:
                self.written.acknowledged.append(text)
            elif status:
                self.written.statuses.append(status)
            else:
                self.written.unanswered += 1


def until(condition: Callable[[], bool], seconds: float) -> float:
    """Waits until something holds, and gives how long that took; the test fails when it does not in time."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if condition():
            return time.monotonic() - begun
        time.sleep(0.1)
    pytest.fail(f"it did not come to pass within {seconds:g} s")


def readiness(live: LiveTarget) -> int:
    with live.client() as http:
        try:
            return http.get(live.target.health_path).status_code
        except httpx.HTTPError:
            return 0


def lost(server: PostgresServer, written: Written) -> list[str]:
    with psycopg.connect(server.dsn) as connection:
        kept = {text for (text,) in connection.execute("SELECT body FROM lead_notes WHERE body LIKE 'note %'")}
    return [text for text in written.acknowledged if text not in kept]


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
        assert lost(server, written) == []
    assert set(written.statuses) <= CLEAR, f"not a clear refusal: {sorted(set(written.statuses) - CLEAR)}"
    assert written.slowest_s <= ANSWERED_S_MAX
    assert written.unanswered == 0, "the platform answered nothing at all"
