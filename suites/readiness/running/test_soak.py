"""The platform serves for as long as one likes: nothing fails, nothing is logged as an error, nothing grows."""

from __future__ import annotations

import time

import httpx
import psutil
import pytest

from fixtures.platforms import Platforms
from harness.targets.live import LiveTarget

pytestmark = pytest.mark.slow

SOAK_S = 60.0
REQUESTS_PER_S = 20
WARM_UP_REQUESTS = 200
GROWTH_BYTES_MAX = 32 * 1024 * 1024
"""More than caches and pools that fill; a leak of 30 KB a request would show."""
ERROR_WORDS = ("error", "traceback", "critical", "exception")


def resident_bytes(live: LiveTarget) -> int:
    root = psutil.Process(live.pid)
    return sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))


def requests_at_a_steady_rate(http: httpx.Client, path: str, duration_s: float) -> list[int]:
    """The status of each request; one that is late does not move the others."""
    begun = time.monotonic()
    statuses = []
    for number in range(int(duration_s * REQUESTS_PER_S)):
        time.sleep(max(0.0, begun + number / REQUESTS_PER_S - time.monotonic()))
        statuses.append(http.get(path).status_code)
    return statuses


def test_a_minute_of_steady_use_fails_nothing_logs_no_error_and_does_not_grow(platforms: Platforms) -> None:
    with platforms.started() as live:
        kind = live.target.objects[0]
        role = live.target.role(kind.role)
        with live.client(live.sign_in(role, role.users[0])) as http:
            requests_at_a_steady_rate(http, kind.list_path, WARM_UP_REQUESTS / REQUESTS_PER_S)
            before = resident_bytes(live)
            statuses = requests_at_a_steady_rate(http, kind.list_path, SOAK_S)
            grown = resident_bytes(live) - before
        assert live.log_path is not None
        log = live.log_path.read_text(encoding="utf-8").lower()
    assert set(statuses) == {200}
    assert not [line for line in log.splitlines() if any(word in line for word in ERROR_WORDS)]
    assert grown < GROWTH_BYTES_MAX
