"""Counting and adding up: what several processes saw is one result, and the percentiles are true."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engines.locust.follower import Follower, phases_of, progress_of
from harness.engines.locust.footprint import Footprint
from harness.engines.locust.histogram import Histogram, distribution_of
from harness.engines.locust.machine import CpuReading, CpuShares, read_cpu, shares
from harness.engines.locust.recorder import TIMEOUT, Recorder, Sample, Visit
from harness.engines.locust.reports import Tick, WorkerReport, merge_phases, merge_ticks
from harness.evidence.codec import from_json, to_json
from harness.model.load import LoadProfile, LoadProgress, LoadResult, LoadSecond, Phase
from tests.load.samples import phase, result

PHASE = Phase("only", "level", 1.0, 4.0)
SHARES = CpuShares(10.0, 5.0, 40.0, 55.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 600_000_000), min_size=1, max_size=300))
def test_percentiles_are_within_a_thousandth_of_the_true_ones_even_when_added_up(times_us: list[int]) -> None:
    parts = [Histogram(), Histogram()]
    for number, time_us in enumerate(times_us):
        parts[number % 2].record(time_us / 1e6)
    whole = distribution_of([part.encode() for part in parts])
    ascending = sorted(times_us)
    assert whole.count == len(ascending)
    for percent, measured_ms in ((50, whole.p50_ms), (95, whole.p95_ms), (99, whole.p99_ms)):
        # HdrHistogram's rank: to the nearest, at least the first
        true_ms = ascending[max(1, int(percent / 100 * len(ascending) + 0.5)) - 1] / 1000
        assert measured_ms == pytest.approx(true_ms, rel=0.0011, abs=0.002)
    assert whole.max_ms == pytest.approx(ascending[-1] / 1000, rel=0.0011, abs=0.002)


def test_nothing_measured_has_no_percentiles() -> None:
    assert distribution_of([]).p95_ms is None
    assert distribution_of(["", Histogram().encode()]).count == 0


def visit(recorder: Recorder, number: int, *failures: str, answered: bool = True) -> Visit:
    """A visitor with one request for each entry of `failures` ("" for a good one), still under way."""
    visitor = Visit(number, 0, due_s=recorder.now_s() - 0.010)
    recorder.arrive(visitor)
    recorder.begin(visitor)
    for position, failure in enumerate(failures):
        sent_s = recorder.now_s()
        sample = Sample(f"GET /{position}", visitor.due_s, sent_s, failure=failure)
        sample.ended_s = sent_s + 0.005 if answered else -1.0
        visitor.samples.append(sample)
    return visitor


def recorder() -> Recorder:
    return Recorder([1.0], time.perf_counter(), 0.05)


def report_of(recorder: Recorder) -> WorkerReport:
    return WorkerReport(0, "d", "", recorder.reports())


def test_visitors_are_counted_by_what_became_of_them() -> None:
    counting = recorder()
    counting.end(visit(counting, 0, "", ""))
    counting.end(visit(counting, 1, "", "status 500"))
    counting.end(visit(counting, 2, TIMEOUT))
    broken = visit(counting, 3, "")
    broken.broken = "KeyError: 'x'"
    counting.end(broken)
    counting.drop(0)
    visit(counting, 5, "", answered=False)
    counting.cut(broken_off=False)
    (only,) = merge_phases([Phase("only", "level", 1.0, 7.0)], [report_of(counting)])
    assert (only.intended, only.started, only.dropped, only.not_started) == (7, 5, 1, 1)
    assert (only.completed, only.failed, only.unfinished, only.broken, only.cut_off) == (1, 2, 1, 1, 0)
    assert only.errors_percent == 75.0
    assert only.broken_example == "KeyError: 'x'"
    assert only.in_flight_max == 1


def test_who_is_under_way_when_the_run_is_broken_off_did_not_fail() -> None:
    counting = recorder()
    counting.end(visit(counting, 0, ""))
    waiting = visit(counting, 1, "", answered=False)
    waiting.samples.insert(0, Sample("GET /before", 0.0, 0.0, ended_s=0.1))
    counting.cut(broken_off=True)
    (only,) = merge_phases([PHASE], [report_of(counting)])
    assert (only.started, only.completed, only.unfinished, only.cut_off) == (2, 1, 0, 1)
    assert only.errors_percent == 0.0
    assert {end.endpoint: (end.requests, end.failed) for end in only.endpoints} == {"GET /0": (1, 0), "GET /before": (1, 0)}
    assert counting.tick().failed == 0


def test_a_visitor_is_counted_once_however_often_it_ends() -> None:
    counting = recorder()
    visitor = visit(counting, 0, "")
    counting.end(visitor)
    counting.end(visitor)
    counting.cut(broken_off=False)
    assert report_of(counting).phases[0].completed == 1
    assert counting.in_flight == 0


def test_quick_failures_do_not_better_the_percentiles_and_time_outs_do_not_hide() -> None:
    counting = recorder()
    counting.end(visit(counting, 0, ""))
    counting.end(visit(counting, 1, "status 503"))
    slow = visit(counting, 2, TIMEOUT)
    slow.samples[0].ended_s = slow.samples[0].intended_s + 10.0
    counting.end(slow)
    (endpoint,) = merge_phases([PHASE], [report_of(counting)])[0].endpoints
    assert (endpoint.requests, endpoint.completed, endpoint.failed) == (3, 1, 2)
    assert endpoint.latency.count == 2  # the good one and the one that nobody answered
    assert endpoint.latency.max_ms == pytest.approx(10_000, rel=0.001)
    assert {failure.kind: failure.count for failure in endpoint.failures} == {"status 503": 1, "timeout": 1}


def test_ways_to_fail_are_told_apart_up_to_a_bound() -> None:
    counting = recorder()
    for number in range(40):
        counting.end(visit(counting, number, f"wrong answer: {number}"))
    (endpoint,) = merge_phases([PHASE], [report_of(counting)])[0].endpoints
    assert len(endpoint.failures) == 21
    assert sum(failure.count for failure in endpoint.failures) == 40
    assert next(failure.count for failure in endpoint.failures if failure.kind == "other") == 20


def test_latency_counts_from_the_intended_start_and_service_from_the_sending() -> None:
    counting = recorder()
    counting.end(visit(counting, 0, ""))
    (endpoint,) = merge_phases([PHASE], [report_of(counting)])[0].endpoints
    assert endpoint.service.max_ms == pytest.approx(5.0, rel=0.01)
    assert endpoint.latency.max_ms is not None
    assert endpoint.latency.max_ms >= 15.0


def test_two_processes_are_one_result() -> None:
    parts = []
    for worker in range(2):
        counting = recorder()
        counting.end(visit(counting, worker, ""))
        counting.end(visit(counting, worker + 2, "status 500"))
        parts.append(WorkerReport(worker, "d", "", counting.reports()))
    (only,) = merge_phases([PHASE], parts)
    assert (only.started, only.completed, only.failed, only.lateness.count) == (4, 2, 2, 4)
    (endpoint,) = only.endpoints
    assert (endpoint.requests, endpoint.completed) == (4, 2)
    assert [(failure.kind, failure.count) for failure in endpoint.failures] == [("status 500", 2)]


def test_a_report_survives_the_way_to_another_process() -> None:
    counting = recorder()
    counting.end(visit(counting, 0, "", "status 500"))
    counting.phase_over(0)
    report = report_of(counting)
    assert from_json(WorkerReport, to_json(report), where="test") == report


def tick(second: int = 0, **changes: object) -> Tick:
    plain = {"second": second, "started": 5, "dropped": 0, "completed": 4, "failed": 1, "in_flight": 2, "latencies_us": (1000,)}
    return Tick(**{**plain, **changes}, cpu=SHARES)  # type: ignore[arg-type]


def test_a_second_of_several_processes_has_the_percentiles_of_all_requests() -> None:
    second = merge_ticks([tick(latencies_us=(1000, 3000)), tick(latencies_us=(2000, 90_000))], "only", 10)
    assert (second.started, second.completed, second.failed, second.in_flight, second.intended) == (10, 8, 2, 4, 10)
    assert (second.latency_p50_ms, second.latency_p95_ms) == (2.0, 90.0)
    assert (second.generator_cpu_percent, second.others_percent, second.idle_percent) == (10.0, 35.0, 55.0)


def test_shares_of_the_machine_come_from_the_difference_of_two_readings() -> None:
    before = CpuReading(at_s=10.0, own_s=1.0, machine_s=100.0, idle_s=50.0, steal_s=2.0)
    after = CpuReading(at_s=11.0, own_s=1.5, machine_s=102.0, idle_s=51.0, steal_s=2.2)
    found = shares(before, after)
    assert found.own_core_percent == pytest.approx(50.0)
    assert (found.own_percent, found.idle_percent) == (pytest.approx(25.0), pytest.approx(50.0))
    assert (found.steal_percent, found.others_percent) == (pytest.approx(10.0), pytest.approx(15.0))


def test_the_machines_own_counters_are_read() -> None:
    before = read_cpu()
    deadline = time.perf_counter() + 0.3
    while time.perf_counter() < deadline:
        math.sqrt(2.0)
    found = shares(before, read_cpu())
    assert found.own_core_percent > 10.0
    assert 0.0 <= found.idle_percent <= 100.0


BURN = "import time; e = time.time() + 30\nwhile time.time() < e: sum(range(1000))"


def test_the_targets_share_is_that_of_its_session_its_children_and_the_programs_that_work_for_it() -> None:
    """A shell that starts a busy child: the child is the target's, wherever it went."""
    shell = f"'{sys.executable}' -c '{BURN}' & wait"
    with subprocess.Popen(["/bin/sh", "-c", shell], start_new_session=True) as target:
        try:
            footprint, nobody, by_name = Footprint(target.pid, ()), Footprint(0, ()), Footprint(target.pid, ("no such program",))
            time.sleep(0.6)
            share = footprint.share_percent()
            assert share is not None
            assert 2.0 < share <= 100.0
            assert by_name.share_percent() == pytest.approx(share, abs=30)
            assert nobody.share_percent() is None
        finally:
            os.killpg(target.pid, signal.SIGKILL)
        time.sleep(0.1)
        assert (footprint.share_percent() or 0.0) >= 0.0  # one that has ended takes nothing back


