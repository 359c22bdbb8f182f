"""The platform serves for as long as one likes: nothing fails, nothing is logged as an error, nothing grows."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from fixtures.platforms import Platforms
from fixtures.production import Production, in_production
from harness.targets.live import LiveTarget

pytestmark = pytest.mark.slow

SOAK_S = 600.0
REQUESTS_PER_S = 20
WARM_UP_S = 10.0
SLOWER_MAX = 1.05
LOG_IN_EVERY = 400
NOTE_EVERY = 10
"""Of the requests; all others read."""
GROWTH_BYTES_MAX = 32 * 1024 * 1024
"""More than caches and pools that fill; a leak of 3 KB a request would show."""
QUIET = ("INFO:", "tpe:")
"""How a line begins that tells of no trouble. A warning or an error of the platform's own logger has no level before it."""


def resident_bytes(live: LiveTarget) -> int:
    root = psutil.Process(live.pid)
    return sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))


def troubles(log: str) -> list[str]:
    """The lines that are neither the server's information nor the platform's word of its start."""
    return [line for line in log.splitlines() if line.strip() and not line.startswith(QUIET)]


class Partner:
    """The first partner at work: reads its leads and what stands about them, writes notes, logs in anew now and then."""

    def __init__(self, live: LiveTarget) -> None:
        self._live = live
        self._role = live.target.role(live.target.objects[0].role)
        self._path = live.target.objects[0].list_path
        self.statuses: Counter[int] = Counter()
        self.took_s = 0.0

    def work(self, duration_s: float) -> None:
        """Asks at a steady rate; a request that is late does not move the others."""
        begun, wanted = time.monotonic(), int(duration_s * REQUESTS_PER_S)
        for first in range(0, wanted, LOG_IN_EVERY):
            with self._live.client(self._live.sign_in(self._role, self._role.users[0])) as http:
                for number, ask in zip(range(first, min(first + LOG_IN_EVERY, wanted)), self._requests(http), strict=False):
                    time.sleep(max(0.0, begun + number / REQUESTS_PER_S - time.monotonic()))
                    self.statuses[ask().status_code] += 1
        self.took_s = time.monotonic() - begun

    def _requests(self, http: httpx.Client) -> Iterator[Callable[[], httpx.Response]]:
        """What is asked next, again and again; sent when it is called."""
        lead_ids = [lead["id"] for lead in http.get(self._path).raise_for_status().json()["leads"]]
        for number, lead_id in enumerate(itertools.cycle(lead_ids), 1):
            one = f"{self._path}/{lead_id}"
            reads = (self._path, one, f"{self._path}/stats", "/api/partner-portal/dashboard")
            if number % NOTE_EVERY:
                yield partial(http.get, reads[number % len(reads)])
            else:
                yield partial(self._note, http, one, f"Called, number {number}.")

    @staticmethod
    def _note(http: httpx.Client, one: str, text: str) -> httpx.Response:
        version = http.get(one).raise_for_status().headers["etag"]
        return http.post(f"{one}/notes", json={"body": text}, headers={"If-Match": version})


@pytest.mark.proves("must.1.a")
def test_ten_minutes_in_production_fail_nothing_log_no_error_and_do_not_grow(
    platforms: Platforms, production: Production, reference_source: Path, tmp_path: Path
) -> None:
    del reference_source
    with in_production(platforms, production, tmp_path) as (live, _server):
        Partner(live).work(WARM_UP_S)
        before = resident_bytes(live)
        partner = Partner(live)
        partner.work(SOAK_S)
        grown = resident_bytes(live) - before
        assert live.log_path is not None
        log = live.log_path.read_text(encoding="utf-8")
    assert set(partner.statuses) == {200, 201}
    assert partner.statuses.total() == SOAK_S * REQUESTS_PER_S
    assert partner.took_s < SOAK_S * SLOWER_MAX, "it does not keep up with the requests"
    assert troubles(log) == []
    assert grown < GROWTH_BYTES_MAX
