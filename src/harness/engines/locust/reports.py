"""What one generator process reports, and how the reports of all become one result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.engines.locust.histogram import distribution_of
from harness.engines.locust.machine import CpuShares
from harness.model.load import EndpointLoad, Failure, LoadSecond, MachineShare, Phase, PhaseLoad


@dataclass(frozen=True)
class FailureCount:
    """One way to fail, how often it happened, and the first example."""

    kind: str
    count: int
    example: str


@dataclass(frozen=True)
class EndpointReport:
    """One endpoint in one phase; `latency` and `service` are encoded histograms."""

    endpoint: str
    requests: int
    completed: int
    failures: tuple[FailureCount, ...]
    latency: str
    service: str


@dataclass(frozen=True)
class PhaseReport:
    """One phase, as one process saw it; members as in `PhaseLoad`, histograms encoded."""

    started: int
    started_in_time: int
    dropped: int
    completed: int
    failed: int
    unfinished: int
    broken: int
    broken_example: str
    cut_off: int
    in_flight_max: int
    lateness: str
    journey: str
    cpu: CpuShares
    endpoints: tuple[EndpointReport, ...]


@dataclass(frozen=True)
class WorkerReport:
    """All that one process did. `reason` says why it did not walk its share to the end, "" where it did."""

    worker: int
    digest: str
    reason: str
    phases: tuple[PhaseReport, ...]


@dataclass(frozen=True)
class Tick:
    """One second of one process; `failed` holds the unfinished ones too."""

    second: int
    started: int
    dropped: int
    completed: int
    failed: int
    in_flight: int
    latencies_us: tuple[int, ...]
    cpu: CpuShares


def merge_phases(phases: Sequence[Phase], reports: Sequence[WorkerReport]) -> tuple[PhaseLoad, ...]:
    """The phases of a profile with what all processes did in them."""
    return tuple(_merge(phase, [report.phases[number] for report in reports]) for number, phase in enumerate(phases))


def _merge(phase: Phase, parts: Sequence[PhaseReport]) -> PhaseLoad:
    started, dropped = sum(part.started for part in parts), sum(part.dropped for part in parts)
    return PhaseLoad(
        phase=phase.name,
        duration_s=phase.duration_s,
        intended_per_s=phase.arrivals_per_s,
        intended=phase.arrivals,
        started=started,
        started_in_time=sum(part.started_in_time for part in parts),
        dropped=dropped,
        not_started=phase.arrivals - started - dropped,
        completed=sum(part.completed for part in parts),
        failed=sum(part.failed for part in parts),
        unfinished=sum(part.unfinished for part in parts),
        broken=sum(part.broken for part in parts),
        broken_example=next((part.broken_example for part in parts if part.broken_example), ""),
        in_flight_max=sum(part.in_flight_max for part in parts),
        lateness=distribution_of([part.lateness for part in parts]),
        journey=distribution_of([part.journey for part in parts]),
        generator_cpu_percent=max((part.cpu.own_core_percent for part in parts), default=0.0),
        machine=_machine([part.cpu for part in parts]),
        endpoints=tuple(_endpoints(parts)),
        cut_off=sum(part.cut_off for part in parts),
    )


def _endpoints(parts: Sequence[PhaseReport]) -> Iterable[EndpointLoad]:
    for name in dict.fromkeys(end.endpoint for part in parts for end in part.endpoints):
        same = [end for part in parts for end in part.endpoints if end.endpoint == name]
        requests, completed = sum(end.requests for end in same), sum(end.completed for end in same)
        yield EndpointLoad(
            endpoint=name,
            requests=requests,
            completed=completed,
            failed=requests - completed,
            failures=tuple(_failures(same)),
            latency=distribution_of([end.latency for end in same]),
            service=distribution_of([end.service for end in same]),
        )


def _failures(ends: Sequence[EndpointReport]) -> Iterable[Failure]:
    every = [failure for end in ends for failure in end.failures]
    for kind in sorted({failure.kind for failure in every}):
        same = [failure for failure in every if failure.kind == kind]
        yield Failure(kind, sum(failure.count for failure in same), next((f.example for f in same if f.example), ""))


def _machine(shares: Sequence[CpuShares]) -> MachineShare:
    """One machine: each process sees the others among the rest, so the generators' own shares are taken out of it."""
    if not shares:
        return MachineShare()
    own = sum(share.own_percent for share in shares)
    idle = sum(share.idle_percent for share in shares) / len(shares)
    steal = sum(share.steal_percent for share in shares) / len(shares)
    rest = max(0.0, 100.0 - own - idle - steal) if own + idle + steal else 0.0
    return MachineShare(round(own, 1), round(rest, 1), round(idle, 1), round(steal, 1))


def merge_ticks(ticks: Sequence[Tick], phase: str, intended: int) -> LoadSecond:
    """One second of all processes together.

    Args:
        phase: name of the phase that the second began in.
        intended: arrivals that were due in it.
    """
    latencies_us = sorted(latency for tick in ticks for latency in tick.latencies_us)
    machine = _machine([tick.cpu for tick in ticks])
    return LoadSecond(
        second=ticks[0].second,
        phase=phase,
        intended=intended,
        started=sum(tick.started for tick in ticks),
        dropped=sum(tick.dropped for tick in ticks),
        completed=sum(tick.completed for tick in ticks),
        failed=sum(tick.failed for tick in ticks),
        in_flight=sum(tick.in_flight for tick in ticks),
        latency_p50_ms=_percentile_ms(latencies_us, 50),
        latency_p95_ms=_percentile_ms(latencies_us, 95),
        latency_p99_ms=_percentile_ms(latencies_us, 99),
        generator_cpu_percent=round(max(tick.cpu.own_core_percent for tick in ticks), 1),
        others_percent=machine.others_percent,
        idle_percent=machine.idle_percent,
        steal_percent=machine.steal_percent,
    )


def _percentile_ms(ascending_us: Sequence[int], percent: int) -> float | None:
    """Nearest rank: the smallest value that at least `percent` % of all do not exceed."""
    if not ascending_us:
        return None
    rank = -(-len(ascending_us) * percent // 100)
    return ascending_us[rank - 1] / 1000
