"""When each visitor arrives: computed whole before the start, from profile and seed alone."""

from __future__ import annotations

import hashlib
import random
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from harness.model.load import LoadProfile, Phase, Spacing

US_PER_S = 1_000_000


@dataclass(frozen=True)
class Schedule:
    """Arrival times in microseconds since the start, ascending; `ends[p]` is the index after phase `p`'s last arrival."""

    due_us: array[int]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.due_us)

    @property
    def digest(self) -> str:
        """SHA-256 of times and phases: equal on every machine that walks the same schedule."""
        sha = hashlib.sha256(b",".join(b"%d" % end for end in self.ends) + b";")
        times = self.due_us
        if sys.byteorder == "big":
            times = array("q", times)
            times.byteswap()
        sha.update(times.tobytes())
        return sha.hexdigest()

    def share(self, worker: int, workers: int) -> Iterator[tuple[int, int, int]]:
        """Number, phase and time in microseconds of the arrivals `k` with `k mod workers = worker`, in order."""
        phase = 0
        for number in range(worker, len(self.due_us), workers):
            while number >= self.ends[phase]:
                phase += 1
            yield number, phase, self.due_us[number]


def make_schedule(profile: LoadProfile, seed: int) -> Schedule:
    """The schedule of a profile. The seed matters to `poisson` spacing only.

    A phase has exactly `Phase.arrivals` of them. Evenly spaced ones start with the phase. Those of independent people are
    a Poisson process of that count: given how many arrive in a span, each one's time is uniform over it, independently.
    """
    due_us: array[int] = array("q")
    ends: list[int] = []
    start_us = 0
    for phase in profile.phases:
        generator = random.Random(f"arrivals {seed} {phase.name}")
        due_us.extend(start_us + time_us for time_us in _times_us(phase, profile.spacing, generator))
        ends.append(len(due_us))
        start_us += round(phase.duration_s * US_PER_S)
    return Schedule(due_us, tuple(ends))


def _times_us(phase: Phase, spacing: Spacing, generator: random.Random) -> list[int]:
    count, span_us = phase.arrivals, round(phase.duration_s * US_PER_S)
    if spacing is Spacing.UNIFORM:
        return [number * span_us // count for number in range(count)]
    return sorted(int(generator.random() * span_us) for _ in range(count))
