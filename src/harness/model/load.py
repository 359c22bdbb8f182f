"""Load profiles, and what a load test measured."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum


class Spacing(StrEnum):
    """How arrivals lie in a phase: evenly, or as those of independent people do."""

    UNIFORM = "uniform"
    POISSON = "poisson"


class Connections(StrEnum):
    """Whether each visitor brings a connection of its own, as people do, or takes one that is open already."""

    OWN = "own"
    KEPT = "kept"


@dataclass(frozen=True)
class Level:
    """One level of the traffic that is expected, in arrivals per second. `about` says where the number comes from."""

    name: str
    arrivals_per_s: float
    about: str = ""


@dataclass(frozen=True)
class TrafficModel:
    """The expected traffic (`load/traffic.toml`): the one place that the load profiles take their rates from."""

    title: str
    source: str
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class Phase:
    """A time at one rate. `level` is the name in the traffic model that the rate was taken from."""

    name: str
    level: str
    duration_s: float
    arrivals_per_s: float

    @property
    def arrivals(self) -> int:
        """How many arrive in it."""
        return round(self.duration_s * self.arrivals_per_s)


ARRIVALS_KEPT = 240
"""Of a phase at a lower scale: some more than are wanted before anything is said of an endpoint."""
LONGER_MAX = 10
"""Times that a phase takes at a lower scale, at most."""


@dataclass(frozen=True)
class LoadProfile:
    """How many arrive, and when: phases in order, whatever the target does.

    `journey_timeout_s` is when a visitor gives up; as long is waited at the end for those still under way.
    `in_flight_max` spares the generator's memory: an arrival above it is counted as dropped, and the run is not valid.
    """

    name: str
    title: str
    phases: tuple[Phase, ...]
    spacing: Spacing = Spacing.UNIFORM
    connections: Connections = Connections.OWN
    journey_timeout_s: float = 30.0
    in_flight_max: int = 5000
    scale: float = 1.0

    @property
    def arrivals(self) -> int:
        """How many arrive in all phases."""
        return sum(phase.arrivals for phase in self.phases)

    @property
    def duration_s(self) -> float:
        """From the first phase's start to the last one's end, without the drain."""
        return sum(phase.duration_s for phase in self.phases)

    def scaled(self, factor: float) -> LoadProfile:
        """The same phases at `factor` times the rate; one that would end too early to be judged takes longer.

        Raises:
            ValueError: the factor is not above 0, or leaves a phase without arrivals.
        """
        if not 0 < factor < float("inf"):
            raise ValueError(f"scale {factor:g}: wanted a number above 0")
        phases = tuple(_scaled(phase, factor) for phase in self.phases)
        empty = [phase.name for phase in phases if not phase.arrivals]
        if empty:
            raise ValueError(f"scale {factor:g}: leaves no arrivals in {', '.join(empty)}")
        return dataclasses.replace(self, phases=phases, scale=self.scale * factor)


def _scaled(phase: Phase, factor: float) -> Phase:
    rate = phase.arrivals_per_s * factor
    wanted_s = math.ceil(min(phase.arrivals, ARRIVALS_KEPT) / rate)
    return dataclasses.replace(
        phase, arrivals_per_s=rate, duration_s=max(phase.duration_s, min(wanted_s, phase.duration_s * LONGER_MAX))
    )


@dataclass(frozen=True)
class Distribution:
    """Percentiles of measured times, in milliseconds; `None` where nothing was measured.

    They come from an HDR histogram of microseconds with three significant digits (an error of at most 0.1 %);
    `hdr` is that histogram in the interchange format (V2, compressed, base64), "" where it was not kept.
    """

    count: int = 0
    p50_ms: float | None = None
    p90_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    hdr: str = ""


NOTHING_MEASURED = Distribution()


@dataclass(frozen=True)
class Failure:
    """One way in which requests failed (`status 503`, `timeout`), how often, and what the first one looked like."""

    kind: str
    count: int
    example: str = ""


@dataclass(frozen=True)
class EndpointLoad:
    """One endpoint in one phase. `requests` = `completed` + `failed`.

    `latency` counts from the intended start: for the first request of a journey when its visitor should have arrived, for a
    later one when the step before it ended. `service` counts from the moment that the request was handed to the network.
    Both hold the requests that were answered as asked, and those that nobody answered in time at the time they had waited
    (a lower bound), so that giving up on slow answers cannot make the percentiles better.
    """

    endpoint: str  # "GET /api/partner-portal/leads"
    requests: int
    completed: int
    failed: int
    failures: tuple[Failure, ...] = ()
    latency: Distribution = NOTHING_MEASURED
    service: Distribution = NOTHING_MEASURED


@dataclass(frozen=True)
class MachineShare:
    """Who had the machine's processors, in percent of all of them together. `steal` was taken by other virtual machines.

    `others` are all programs but the generator; `target` is what the target and its database had of that, `None` where it
    cannot be told (it runs elsewhere, or was not started by the harness).
    """

    generator_percent: float = 0.0
    others_percent: float = 0.0
    idle_percent: float = 0.0
    steal_percent: float = 0.0
    target_percent: float | None = None

    @property
    def strangers_percent(self) -> float | None:
        """What programs that are neither generator nor target had, and steal; `None` where the target's is not known."""
        if self.target_percent is None:
            return None
        return max(0.0, self.others_percent - self.target_percent) + self.steal_percent


