"""The reference platform on large data: how long it takes to seed, what its lists cost, what a password costs."""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
from argon2 import PasswordHasher, Type

from fixtures.platforms import Platforms
from harness.engines.process import Stop
from harness.runner.preflight import standing
from harness.runner.request import Chosen, request_of
from harness.targets.arena import Arena

Figure = tuple[str, float, str, str]

_ROOT = Path(__file__).resolve().parents[1]
_SEED_TIMEOUT_S = 600
_REQUESTS_PER_S = 20
_DURATION_S = 30
_CALLERS = 8
_MS = 1000.0
_OWASP = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5))
"""Memory in KiB and passes, one lane each: the equivalent sets of OWASP's Password Storage Cheat Sheet for Argon2id."""
_HASHES = 20
_LEADS = "/api/partner-portal/leads"
_ASKED = {
    "list": (
        {},
        {"engagement_stage": "new"},
        {"status": "paused"},
        {"min_score": "90"},
        {"primary_only": "true"},
        {"page": "400"},
    ),
    "search": ({"search": "smith"}, {"search": "roofing"}, {"search": "s"}, {"search": "contractor.one@example.test"}),
}


def figures() -> list[Figure]:
    """Milliseconds a hash, seconds a seeding, milliseconds a request."""
    chosen = Chosen(target="reference", seed=1, size="tiny", database="embedded")
    request = request_of(chosen, ("bench",), _ROOT)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, standing(request, Path(name), lambda _: None, Stop()) as ground:
        platforms = Platforms(Arena(ground.arena), Path(name))
        with platforms.database("bench") as dsn:
            return [*_hashes(), _seeding(platforms, dsn), *_requests(platforms, dsn)]


def _hashes() -> list[Figure]:
    figures = []
    for memory_kib, passes in _OWASP:
        hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        begun = time.process_time()
        for _ in range(_HASHES):
            hasher.hash("A passphrase of usual length 1")
        took = (time.process_time() - begun) / _HASHES * _MS
        how = f"CPU of {_HASHES} hashes; one core carries {_MS / took:.0f} log-ins a second"
        figures.append((f"Argon2id, {memory_kib // 1024} MiB, {passes} passes", took, "ms", how))
    return figures


def _seeding(platforms: Platforms, dsn: str) -> Figure:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    password = {platforms.target.password_variable: platforms.arena.plan.password}
    load = os.getloadavg()[0]
    took = 0.0
    for words in (platforms.target.commands.migrate, ("{python}", "-m", "tpe", "seed", "--size", "large")):
        ended = platforms.command(words, dsn, password, timeout_s=_SEED_TIMEOUT_S)
        if ended.code:
            raise RuntimeError(ended.output)
        took = ended.duration_s
    return ("tpe seed --size large", took, "s", f"the command, its start included, once; load average {load:.1f} before it")


def _requests(platforms: Platforms, dsn: str) -> list[Figure]:
    figures = []
    role = platforms.target.role("partner")
    with platforms.on(dsn) as live, ExitStack() as clients:
        callers = [clients.enter_context(live.client(live.sign_in(role, role.users[0]))) for _ in range(_CALLERS)]
        for kind, asked in _ASKED.items():
            figures.append(_figure(kind, _at_a_rate(callers, _LEADS, asked)))
        figures.append(_figure("stats", _at_a_rate(callers, f"{_LEADS}/stats", ({},))))
    return figures


def _at_a_rate(callers: list[httpx.Client], path: str, asked: tuple[dict[str, str], ...]) -> list[float]:
    """The seconds from when each request should have been sent to its answer."""
    begun = time.perf_counter() + 0.5

    def one(number: int, caller: httpx.Client, params: dict[str, str]) -> float:
        intended = begun + number / _REQUESTS_PER_S
        time.sleep(max(0.0, intended - time.perf_counter()))
        caller.get(path, params=params).raise_for_status()
        return time.perf_counter() - intended

    with ThreadPoolExecutor(_CALLERS) as pool:
        count = _REQUESTS_PER_S * _DURATION_S
        given = zip(range(count), itertools.cycle(callers), itertools.cycle(asked), strict=False)
        return [sent.result() for sent in [pool.submit(one, *what) for what in given]]


def _figure(kind: str, seconds: list[float]) -> Figure:
    p95 = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
    how = (
        f"{len(seconds)} requests at {_REQUESTS_PER_S}/s of the partner with 100,000 of 1,000,000 leads, from the intended start,"
        f" forwarder included; median {statistics.median(seconds) * _MS:.0f} ms"
    )
    return (f"{kind}: p95", p95 * _MS, "ms", how)