# ------------------------------------------------------------------------------------------------------ following a run

PROFILE = LoadProfile("p", "p", (Phase("warm", "l", 2.0, 5.0), Phase("hot", "l", 3.0, 50.0)))


def second(number: int, name: str, **changes: float | None) -> LoadSecond:
    plain = LoadSecond(number, name, 5, 5, 0, 5, 0, 1, 10.0, 20.0, 30.0, 5.0, 40.0, 55.0, 0.0)
    return LoadSecond(**{**vars(plain), **changes})  # type: ignore[arg-type]


def test_the_progress_line_says_phase_rate_percentile_and_errors() -> None:
    progress = LoadProgress("sustained", 120, 300.0, 50.0, 50.0, 181.6, 0.1)
    assert progress.line == "sustained 120/300 s  50.0 of 50/s  p95 182 ms  errors 0.1 %"
    assert "p95 –" in LoadProgress("sustained", 1, 300.0, 50.0, 50.0, None, 0.0).line


def test_progress_counts_within_its_phase_and_not_beyond_it_while_the_last_visitors_are_waited_for() -> None:
    seconds = [second(0, "warm"), second(1, "warm"), *(second(n, "hot", started=50, completed=45, failed=5) for n in (2, 3, 4))]
    hot = progress_of(PROFILE, seconds)
    assert (hot.phase, hot.elapsed_s, hot.started_per_s, hot.errors_percent) == ("hot", 3, 50.0, 10.0)
    drained = progress_of(PROFILE, [*seconds, second(5, "hot", started=0, completed=0)])
    assert (drained.elapsed_s, drained.started_per_s) == (3, 50.0)


def test_a_line_that_is_still_being_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "seconds.ndjson"
    heard: list[LoadProgress] = []
    follower = Follower(PROFILE, path, heard.append, Footprint(0, ()))
    follower.look()
    line = json.dumps(vars(second(0, "warm")))
    path.write_text(line[:40])
    follower.look()
    assert heard == []
    path.write_text(line + "\n")
    follower.look()
    follower.look()
    assert [progress.elapsed_s for progress in heard] == [1]


def test_what_a_killed_generator_left_is_counted_and_has_no_percentiles() -> None:
    warm, hot = phases_of(PROFILE, [second(0, "warm"), second(1, "warm", completed=3, failed=1)])
    assert (warm.started, warm.completed, warm.failed, warm.cut_off, warm.not_started) == (10, 8, 1, 1, 0)
    assert (hot.started, hot.not_started, hot.lateness.count) == (0, 150, 0)


def test_a_result_can_be_read_back() -> None:
    whole = result(phase(), phase(phase="peak"))
    assert from_json(LoadResult, to_json(whole), where="test") == whole
    assert whole.phase("peak").phase == "peak"
    assert (whole.intended, whole.begun, whole.completed) == (2000, 2000, 2000)
