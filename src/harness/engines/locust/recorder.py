"""What happens to the visitors of one generator process, counted while it happens."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from harness.engines.locust.histogram import Histogram
from harness.engines.locust.machine import CpuShares, read_cpu, shares
from harness.engines.locust.reports import EndpointReport, FailureCount, PhaseReport, Tick

# Nobody answered in time: the time waited is a lower bound of the true one, and counts as such.
TIMEOUT, UNFINISHED = "timeout", "unfinished"
_CENSORED = (TIMEOUT, UNFINISHED)
_EXAMPLE_LENGTH_MAX = 300
_KINDS_MAX = 20  # ways to fail that are told apart per endpoint; further ones are "other"


@dataclass(slots=True)
class Sample:
    """One request. Times are seconds since the start of the schedule; `failure` is "" while it is answered as asked."""

    endpoint: str
    intended_s: float
    sent_s: float
    ended_s: float = -1.0  # below 0: still under way
    failure: str = ""
    example: str = ""


@dataclass(slots=True, eq=False)
class Visit:
    """One visitor, from the arrival to the end."""

    number: int
    phase: int
    due_s: float
    begun_s: float = -1.0  # below 0: not begun
    samples: list[Sample] = field(default_factory=list)
    broken: str = ""  # the exception of the journey's own code
    cut_off: bool = False  # was under way when the run was broken off
    over: bool = False


class _Endpoint:
    def __init__(self) -> None:
        self.requests = self.completed = 0
        self.failures: dict[str, tuple[int, str]] = {}
        self.latency, self.service = Histogram(), Histogram()

    def add(self, sample: Sample) -> None:
        self.requests += 1
        if not sample.failure:
            self.completed += 1
        else:
            kind = sample.failure if sample.failure in self.failures or len(self.failures) < _KINDS_MAX else "other"
            count, example = self.failures.get(kind, (0, sample.example[:_EXAMPLE_LENGTH_MAX]))
            self.failures[kind] = (count + 1, example)
        if not sample.failure or sample.failure in _CENSORED:
            self.latency.record(sample.ended_s - sample.intended_s)
            self.service.record(sample.ended_s - sample.sent_s)

    def report(self, name: str) -> EndpointReport:
        failures = tuple(FailureCount(kind, count, example) for kind, (count, example) in self.failures.items())
        return EndpointReport(name, self.requests, self.completed, failures, self.latency.encode(), self.service.encode())


class _Phase:
    def __init__(self, end_s: float) -> None:
        self.end_s = end_s
        self.started = self.in_time = self.dropped = self.completed = self.failed = self.unfinished = self.broken = (
            self.cut_off
        ) = 0
        self.in_flight_max = 0
        self.broken_example = ""
        self.lateness, self.journey = Histogram(), Histogram()
        self.endpoints: dict[str, _Endpoint] = {}
        self.cpu = CpuShares(0.0, 0.0, 0.0, 0.0, 0.0)


class Recorder:
    """Counts visits by phase, requests by phase and endpoint, and what went on in each second.

    Args:
        phase_ends_s: when each phase is over, in seconds since the start of the schedule.
        epoch_s: that start, on the clock of `time.perf_counter`.
        tolerance_s: an arrival up to so late after its phase still counts as begun in time.
    """

    def __init__(self, phase_ends_s: list[float], epoch_s: float, tolerance_s: float) -> None:
        self._phases = [_Phase(end_s + tolerance_s) for end_s in phase_ends_s]
        self._epoch_s = epoch_s
        self._under_way: dict[Visit, None] = {}
        self._second = 0
        self._tick = _Counts()
        self._tick_cpu = self._phase_cpu = read_cpu()
        self.completed = 0
        self.ended = 0

    @property
    def in_flight(self) -> int:
        """Visitors under way."""
        return len(self._under_way)

    def now_s(self) -> float:
        """Seconds since the start of the schedule; negative before it."""
        return time.perf_counter() - self._epoch_s

    def arrive(self, visit: Visit) -> None:
        """A visitor is sent on the way; counted before it does anything."""
        self._under_way[visit] = None
        phase = self._phases[visit.phase]
        phase.started += 1
        phase.in_flight_max = max(phase.in_flight_max, len(self._under_way))
        self._tick.started += 1

    def drop(self, phase: int) -> None:
        """A visitor is refused by the generator's own cap."""
        self._phases[phase].dropped += 1
        self._tick.dropped += 1

    def begin(self, visit: Visit) -> None:
        """The visitor begins: from now on, it is the target that makes it wait."""
        visit.begun_s = self.now_s()
        phase = self._phases[visit.phase]
        phase.lateness.record(visit.begun_s - visit.due_s)
        phase.in_time += visit.begun_s <= phase.end_s

    def end(self, visit: Visit) -> None:
        """The visitor has left, or nobody waits for it any longer: requests without an answer are unfinished."""
        if visit.over:
            return
        visit.over = True
        del self._under_way[visit]
        phase, ended_s = self._phases[visit.phase], self.now_s()
        if visit.cut_off:
            phase.cut_off += 1
            visit.samples = [sample for sample in visit.samples if sample.ended_s >= 0]
        for sample in visit.samples:
            if sample.ended_s < 0:
                sample.ended_s, sample.failure = ended_s, sample.failure or UNFINISHED
            self._sample(phase, sample)
        if not visit.cut_off:
            self._outcome(phase, visit, ended_s)

    def cut(self, *, broken_off: bool) -> None:
        """Ends every visit that is under way: as unfinished, or as cut off where the run was broken off."""
        for visit in list(self._under_way):
            if visit.begun_s < 0:
                self.begin(visit)  # its lateness is at least so much
            visit.cut_off = broken_off
            self.end(visit)

    def _sample(self, phase: _Phase, sample: Sample) -> None:
        endpoint = phase.endpoints.get(sample.endpoint)
        if endpoint is None:
            endpoint = phase.endpoints[sample.endpoint] = _Endpoint()
        endpoint.add(sample)
        if not sample.failure or sample.failure in _CENSORED:
            self._tick.latencies_us.append(int((sample.ended_s - sample.intended_s) * 1e6))

    def _outcome(self, phase: _Phase, visit: Visit, ended_s: float) -> None:
        self.ended += 1
        if visit.broken:
            phase.broken += 1
            phase.broken_example = phase.broken_example or visit.broken[:_EXAMPLE_LENGTH_MAX]
            return
        failure = next((sample.failure for sample in reversed(visit.samples) if sample.failure), "")
        self._tick.completed += not failure
        self._tick.failed += bool(failure)
        if not failure:
            phase.completed += 1
            self.completed += 1
        elif failure == UNFINISHED:
            phase.unfinished += 1
        else:
            phase.failed += 1
        if not failure or failure in _CENSORED:
            phase.journey.record(ended_s - visit.due_s)

    def phase_over(self, phase: int) -> None:
        """The phase's time is over: what the processors did in it is kept."""
        reading = read_cpu()
        self._phases[phase].cpu = shares(self._phase_cpu, reading)
        self._phase_cpu = reading

    def tick(self) -> Tick:
        """What happened since the last call; to be called once a second."""
        reading, counts = read_cpu(), self._tick
        tick = Tick(
            second=self._second,
            started=counts.started,
            dropped=counts.dropped,
            completed=counts.completed,
            failed=counts.failed,
            in_flight=len(self._under_way),
            latencies_us=tuple(counts.latencies_us),
            cpu=shares(self._tick_cpu, reading),
        )
        self._tick_cpu, self._tick, self._second = reading, _Counts(), self._second + 1
        return tick

    def restart_clocks(self) -> None:
        """The schedule starts now: what the processors did before does not count."""
        self._tick_cpu = self._phase_cpu = read_cpu()

    def reports(self) -> tuple[PhaseReport, ...]:
        """Everything counted, by phase."""
        return tuple(_report(phase) for phase in self._phases)


@dataclass(slots=True)
class _Counts:
    started: int = 0
    dropped: int = 0
    completed: int = 0
    failed: int = 0
    latencies_us: list[int] = field(default_factory=list)


def _report(phase: _Phase) -> PhaseReport:
    return PhaseReport(
        started=phase.started,
        started_in_time=phase.in_time,
        dropped=phase.dropped,
        completed=phase.completed,
        failed=phase.failed,
        unfinished=phase.unfinished,
        broken=phase.broken,
        broken_example=phase.broken_example,
        cut_off=phase.cut_off,
        in_flight_max=phase.in_flight_max,
        lateness=phase.lateness.encode(),
        journey=phase.journey.encode(),
        cpu=phase.cpu,
        endpoints=tuple(endpoint.report(name) for name, endpoint in phase.endpoints.items()),
    )
