"""Frequent reads come from Redis: fresh, each user's own, and served all the same when Redis is away."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from fixtures.platforms import Platforms
from fixtures.redis_servers import RedisServer, redis_server
from harness.targets.live import LiveTarget

LEADS = "/api/partner-portal/leads"
STATS = f"{LEADS}/stats"
PARTNER_ROUTES = (STATS, "/api/partner-portal/dashboard")
ADMIN_ROUTE = "/api/admin/dashboard"
READS = 40
HIT_PERCENT_MIN = 90
READERS = 4
BEHIND_ITS_BACK = "UPDATE contractor_partner_matches SET status = 'paused' WHERE partner_id = 1 AND status = 'active'"
SLACK_S = 2.0
"""Between the limit of a result's age and the answer to a request, on a machine that does other things too."""

pytestmark = pytest.mark.usefixtures("reference_source")


@pytest.fixture(scope="module")
def stand(platforms: Platforms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveTarget, RedisServer]]:
    """A platform and the Redis that it uses."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server, platforms.started(server.variables) as live:
        yield live, server


def client(live: LiveTarget, role: str, user: int = 0) -> httpx.Client:
    who = live.target.role(role)
    return live.client(live.sign_in(who, who.users[user]))


def calls(server: RedisServer, command: str) -> int:
    with server.client() as redis:
        statistics: dict[str, Any] = redis.info("commandstats")  # type: ignore[assignment]
    return int(statistics.get(f"cmdstat_{command}", {}).get("calls", 0))


def read(http: httpx.Client, path: str) -> Any:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.proves("4.1.1.a")
@pytest.mark.parametrize(("role", "path"), [*(("partner", path) for path in PARTNER_ROUTES), ("admin", ADMIN_ROUTE)])
def test_most_reads_of_a_frequent_route_come_from_redis(stand: tuple[LiveTarget, RedisServer], role: str, path: str) -> None:
    live, server = stand
    with client(live, role) as http:
        looked, made = calls(server, "hmget"), calls(server, "hset")
        for _ in range(READS):
            read(http, path)
        looked, made = calls(server, "hmget") - looked, calls(server, "hset") - made
    assert looked == READS
    assert 100 * (looked - made) / looked >= HIT_PERCENT_MIN


@pytest.mark.proves("4.1.2.a")
def test_a_write_is_seen_by_the_next_read_of_every_cached_route(stand: tuple[LiveTarget, RedisServer]) -> None:
    live, _ = stand
    with client(live, "partner") as http, client(live, "admin") as admin:
        before = [read(http, path) for path in PARTNER_ROUTES]
        at_admin = read(admin, ADMIN_ROUTE)
        lead = read(http, f"{LEADS}?engagement_stage=new&status=active&limit=1")["leads"][0]
        change = {"engagement_stage": "contacted", "version": lead["version"]}
        assert http.put(f"{LEADS}/{lead['id']}/status", json=change).status_code == 200
        written_at = time.monotonic()
        after = [read(http, path) for path in PARTNER_ROUTES]
        assert after[0]["stats"]["by_stage"]["contacted"] == before[0]["stats"]["by_stage"]["contacted"] + 1
        assert all(new != old for new, old in zip(after, before, strict=True))
        from tpe.admin.cached import FRESH_S

        until_changed(admin, ADMIN_ROUTE, at_admin, written_at + FRESH_S + SLACK_S)


@pytest.mark.proves("4.1.2.a")
def test_what_was_written_behind_the_platforms_back_is_seen_within_the_limit(stand: tuple[LiveTarget, RedisServer]) -> None:
    from tpe.leads.cached import FRESH_S

    live, _ = stand
    with client(live, "partner") as http:
        before = [read(http, path) for path in PARTNER_ROUTES]
        with psycopg.connect(live.dsn) as connection:
            connection.execute(BEHIND_ITS_BACK)
        written_at = time.monotonic()
        for path, old in zip(PARTNER_ROUTES, before, strict=True):
            until_changed(http, path, old, written_at + FRESH_S + SLACK_S)


def until_changed(http: httpx.Client, path: str, old: object, deadline: float) -> None:
    while time.monotonic() < deadline:
        if read(http, path) != old:
            return
        time.sleep(0.1)
    pytest.fail(f"{path} still gives what it gave before the write")


@pytest.mark.proves("4.1.2.b")
def test_nobody_gets_what_was_kept_for_another(stand: tuple[LiveTarget, RedisServer]) -> None:
    live, _ = stand
    with client(live, "partner") as one, client(live, "partner", 1) as two:
        for path in PARTNER_ROUTES:
            first, second = read(one, path), read(two, path)
            assert first != second, "both partners have the same data, so this says nothing"
            assert (read(one, path), read(two, path)) == (first, second)
        with psycopg.connect(live.dsn) as connection:
            held = dict(
                connection.execute("SELECT partner_id, count(*) FROM contractor_partner_matches GROUP BY partner_id").fetchall()
            )
        assert (read(one, STATS)["stats"]["total"], read(two, STATS)["stats"]["total"]) == (held[1], held[2])


@pytest.mark.proves("4.1.2.a")
def test_what_was_read_before_a_write_is_not_found_after_it(stand: tuple[LiveTarget, RedisServer]) -> None:
    from pydantic import TypeAdapter

    from tpe.infra.cache import Cache, Kept, Owner
    from tpe.infra.shared import Shared
    from tpe.settings import SharedSettings

    number, owner = Kept("number", TypeAdapter(int), fresh_s=60.0), Owner("test", 1)

    async def race() -> tuple[int, int, int]:
        shared = Shared(SharedSettings.model_validate(stand[1].variables))
        await shared.open()
        cache = Cache(shared)

        async def read_old_while_somebody_writes() -> int:
            await cache.forget(owner)
            return 1

        async def read_new() -> int:
            return 2

        async def read_newer() -> int:
            return 3

        made = (read_old_while_somebody_writes, read_new, read_newer)
        first, second, third = [await cache.fetch(number, owner, make) for make in made]
        await shared.close()
        return first, second, third

    assert asyncio.run(race()) == (1, 2, 2)


@pytest.mark.proves("4.1.1.b")
def test_readers_are_served_while_redis_goes_away_and_after(stand: tuple[LiveTarget, RedisServer]) -> None:
    over = threading.Event()

    def read_on(live: LiveTarget) -> list[int]:
        statuses = []
        with client(live, "partner") as http:
            while not over.wait(0.02):
                statuses += [http.get(path).status_code for path in PARTNER_ROUTES]
        return statuses

    live, server = stand
    with ThreadPoolExecutor(READERS) as readers:
        reading = [readers.submit(read_on, live) for _ in range(READERS)]
        over.wait(1.0)
        server.stop()
        over.wait(3.0)
        over.set()
        statuses = [status for done in reading for status in done.result()]
    assert len(statuses) > 10 * READERS
    assert set(statuses) == {200}
