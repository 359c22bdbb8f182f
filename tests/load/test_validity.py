"""A load test must be valid before it is judged: both sides of each limit."""

from __future__ import annotations

import dataclasses

import pytest

from harness.model.load import Distribution, MachineShare, PhaseLoad
from harness.model.load_validity import disturbed, generator_faults, validity
from harness.model.plan import LoadLimits
from tests.load.samples import LEADS, LOGIN, endpoint, phase, result, times

LIMITS = LoadLimits()


def lateness(p99_ms: float) -> Distribution:
    return Distribution(1000, 1.0, 2.0, 3.0, p99_ms, p99_ms)


def test_a_run_that_held_its_arrivals_is_valid() -> None:
    assert validity(result(), LIMITS) == ()


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        (phase(started_in_time=990), phase(started_in_time=989), "989 of 1000 arrivals began in time"),
        (phase(lateness=lateness(50.0)), phase(lateness=lateness(50.1)), "began late: p99 50.1 ms"),
        (phase(generator_cpu_percent=70.0), phase(generator_cpu_percent=70.1), "used 70.1 % of its core"),
        (phase(broken=0), phase(broken=1, broken_example="KeyError: 'id'"), "KeyError: 'id'"),
        (
            phase(endpoints=(endpoint(LOGIN, failures={"connection refused": 1}), endpoint(LEADS))),
            phase(endpoints=(endpoint(LOGIN, failures={"no free port": 1}), endpoint(LEADS))),
            "no free port",
        ),
    ],
    ids=["arrivals", "lateness", "processor", "journey", "ports"],
)
def test_what_the_generator_did_wrong_makes_the_run_invalid_and_worth_repeating(
    good: PhaseLoad, bad: PhaseLoad, words: str
) -> None:
    assert validity(result(good), LIMITS) == ()
    (reason,) = validity(result(bad), LIMITS)
    assert words in reason
    assert generator_faults(result(bad), LIMITS) == (reason,)


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        (phase(dropped=0), phase(dropped=1, started=999, completed=999), "1 arrivals were dropped"),
        (
            phase(endpoints=(endpoint(LOGIN, 200), endpoint(LEADS, 200))),
            phase(endpoints=(endpoint(LOGIN, 200), endpoint(LEADS, 199))),
            f"{LEADS}: 199 requests completed, wanted ≥ 200",
        ),
    ],
    ids=["dropped", "completed"],
)
def test_what_the_target_may_have_caused_makes_the_run_invalid_but_is_not_repeated(
    good: PhaseLoad, bad: PhaseLoad, words: str
) -> None:
    assert validity(result(good), LIMITS) == ()
    (reason,) = validity(result(bad), LIMITS)
    assert words in reason
    assert generator_faults(result(bad), LIMITS) == ()


def test_an_endpoint_that_one_phase_never_reached_counts_as_none_completed() -> None:
    first = phase(phase="warmup")
    second = phase(phase="peak", endpoints=(endpoint(LOGIN),))
    assert validity(result(first, second), LIMITS) == (f"peak: {LEADS}: 0 requests completed, wanted ≥ 200",)


def test_a_run_without_any_request_is_never_valid() -> None:
    assert validity(result(phase(endpoints=())), LIMITS) == ("no request was sent",)
    assert "no phase was run" in validity(dataclasses.replace(result(), phases=()), LIMITS)


def test_an_incomplete_run_says_why_and_is_not_blamed_on_the_generator() -> None:
    cut = result(phase(started_in_time=10, started=10, completed=10, not_started=990), complete=False, reason="stopped by SIGINT")
    assert validity(cut, LIMITS)[0] == "the run was not completed: stopped by SIGINT"
    assert generator_faults(cut, LIMITS) == ()


def test_lateness_names_who_else_had_the_machine() -> None:
    (reason,) = validity(result(phase(lateness=lateness(80.0))), LIMITS)
    assert "steal 0 %, other programs 40 %" in reason


def test_errors_count_visitors_that_did_not_get_what_they_came_for() -> None:
    assert phase().errors_percent == 0.0
    assert phase(completed=990, failed=7, unfinished=3).errors_percent == 1.0
    assert phase(completed=950, broken=25, cut_off=25).errors_percent == 0.0
    assert phase(started=0, completed=0, started_in_time=0).errors_percent is None


def with_strangers(percent: float, p95_ms: float, target_percent: float | None = 20.0) -> PhaseLoad:
    end = dataclasses.replace(endpoint(LEADS), latency=times(1000, p95_ms))
    others = percent + (target_percent or 0.0)
    return phase(endpoints=(end,), machine=MachineShare(2.0, others, 98.0 - others, 0.0, target_percent))


def test_slow_answers_on_a_machine_that_others_keep_busy_say_nothing_of_the_target() -> None:
    assert disturbed(result(with_strangers(50.0, 300.0)), LIMITS) == {}
    (reason,) = disturbed(result(with_strangers(50.1, 300.0)), LIMITS).values()
    assert reason.startswith(
        f"sustained: {LEADS} was slow (p95 300 ms) while programs that are neither target nor generator had 50 %"
    )


def test_answers_that_are_in_time_all_the_same_are_judged() -> None:
    assert disturbed(result(with_strangers(70.0, 200.0)), LIMITS) == {}


def test_a_target_whose_share_is_not_known_is_not_excused() -> None:
    assert disturbed(result(with_strangers(90.0, 300.0, target_percent=None)), LIMITS) == {}


def test_steal_counts_as_taken_by_others() -> None:
    assert MachineShare(2.0, 30.0, 40.0, 28.0, 10.0).strangers_percent == 48.0
    assert MachineShare(2.0, 30.0, 40.0, 28.0).strangers_percent is None
