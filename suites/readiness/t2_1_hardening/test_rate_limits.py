"""The limits hold over all processes, and free who waited; each route by itself is the stage `security`'s."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fixtures.platforms import Platforms
from fixtures.redis_servers import redis_server
from harness.model.target import Limits
from harness.targets.live import LiveTarget

STRANGER, OTHER_STRANGER = "127.0.0.41", "127.0.0.44"
"""Addresses of this machine that the platform has no reason to believe."""
TIMES_FASTER = 60


def limits_of(platforms: Platforms) -> Limits:
    limits = platforms.target.limits
    if not limits.requests or not limits.log_in_attempts:
        pytest.skip("not verifiable: the target's file promises no limits")
    return limits


def ask(live: LiveTarget, times: int, source: str = STRANGER) -> list[int]:
    """The status of so many requests of one client, directly."""
    with live.seen_from(source).client() as http:
        return [http.get("/api/no/such/address").status_code for _ in range(times)]


def try_to_log_in(http: httpx.Client, live: LiveTarget) -> httpx.Response:
    """One attempt at an account that nobody has."""
    role = next(role for role in live.target.roles if role.login.kind == "json")
    values = {"username": f"{secrets.token_hex(6)}@example.test", "password": secrets.token_urlsafe(16)}
    return http.post(role.login.path, json={name: value.format(**values) for name, value in role.login.body.items()})


@contextmanager
def two_processes(platforms: Platforms, folder: Path) -> Iterator[tuple[LiveTarget, LiveTarget]]:
    with (
        redis_server(folder) as server,
        platforms.database() as dsn,
        platforms.on(dsn, server.variables) as first,
        platforms.on(dsn, server.variables) as second,
    ):
        yield first, second


@pytest.mark.proves("2.1.2.b")
def test_two_processes_together_admit_a_client_no_more_often_than_one(platforms: Platforms, tmp_path: Path) -> None:
    limits = limits_of(platforms)
    with two_processes(platforms, tmp_path) as (first, second):
        statuses = ask(first, limits.requests - 10) + ask(second, 30) + ask(first, 5)
        assert statuses == [404] * limits.requests + [429] * 25
        assert ask(second, 1, "127.0.0.42") == [404]
        with first.seen_from("127.0.0.43").client() as one, second.seen_from("127.0.0.43").client() as two:
            attempts = [try_to_log_in(http, first).status_code for http in (one, two) * limits.log_in_attempts]
    assert attempts == [401] * limits.log_in_attempts + [429] * limits.log_in_attempts


@pytest.mark.slow
@pytest.mark.proves("2.1.2.c")
def test_a_client_that_waited_as_long_as_it_was_told_is_admitted_again_and_not_before(
    platforms: Platforms, tmp_path: Path
) -> None:
    limits = limits_of(platforms)
    with redis_server(tmp_path, times_faster=TIMES_FASTER) as server, platforms.started(server.variables) as live:
        with live.seen_from(STRANGER).client() as http:

            def attempts() -> list[int]:
                return [try_to_log_in(http, live).status_code for _ in range(limits.log_in_attempts)]

            begun = time.monotonic()
            assert attempts() == [401] * limits.log_in_attempts
            refusal = try_to_log_in(http, live)
            assert refusal.status_code == 429
            assert ask(live, limits.requests + 1, OTHER_STRANGER)[-1] == 429
            told_s = int(refusal.headers["retry-after"])
            assert 0.7 * limits.window_s < told_s <= limits.window_s
            wait_until(begun + 0.8 * limits.window_s / TIMES_FASTER)
            assert attempts() == [429] * limits.log_in_attempts
            wait_until(begun + 1.5 * limits.window_s / TIMES_FASTER)
            assert attempts() == [401] * limits.log_in_attempts
        assert ask(live, 1, OTHER_STRANGER) == [404]


def wait_until(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))
