"""What the gates of a load test say of its result."""

from __future__ import annotations

import dataclasses

import pytest

from harness.gates.registry import gates
from harness.model.evidence import Kind, State
from harness.model.gate import GateResult
from harness.model.load import EndpointLoad, LoadResult, MachineShare
from harness.model.plan import Stage
from harness.model.verdict import Verdict
from tests.gates import build
from tests.load.samples import LEADS, LOGIN, endpoint, phase, result, times

STAGE = (Stage("load", "locust", 60.0),)


def judge(gate: str, measured: LoadResult) -> GateResult:
    state = State.RAN if measured.complete else State.PARTIAL
    item = build.item("load", Kind.LOAD, measured, state, measured.reason)
    return gates()[gate].judge(build.view(STAGE, item))


def slow(p95_ms: float, count: int = 1000) -> EndpointLoad:
    return dataclasses.replace(endpoint(LEADS, count), latency=times(count, p95_ms))


@pytest.mark.parametrize("gate", ["arrivals", "latency", "errors"])
def test_a_good_run_passes_and_no_run_is_unknown(gate: str) -> None:
    assert judge(gate, result()).verdict is Verdict.PASS
    assert gates()[gate].judge(build.view(STAGE)).verdict is Verdict.UNKNOWN
    assert judge(gate, result(phase(endpoints=(), completed=0, started=0, started_in_time=0))).verdict is not Verdict.PASS


@pytest.mark.parametrize("gate", ["arrivals", "latency", "errors"])
def test_an_invalid_run_is_unknown_for_all_three(gate: str) -> None:
    assert judge(gate, result(phase(started_in_time=900))).verdict is Verdict.UNKNOWN
    assert judge(gate, result(phase(dropped=5, started=995, completed=995))).verdict is Verdict.UNKNOWN
    assert judge(gate, result(complete=False, reason="stopped by SIGINT")).verdict is Verdict.UNKNOWN


def test_latency_is_judged_on_both_sides_of_its_limit_and_names_the_endpoint() -> None:
    assert judge("latency", result(phase(endpoints=(endpoint(LOGIN), slow(200.0))))).verdict is Verdict.PASS
    failed = judge("latency", result(phase(endpoints=(endpoint(LOGIN), slow(200.5)))))
    assert failed.verdict is Verdict.FAIL
    assert LEADS in failed.reason


def test_slow_answers_beside_busy_strangers_are_unknown_and_say_who_had_the_machine() -> None:
    machine = MachineShare(2.0, 90.0, 8.0, 0.0, target_percent=20.0)
    judged = judge("latency", result(phase(endpoints=(endpoint(LOGIN), slow(900.0)), machine=machine)))
    assert judged.verdict is Verdict.UNKNOWN
    assert "70 % of the machine" in judged.reason
    itself = dataclasses.replace(machine, target_percent=85.0)
    assert judge("latency", result(phase(endpoints=(endpoint(LOGIN), slow(900.0)), machine=itself))).verdict is Verdict.FAIL


def test_a_few_slow_answers_of_a_run_that_was_cut_short_refute_nothing() -> None:
    few = phase(endpoints=(endpoint(LOGIN, 20), slow(900.0, 20)), started=20, completed=20, started_in_time=20, not_started=980)
    assert judge("latency", result(few, complete=False, reason="stopped by SIGINT")).verdict is Verdict.UNKNOWN


def test_errors_are_judged_on_both_sides_of_their_limit_and_name_what_failed() -> None:
    ends = (endpoint(LOGIN), endpoint(LEADS, 999, {"status 500": 1}))
    assert judge("errors", result(phase(completed=999, failed=1, endpoints=ends))).verdict is Verdict.PASS
    failed = judge("errors", result(phase(completed=998, failed=2, endpoints=ends)))
    assert failed.verdict is Verdict.FAIL
    assert any("status 500" in line for line in failed.details)


def test_a_target_that_fails_everybody_fails_although_too_little_completed() -> None:
    nobody = phase(
        started=100,
        started_in_time=100,
        not_started=900,
        completed=0,
        failed=100,
        endpoints=(endpoint(LOGIN, 0, {"status 401": 100}),),
    )
    assert judge("errors", result(nobody, complete=False, reason="given up")).verdict is Verdict.FAIL


def test_visitors_that_an_interruption_cut_off_are_no_errors() -> None:
    cut = phase(started=500, started_in_time=500, completed=480, cut_off=20, not_started=500)
    assert judge("errors", result(cut, complete=False, reason="stopped by SIGINT")).verdict is Verdict.UNKNOWN
