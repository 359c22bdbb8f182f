"""What the load test saw: whether it may be judged at all, arrivals, latency from the intended start, lateness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.model.load import Distribution, EndpointLoad, LoadResult, LoadSecond, MachineShare, PhaseLoad
from harness.model.load_validity import validity
from harness.model.plan import LoadLimits
from harness.report.model import ReportInput
from harness.report.text import amount, duration, line, number, visible
from harness.report.views.charts import Band, Chart, Line, largest, nice_top, path, thinned, x_ticks, y_ticks


@dataclass(frozen=True)
class Spread:
    """A distribution drawn on a line from 0 to the plot's end, in percent of the width; `None` where not measured."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True)
class EndpointRow:
    """One endpoint in one phase."""

    phase: str
    endpoint: str
    requests: str
    failed: str
    p50: str
    p95: str
    p99: str
    longest: str
    spread: Spread
    tone: str
    failures: tuple[str, ...]


@dataclass(frozen=True)
class PhaseRow:
    """One phase: who arrived, how late, and what the generator's machine was doing."""

    phase: str
    rate: str
    intended: str
    started: str
    achieved: str
    dropped: str
    errors: str
    lateness_p99: str
    in_flight: str
    generator: str
    machine: str


@dataclass(frozen=True)
class LoadView:
    """One load test."""

    stage: str
    title: str
    facts: tuple[tuple[str, str], ...]
    invalid: tuple[str, ...]
    phases: tuple[PhaseRow, ...]
    endpoints: tuple[EndpointRow, ...]
    scale_text: str  # what the end of the spreads' axis stands for
    limit_at: float  # of the latency, on the spreads' axis, in percent
    limit_text: str
    charts: tuple[Chart, ...]
    attempts: tuple[str, ...]


def load_views(data: ReportInput) -> tuple[LoadView, ...]:
    """One section for each load test of the run."""
    return tuple(_view(stage, result, data.limits.load) for stage, result in data.payloads(LoadResult))


def _view(stage: str, result: LoadResult, limits: LoadLimits) -> LoadView:
    ends = [largest((end.latency.p99_ms, limits.latency_p95_ms_max)) or 0.0 for phase in result.phases for end in phase.endpoints]
    top = nice_top(max(ends, default=limits.latency_p95_ms_max))
    return LoadView(
        stage=visible(stage),
        title=f"{line(result.profile, 60)}, journey {line(result.journey, 60)} as {line(result.role, 40)}",
        facts=_facts(result),
        invalid=tuple(line(reason, 300) for reason in validity(result, limits)),
        phases=tuple(_phase_row(phase) for phase in result.phases),
        endpoints=tuple(_endpoint_row(phase.phase, end, top, limits) for phase in result.phases for end in phase.endpoints),
        scale_text=f"{top:g} ms",
        limit_at=round(100.0 * limits.latency_p95_ms_max / top, 2),
        limit_text=f"limit of p95: {limits.latency_p95_ms_max:g} ms",
        charts=_charts(result, limits) if result.seconds else (),
        attempts=tuple(f"{line(a.file, 120)}: {line('; '.join(a.reasons), 300)}" for a in result.attempts),
    )


def _facts(result: LoadResult) -> tuple[tuple[str, str], ...]:
    return (
        ("Arrivals", f"{number(result.begun)} of {number(result.intended)} began, {number(result.completed)} completed"),
        ("Duration", duration(result.duration_s)),
        ("Scale", f"{result.scale:g}"),
        ("Spacing", f"{result.spacing}, seed {result.seed}"),
        ("Connections", str(result.connections)),
        ("Generator", f"{result.tool} {result.tool_version}, {result.processes} process(es)"),
        ("Schedule", result.schedule_digest[:16]),
    )


def _phase_row(phase: PhaseLoad) -> PhaseRow:
    return PhaseRow(
        phase=line(phase.phase, 60),
        rate=f"{phase.intended_per_s:g}/s",
        intended=number(phase.intended),
        started=number(phase.started),
        achieved=f"{int(phase.achieved_percent * 10) / 10:g} %",
        dropped=number(phase.dropped),
        errors="–" if phase.errors_percent is None else f"{phase.errors_percent:.3g} %",
        lateness_p99=amount(phase.lateness.p99_ms, "ms"),
        in_flight=number(phase.in_flight_max),
        generator=f"{phase.generator_cpu_percent:.0f} %",
        machine=_machine(phase.machine),
    )


