"""Follows a generator by the seconds that it writes: the progress line, and what is left of one that was killed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.engines.locust.footprint import Footprint
from harness.evidence.codec import from_plain
from harness.model.load import NOTHING_MEASURED, LoadProfile, LoadProgress, LoadResult, LoadSecond, MachineShare, Phase, PhaseLoad

_WINDOW_S = 10  # what the progress line looks back on


class Follower:
    """Reads the seconds as they are written, and tells of each.

    Args:
        path: the file that the generator appends to; it need not exist yet.
        say: called once for each second.
        footprint: the target's processes.
    """

    def __init__(self, profile: LoadProfile, path: Path, say: Callable[[LoadProgress], None], footprint: Footprint) -> None:
        self._profile, self._path, self._say, self._footprint = profile, path, say, footprint
        self._read_bytes = 0
        self.seconds: list[LoadSecond] = []

    def look(self) -> None:
        """Reads what is new."""
        new = list(self._new())
        share = self._footprint.share_percent() if new else None
        for second in new:
            self.seconds.append(dataclasses.replace(second, target_percent=share))
            self._say(progress_of(self._profile, self.seconds))

    def _new(self) -> Iterator[LoadSecond]:
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                if line.endswith(b"\n"):  # else it is still being written
                    self._read_bytes += len(line)
                    yield from_plain(LoadSecond, json.loads(line), where=self._path.name)

    def with_target(self, result: LoadResult) -> LoadResult:
        """The result with the target's share of the machine, second by second and by phase."""
        shares = {second.second: second.target_percent for second in self.seconds}
        seconds = tuple(dataclasses.replace(second, target_percent=shares.get(second.second)) for second in result.seconds)
        phases = tuple(_with_target(phase, seconds) for phase in result.phases)
        return dataclasses.replace(result, seconds=seconds, phases=phases)


def _with_target(phase: PhaseLoad, seconds: Sequence[LoadSecond]) -> PhaseLoad:
    """The mean of its seconds, without those in which only the last visitors were waited for."""
    known = [s.target_percent for s in seconds if s.phase == phase.phase and s.intended and s.target_percent is not None]
    if not known:
        return phase
    machine = dataclasses.replace(phase.machine, target_percent=round(sum(known) / len(known), 1))
    return dataclasses.replace(phase, machine=machine)


def progress_of(profile: LoadProfile, seconds: Sequence[LoadSecond]) -> LoadProgress:
    """Where a run is after those seconds, of which there is at least one.

    The rate and the percentile are those of the phase's last ten seconds (of the percentiles, the worst second's), the errors
    those of the whole phase.
    """
    last = seconds[-1]
    phase, begin_s = _find(profile, last.phase)
    in_phase = [second for second in seconds if second.phase == last.phase]
    recent = in_phase[-_WINDOW_S:]
    due = [second for second in recent if second.second < begin_s + phase.duration_s]
    ended = sum(second.completed + second.failed for second in in_phase)
    return LoadProgress(
        phase=phase.name,
        elapsed_s=min(int(last.second + 1 - begin_s), int(phase.duration_s)),
        duration_s=phase.duration_s,
        started_per_s=sum(second.started for second in due) / len(due) if due else 0.0,
        intended_per_s=phase.arrivals_per_s,
        latency_p95_ms=max((s.latency_p95_ms for s in recent if s.latency_p95_ms is not None), default=None),
        errors_percent=100.0 * sum(second.failed for second in in_phase) / ended if ended else 0.0,
    )


def phases_of(profile: LoadProfile, seconds: Sequence[LoadSecond]) -> tuple[PhaseLoad, ...]:
    """The phases of a generator that left nothing but its seconds: counts, and no percentiles."""
    return tuple(_counted(phase, [second for second in seconds if second.phase == phase.name]) for phase in profile.phases)


def _counted(phase: Phase, seconds: Sequence[LoadSecond]) -> PhaseLoad:
    started, dropped = sum(second.started for second in seconds), sum(second.dropped for second in seconds)
    completed, failed = sum(second.completed for second in seconds), sum(second.failed for second in seconds)
    return PhaseLoad(
        phase=phase.name,
        duration_s=phase.duration_s,
        intended_per_s=phase.arrivals_per_s,
        intended=phase.arrivals,
        started=started,
        started_in_time=0,
        dropped=dropped,
        not_started=max(0, phase.arrivals - started - dropped),
        completed=completed,
        failed=failed,
        unfinished=0,
        broken=0,
        broken_example="",
        in_flight_max=max((second.in_flight for second in seconds), default=0),
        lateness=NOTHING_MEASURED,
        journey=NOTHING_MEASURED,
        generator_cpu_percent=max((second.generator_cpu_percent for second in seconds), default=0.0),
        machine=MachineShare(),
        endpoints=(),
        cut_off=max(0, started - completed - failed),
    )


def _find(profile: LoadProfile, name: str) -> tuple[Phase, float]:
    """The phase of that name, and when it begins."""
    begin_s = 0.0
    for phase in profile.phases:
        if phase.name == name:
            return phase, begin_s
        begin_s += phase.duration_s
    raise KeyError(name)
