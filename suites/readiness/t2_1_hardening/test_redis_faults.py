"""Without Redis the platform serves on, says so, and goes back to it by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redis

from fixtures.platforms import Platforms
from fixtures.redis_servers import RedisServer, redis_server
from fixtures.writers import Writers, lost, until
from harness.targets.live import LiveTarget

pytestmark = pytest.mark.slow

ALIVE, READY = "/api/health/live", "/api/health/ready"
ANSWER_S_MAX = 3.0
"""A request may be kept waiting by Redis once, for a fraction of this; the rest is the machine's."""
BACK_S_MAX = 10.0
STRANGER = "127.0.0.51"
WRITES = 10
"""Acknowledged while Redis is away."""
STANDSTILL_S = 0.2


@contextmanager
def serving(platforms: Platforms, folder: Path, **redis_options: str) -> Iterator[tuple[LiveTarget, RedisServer, httpx.Client]]:
    """A platform with a Redis of its own, and its first user logged in."""
    with redis_server(folder, **redis_options) as server, platforms.started(server.variables) as live:  # type: ignore[arg-type]
        role = live.target.role(live.target.objects[0].role)
        with live.client(live.sign_in(role, role.users[0])) as http:
            yield live, server, http


def served(http: httpx.Client, path: str, times: int = 10) -> None:
    for _ in range(times):
        begun = time.monotonic()
        assert http.get(path).status_code == 200
        assert time.monotonic() - begun < ANSWER_S_MAX


def limited_after(live: LiveTarget, source: str) -> int:
    """How many requests of one client are admitted, of some more than the limit."""
    with live.seen_from(source).client() as http:
        statuses = [http.get("/api/no/such/address").status_code for _ in range(live.target.limits.requests + 20)]
    assert set(statuses) <= {404, 429}
    return statuses.count(404)


def fill(client: redis.Redis) -> None:
    for number in range(1_000):
        client.set(f"filler:{number}", "x" * 10_000)


def frozen(server: RedisServer) -> Callable[[], None]:
    server.freeze()
    return server.thaw


def stopped(server: RedisServer) -> Callable[[], None]:
    server.stop()
    return server.start


def slow(server: RedisServer) -> Callable[[], None]:
    """Most of the time it stands still."""
    over = threading.Event()

    def hold_up() -> None:
        while not over.is_set():
            server.freeze()
            time.sleep(STANDSTILL_S)
            server.thaw()
            time.sleep(STANDSTILL_S / 10)

    thread = threading.Thread(target=hold_up, daemon=True)
    thread.start()

    def mend() -> None:
        over.set()
        thread.join()

    return mend


@pytest.mark.parametrize("fault", [frozen, stopped, slow], ids=lambda fault: fault.__name__)
def test_a_redis_that_is_away_or_slow_stops_nothing_and_loses_no_acknowledged_write(
    platforms: Platforms, tmp_path: Path, fault: Callable[[RedisServer], Callable[[], None]]
) -> None:
    with serving(platforms, tmp_path) as (live, server, http), Writers(live) as writers:
        path = live.target.objects[0].list_path
        served(http, path)
        mend = fault(server)
        try:
            before = writers.acknowledged_so_far()
            served(http, path)
            assert http.get(ALIVE).status_code == 200
            until(lambda: writers.acknowledged_so_far() >= before + WRITES, BACK_S_MAX)
            if fault is not slow:
                assert http.get(READY).status_code == 503
                assert limited_after(live, STRANGER) == live.target.limits.requests
        finally:
            mend()
        until(lambda: http.get(READY).status_code == 200, BACK_S_MAX)
        served(http, path)
        assert limited_after(live, "127.0.0.52") == live.target.limits.requests
        writers.stop()
        assert lost(live.dsn, writers.written) == []
        assert set(writers.written.statuses) <= {412}, "no write was refused for want of Redis"
        assert writers.written.unanswered == 0


def test_a_full_redis_stops_nothing_and_lifts_no_limit(platforms: Platforms, tmp_path: Path) -> None:
    with serving(platforms, tmp_path, bytes_max="3mb") as (live, server, http):
        with server.client() as client, pytest.raises(redis.OutOfMemoryError):
            fill(client)
        served(http, live.target.objects[0].list_path)
        assert limited_after(live, STRANGER) == live.target.limits.requests