def _machine(share: MachineShare) -> str:
    """Who had the processors: the target where it is known, what is neither target nor generator, and what was left."""
    idle, steal = f"idle {share.idle_percent:.0f} %", f"steal {share.steal_percent:.0f} %"
    if share.target_percent is None:
        return f"{idle}, others {share.others_percent:.0f} %, {steal}"
    strangers = max(share.others_percent - share.target_percent, 0.0)
    return f"{idle}, target {share.target_percent:.0f} %, others {strangers:.0f} %, {steal}"


def _endpoint_row(phase: str, end: EndpointLoad, top: float, limits: LoadLimits) -> EndpointRow:
    latency, p95 = end.latency, end.latency.p95_ms
    colour = "unknown" if p95 is None else ("pass" if p95 <= limits.latency_p95_ms_max else "fail")
    return EndpointRow(
        phase=line(phase, 60),
        endpoint=line(end.endpoint, 120),
        requests=number(end.requests),
        failed=number(end.failed),
        p50=amount(latency.p50_ms, "ms"),
        p95=amount(p95, "ms"),
        p99=amount(latency.p99_ms, "ms"),
        longest=amount(latency.max_ms, "ms"),
        spread=_spread(latency, top),
        tone=colour,
        failures=tuple(
            f"{failure.count} × {line(failure.kind, 60)}: {line(failure.example, 160)}" for failure in end.failures[:8]
        ),
    )


def _spread(latency: Distribution, top: float) -> Spread:
    def place(value: float | None) -> float | None:
        return None if value is None else round(min(100.0 * value / top, 100.0), 2)

    return Spread(place(latency.p50_ms), place(latency.p95_ms), place(latency.p99_ms))


def _charts(result: LoadResult, limits: LoadLimits) -> tuple[Chart, ...]:
    return (_arrivals(result.seconds), _latency(result.seconds, limits))


def _arrivals(seconds: Sequence[LoadSecond]) -> Chart:
    intended = thinned([float(second.intended) for second in seconds])
    started = thinned([float(second.started) for second in seconds])
    failed = thinned([float(second.failed) for second in seconds])
    top = nice_top(1.1 * (largest((*intended, *started, *failed)) or 1.0))
    return Chart(
        title="Arrivals per second",
        summary=f"intended {sum(s.intended for s in seconds)}, started {sum(s.started for s in seconds)}, "
        f"failed {sum(s.failed for s in seconds)} over {len(seconds)} seconds",
        lines=(
            Line("intended", "s-intended", path(intended, top)),
            Line("started", "s-started", path(started, top)),
            Line("failed", "s-failed", path(failed, top)),
        ),
        y_ticks=y_ticks(top),
        x_ticks=x_ticks(len(seconds)),
        bands=_bands(seconds),
    )


def _latency(seconds: Sequence[LoadSecond], limits: LoadLimits) -> Chart:
    p50 = thinned([second.latency_p50_ms for second in seconds])
    p95 = thinned([second.latency_p95_ms for second in seconds])
    p99 = thinned([second.latency_p99_ms for second in seconds])
    limit = limits.latency_p95_ms_max
    top = nice_top(max(largest(p99) or 0.0, 1.25 * limit))
    worst = largest(second.latency_p95_ms for second in seconds)
    return Chart(
        title="Latency, ms",
        summary=f"per second; the worst second's p95 is {amount(worst, 'ms')}, the limit over a phase {limit:g} ms",
        lines=(
            Line("p50", "s-p50", path(p50, top)),
            Line("p95", "s-p95", path(p95, top)),
            Line("p99", "s-p99", path(p99, top)),
        ),
        y_ticks=y_ticks(top),
        x_ticks=x_ticks(len(seconds)),
        bands=_bands(seconds),
        limit=round(100.0 * (1 - limit / top), 2),
        limit_text=f"limit {limit:g} ms",
    )


def _bands(seconds: Sequence[LoadSecond]) -> tuple[Band, ...]:
    """The phases as stretches of the time axis, where there is more than one."""
    bands: list[Band] = []
    start = 0
    for phase, group in groupby(seconds, key=lambda second: second.phase):
        count = len(list(group))
        bands.append(Band(line(phase, 30), round(100.0 * start / len(seconds), 2), round(100.0 * count / len(seconds), 2)))
        start += count
    return tuple(bands) if len(bands) > 1 else ()
