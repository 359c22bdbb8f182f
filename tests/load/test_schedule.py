"""The schedule of arrivals: exact, ordered, and the same on every machine."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engines.locust.schedule import US_PER_S, make_schedule
from harness.model.load import LoadProfile, Phase, Spacing


def profile(*phases: Phase, spacing: Spacing = Spacing.UNIFORM) -> LoadProfile:
    return LoadProfile("p", "p", phases, spacing)


@st.composite
def profiles(draw: st.DrawFn) -> LoadProfile:
    rates = st.floats(min_value=0.5, max_value=200, allow_nan=False)
    durations = st.floats(min_value=2, max_value=20, allow_nan=False)
    count = draw(st.integers(1, 3))
    phases = tuple(Phase(f"phase-{n}", "level", draw(durations), draw(rates)) for n in range(count))
    return profile(*phases, spacing=draw(st.sampled_from(Spacing)))


@settings(max_examples=60, deadline=None)
@given(profiles(), st.integers(0, 2**32))
def test_each_phase_gets_exactly_its_arrivals_inside_its_own_time_and_in_order(profile: LoadProfile, seed: int) -> None:
    schedule = make_schedule(profile, seed)
    assert len(schedule) == profile.arrivals
    assert list(schedule.due_us) == sorted(schedule.due_us)
    begin_us = first = 0
    for phase, end in zip(profile.phases, schedule.ends, strict=True):
        end_us = begin_us + round(phase.duration_s * US_PER_S)
        assert end - first == phase.arrivals
        assert all(begin_us <= due < end_us for due in schedule.due_us[first:end])
        begin_us, first = end_us, end


@settings(max_examples=40, deadline=None)
@given(profiles(), st.integers(0, 2**32), st.integers(1, 5))
def test_the_shares_of_the_workers_are_the_whole_schedule_each_arrival_once(
    profile: LoadProfile, seed: int, workers: int
) -> None:
    schedule = make_schedule(profile, seed)
    shares = [list(schedule.share(worker, workers)) for worker in range(workers)]
    together = sorted(arrival for share in shares for arrival in share)
    assert [number for number, _, _ in together] == list(range(len(schedule)))
    assert [due for _, _, due in together] == list(schedule.due_us)
    assert Counter(phase for _, phase, _ in together) == {n: phase.arrivals for n, phase in enumerate(profile.phases)}
    assert all(number % workers == worker for worker, share in enumerate(shares) for number, _, _ in share)


def test_uniform_arrivals_are_evenly_spaced_from_the_start_of_the_phase() -> None:
    schedule = make_schedule(profile(Phase("a", "l", 1.0, 10), Phase("b", "l", 1.0, 4)), seed=1)
    assert list(schedule.due_us) == [n * 100_000 for n in range(10)] + [1_000_000 + n * 250_000 for n in range(4)]


def test_poisson_arrivals_are_those_of_independent_people() -> None:
    """Their gaps are exponential: the standard deviation is the mean (evenly spaced ones have none)."""
    due_us = make_schedule(profile(Phase("a", "l", 1000.0, 20), spacing=Spacing.POISSON), seed=5).due_us
    gaps = [later - earlier for earlier, later in itertools.pairwise(due_us)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation / mean == pytest.approx(1.0, abs=0.05)


def test_the_digest_tells_schedules_apart_and_is_the_same_everywhere() -> None:
    one = profile(Phase("a", "l", 2.0, 10), spacing=Spacing.POISSON)
    assert make_schedule(one, 7).digest == make_schedule(one, 7).digest
    assert make_schedule(one, 7).digest != make_schedule(one, 8).digest
    assert make_schedule(one, 7).digest != make_schedule(one.scaled(2), 7).digest
    # As computed by another process on another day: Python's generator and the digest do not depend on the machine.
    assert make_schedule(one, 7).digest == "d53c6b467a371579baee0617d2f29581fb17668d4e41c00c5cbc6a395ef424d9"


def test_equal_times_split_differently_over_the_phases_have_another_digest() -> None:
    together = profile(Phase("a", "l", 2.0, 10))
    apart = profile(Phase("a", "l", 1.0, 10), Phase("b", "l", 1.0, 10))
    assert make_schedule(together, 1).due_us == make_schedule(apart, 1).due_us
    assert make_schedule(together, 1).digest != make_schedule(apart, 1).digest
