"""What the forwarder before a target costs: requests of a client with and without it, one at a time and eight at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx
import psutil

from bench.load import stub
from harness.model.target import Allow, Environment, Target
from harness.targets.forwarding import forward
from harness.targets.live import HOST, free_port

_REQUESTS = 3_000
_AT_ONCE = 8
_ROUNDS = 5  # of both ways in turn, so that a busy moment of the machine falls on both
_PATH = "/one"
_START_TIMEOUT_S = 10.0

Figure = tuple[str, float, str, str]


def figures() -> Iterator[Figure]:
    """Ratio and added milliseconds, the forwarder's CPU for each request, and its memory after all of them."""
    target = Target("stub", "Stub", Environment.LOCAL, Path.cwd(), (HOST,), Allow())
    with TemporaryDirectory() as folder, stub() as direct_url:
        port = free_port()
        process = forward(target, HOST, port, urlsplit(direct_url).port or 0, Path(folder) / "log")
        try:
            yield from _figures(direct_url, _when_ready(f"http://{HOST}:{port}"), process.pid)
        finally:
            process.stop()


def _figures(direct_url: str, base_url: str, pid: int) -> Iterator[Figure]:
    for at_once in (1, _AT_ONCE):
        direct, through = _both(direct_url, base_url, at_once)
        how = f"GET of a stub by {at_once} at once, {len(direct)} requests each way in {_ROUNDS} turns"
        yield f"latency with / without, {at_once} at once, p50", _at(through, 50) / _at(direct, 50), "x", how
        for percentile in (50, 99):
            added = (_at(through, percentile) - _at(direct, percentile)) * 1000
            yield f"added by it, {at_once} at once, p{percentile}", added, "ms", how
    forwarder = psutil.Process(pid)
    before = sum(forwarder.cpu_times()[:2])
    _ask(base_url, _REQUESTS)
    spent = sum(forwarder.cpu_times()[:2]) - before
    yield "CPU for each request", spent / _REQUESTS * 1000, "ms", f"user and system time over {_REQUESTS} requests"
    yield "memory", forwarder.memory_info().rss / 1024 / 1024, "MB", "resident, after all of the above"


def _when_ready(base_url: str) -> str:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(base_url + _PATH, trust_env=False).status_code == 200:
                return base_url
        time.sleep(0.05)
    raise RuntimeError("the forwarder did not start")


def _both(direct_url: str, base_url: str, at_once: int) -> tuple[list[float], list[float]]:
    direct: list[float] = []
    through: list[float] = []
    for _ in range(_ROUNDS):
        direct.extend(_in_threads(direct_url, at_once))
        through.extend(_in_threads(base_url, at_once))
    return direct, through


def _in_threads(base_url: str, at_once: int) -> list[float]:
    taken: list[list[float]] = [[] for _ in range(at_once)]

    def work(number: int) -> None:
        taken[number] = _ask(base_url, _REQUESTS // _ROUNDS // at_once)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for each in taken for seconds in each]


def _ask(base_url: str, count: int) -> list[float]:
    with httpx.Client(base_url=base_url, trust_env=False) as http:
        taken = []
        for _ in range(count):
            started_at = time.perf_counter()
            http.get(_PATH)
            taken.append(time.perf_counter() - started_at)
    return taken


def _at(values: list[float], percentile: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percentile // 100)]
