"""A load stage's result, made up second by second by a seeded generator."""

from __future__ import annotations

import math
import random

from harness.model.load import (
    Connections,
    Distribution,
    EndpointLoad,
    Failure,
    LoadResult,
    LoadSecond,
    MachineShare,
    PhaseLoad,
    Spacing,
)
from tests.report.sample_findings import HOSTILE
from tests.report.sample_payloads import at_second


def load_result(random_: random.Random, *, slow: bool) -> LoadResult:
    """Half a minute of load in two phases."""
    seconds = tuple(_second(random_, n, slow) for n in range(40))
    phases = (_phase("warm-up", 10, 100, slow=False), _phase("smoke", 30, 300, slow=slow))
    return LoadResult(
        profile="smoke",
        scale=1.0,
        seed=20261124,
        spacing=Spacing.UNIFORM,
        connections=Connections.OWN,
        journey="log_in_and_view_leads",
        role="partner",
        base_url="http://127.0.0.1:41833",
        started=at_second(150),
        duration_s=40.4,
        complete=True,
        reason="",
        schedule_digest="9f2c" * 16,
        processes=1,
        tool="locust",
        tool_version="2.47.0",
        phases=phases,
        seconds=seconds,
    )


def _second(random_: random.Random, n: int, slow: bool) -> LoadSecond:
    bad = slow and n > 18
    p50 = 41 + 6 * math.sin(n / 3) + random_.random() * 5 + (180 if bad else 0)
    p95 = p50 * 1.9 + random_.random() * 30
    return LoadSecond(
        second=n,
        phase="warm-up" if n < 10 else "smoke",
        intended=10,
        started=10 if random_.random() > 0.1 else 9,
        dropped=0,
        completed=10,
        failed=int(bad and n % 7 == 0),
        in_flight=3 + 4 * bad,
        latency_p50_ms=p50,
        latency_p95_ms=p95 if n != 5 else None,
        latency_p99_ms=p95 * 1.2,
        generator_cpu_percent=11,
        others_percent=20,
        idle_percent=60,
        steal_percent=1,
    )


def _phase(name: str, seconds: int, visits: int, *, slow: bool) -> PhaseLoad:
    failed_visits = 4 if slow else 0
    login = _endpoint("POST /api/partner-auth/login", visits, 0, 141)
    leads = _endpoint("GET /api/partner-portal/leads", visits, failed_visits, 512 if slow else 174)
    return PhaseLoad(
        phase=name,
        duration_s=seconds,
        intended_per_s=10,
        intended=visits,
        started=visits,
        started_in_time=visits,
        dropped=0,
        not_started=0,
        completed=visits - failed_visits,
        failed=failed_visits,
        unfinished=0,
        in_flight_max=9,
        broken=0,
        broken_example="",
        lateness=Distribution(visits, 0.9, 2.1, 2.9, 4.2, 6.8),
        journey=Distribution(visits, 90, 160, 240, 310, 402),
        generator_cpu_percent=11.4,
        machine=MachineShare(6, 22, 70, 2),
        endpoints=(login, leads),
    )


def _endpoint(name: str, requests: int, failed_requests: int, p95: float) -> EndpointLoad:
    failures = (Failure("status 503", failed_requests, f'{{"message": "{HOSTILE}"}}'),) if failed_requests else ()
    times = Distribution(requests, p95 / 2.4, p95 / 1.2, p95, p95 * 1.3, p95 * 1.9)
    return EndpointLoad(name, requests, requests - failed_requests, failed_requests, failures, times, times)