@dataclass(frozen=True)
class PhaseLoad:
    """One phase of a run.

    `intended` = `started` + `dropped` + `not_started`; `started` = `completed` + `failed` + `unfinished` + `broken` + `cut_off`
    (visitors, not requests). `started_in_time` began before the phase was over. `unfinished` are those that still waited when
    waiting was over. Three kinds say nothing of the target: a `dropped` one was refused by the generator's own cap, a `broken`
    one ended in an exception of the journey's own code, and where the run was broken off, a `cut_off` one was under way and a
    `not_started` one still to come. `lateness` is how long after its intended time a visitor began; `journey` is
    the whole visit of those that completed or that nobody answered, from the intended time.
    `generator_cpu_percent` is of one core, of the busiest generator process.
    """

    phase: str
    duration_s: float
    intended_per_s: float
    intended: int
    started: int
    started_in_time: int
    dropped: int
    not_started: int
    completed: int
    failed: int
    unfinished: int
    broken: int
    broken_example: str
    in_flight_max: int
    lateness: Distribution
    journey: Distribution
    generator_cpu_percent: float
    machine: MachineShare
    endpoints: tuple[EndpointLoad, ...]
    cut_off: int = 0

    @property
    def achieved_percent(self) -> float:
        """Arrivals that began before the phase was over, in percent of those intended."""
        return 100.0 * self.started_in_time / self.intended if self.intended else 0.0

    @property
    def achieved_per_s(self) -> float:
        """Arrivals per second that began before the phase was over."""
        return self.started_in_time / self.duration_s if self.duration_s else 0.0

    @property
    def errors_percent(self) -> float | None:
        """Visitors that did not get what they came for, in percent of those whose visit says something; `None` without any."""
        ended = self.completed + self.failed + self.unfinished
        return 100.0 * (self.failed + self.unfinished) / ended if ended else None


@dataclass(frozen=True)
class LoadSecond:
    """One second of a run, for charts. The percentiles are of requests of all endpoints that ended in it.

    `failed` are the visits that failed or were unfinished; broken and cut off ones are in neither count.
    """

    second: int  # 0 is the first one after the start of the schedule
    phase: str  # the last one goes on while the last visitors are waited for
    intended: int
    started: int
    dropped: int
    completed: int
    failed: int
    in_flight: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    generator_cpu_percent: float
    others_percent: float
    idle_percent: float
    steal_percent: float
    target_percent: float | None = None


@dataclass(frozen=True)
class LoadAttempt:
    """An attempt that was not valid for a reason of the generator's own and was repeated; `file` holds its result."""

    file: str  # relative to the folder of the result
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class LoadResult:
    """Everything that a load test measured. Incomplete where the schedule was not walked to its end; `reason` says why.

    The schedule is determined by profile, scale and seed; `schedule_digest` is the SHA-256 of its arrivals.
    """

    profile: str
    scale: float
    seed: int
    spacing: Spacing
    connections: Connections
    journey: str
    role: str
    base_url: str
    started: str  # when the schedule began: UTC, ISO 8601, to the microsecond
    duration_s: float
    complete: bool
    reason: str
    schedule_digest: str
    processes: int
    tool: str
    tool_version: str
    phases: tuple[PhaseLoad, ...]
    seconds: tuple[LoadSecond, ...] = ()
    attempts: tuple[LoadAttempt, ...] = ()  # earlier ones; this result is of the last

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Every endpoint that was requested in any phase, in the order of first sight."""
        return tuple(dict.fromkeys(endpoint.endpoint for phase in self.phases for endpoint in phase.endpoints))

    @property
    def intended(self) -> int:
        """Arrivals of the schedule."""
        return sum(phase.intended for phase in self.phases)

    @property
    def begun(self) -> int:
        """Visitors that began, in all phases."""
        return sum(phase.started for phase in self.phases)

    @property
    def completed(self) -> int:
        """Visitors that got what they came for, in all phases."""
        return sum(phase.completed for phase in self.phases)

    def phase(self, name: str) -> PhaseLoad:
        """The phase of that name; `KeyError` where there is none."""
        return {phase.phase: phase for phase in self.phases}[name]


@dataclass(frozen=True)
class LoadProgress:
    """Where a load test is: the last full second, and what its phase has seen so far."""

    phase: str
    elapsed_s: int
    duration_s: float
    started_per_s: float
    intended_per_s: float
    latency_p95_ms: float | None
    errors_percent: float

    @property
    def line(self) -> str:
        """`sustained 120/300 s  50.0 of 50/s  p95 182 ms  errors 0.1 %`."""
        latency = "–" if self.latency_p95_ms is None else f"{self.latency_p95_ms:.0f} ms"
        return (
            f"{self.phase} {self.elapsed_s}/{self.duration_s:g} s  {self.started_per_s:.1f} of {self.intended_per_s:g}/s  "
            f"p95 {latency}  errors {self.errors_percent:.1f} %"
        )
