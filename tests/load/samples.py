"""Load results to judge, without running anything."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.model.load import (
    Connections,
    Distribution,
    EndpointLoad,
    Failure,
    LoadResult,
    MachineShare,
    PhaseLoad,
    Spacing,
)

LOGIN, LEADS = "POST /api/partner-auth/login", "GET /api/partner-portal/leads"


def times(count: int, p95_ms: float = 20.0) -> Distribution:
    return Distribution(count, p95_ms / 4, p95_ms / 2, p95_ms, p95_ms * 1.5, p95_ms * 2)


def endpoint(name: str, completed: int = 1000, failures: dict[str, int] | None = None) -> EndpointLoad:
    failed = tuple(Failure(kind, count, f"{kind}, for example") for kind, count in (failures or {}).items())
    count = sum(failure.count for failure in failed)
    return EndpointLoad(name, completed + count, completed, count, failed, times(completed), times(completed))


def phase(**changes: Any) -> PhaseLoad:
    good = PhaseLoad(
        phase="sustained",
        duration_s=20.0,
        intended_per_s=50.0,
        intended=1000,
        started=1000,
        started_in_time=1000,
        dropped=0,
        not_started=0,
        completed=1000,
        failed=0,
        unfinished=0,
        broken=0,
        broken_example="",
        in_flight_max=7,
        lateness=Distribution(1000, 0.5, 0.9, 1.0, 4.0, 5.0),
        journey=times(1000),
        generator_cpu_percent=9.0,
        machine=MachineShare(4.5, 40.0, 55.5, 0.0),
        endpoints=(endpoint(LOGIN), endpoint(LEADS)),
    )
    return dataclasses.replace(good, **changes)


def result(*phases: PhaseLoad, **changes: Any) -> LoadResult:
    good = LoadResult(
        profile="sustained",
        scale=1.0,
        seed=1,
        spacing=Spacing.UNIFORM,
        connections=Connections.OWN,
        journey="log_in_and_view_leads",
        role="partner",
        base_url="http://127.0.0.1:8000",
        started="2026-01-01T00:00:00.000000Z",
        duration_s=20.2,
        complete=True,
        reason="",
        schedule_digest="0" * 64,
        processes=1,
        tool="locust",
        tool_version="2.47.0",
        phases=phases or (phase(),),
    )
    return dataclasses.replace(good, **changes)
