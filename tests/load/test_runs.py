"""Load tests against a real server in a process of its own: each short, each of one behaviour."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from harness.engines.locust import LoadTarget, load_result_from_json
from harness.engines.locust.schedule import make_schedule
from harness.model.errors import ConfigError, EvidenceError
from harness.model.load import Failure, LoadProgress, LoadResult, Phase
from harness.model.load_validity import validity
from harness.model.plan import LoadLimits
from harness.model.target import Login, User
from tests.load.conftest import KEPT, LENIENT, Load, StartStub, a_profile
from tests.load.samples import LEADS, LOGIN


def failures(result: LoadResult, endpoint: str) -> dict[str, int]:
    ends = [end for phase in result.phases for end in phase.endpoints if end.endpoint == endpoint]
    return {failure.kind: failure.count for end in ends for failure in end.failures}


def first_failure(result: LoadResult) -> Failure:
    return next(failure for phase in result.phases for end in phase.endpoints for failure in end.failures)


def generators() -> list[psutil.Process]:
    """Locust processes below this one."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "locust" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_every_arrival_of_every_phase_runs_the_journey_and_is_accounted_for(
    start_stub: StartStub, load: Load, password: str
) -> None:
    phases = (Phase("calm", "a", 1.0, 20.0), Phase("busy", "b", 1.5, 60.0))
    profile = a_profile(1, 1, phases=phases)
    result = load(start_stub(), profile)

    assert (result.complete, result.reason) == (True, "")
    assert result.schedule_digest == make_schedule(profile, 7).digest
    calm, busy = result.phases
    assert (calm.intended, calm.started, calm.completed, calm.failed) == (20, 20, 20, 0)
    assert (busy.intended, busy.started, busy.completed, busy.failed) == (90, 90, 90, 0)
    assert result.endpoints == (LOGIN, LEADS)
    assert [(end.requests, end.completed) for end in busy.endpoints] == [(90, 90), (90, 90)]
    assert all(end.latency.count == 90 and end.latency.hdr for end in busy.endpoints)
    assert busy.lateness.count == 90
    assert busy.generator_cpu_percent > 0
    assert validity(result, LENIENT) == ()

    assert sum(second.started for second in result.seconds) == 110
    assert result.seconds[0].phase == "calm"
    assert {progress.phase for progress in load.heard} == {"calm", "busy"}
    assert load_result_from_json(load.output / "load.json") == result
    written = "".join(path.read_text(errors="replace") for path in load.output.rglob("*") if path.is_file())
    assert password not in written
    assert generators() == []


def test_a_target_that_stalls_is_seen_as_it_is_although_most_requests_were_quick(start_stub: StartStub, load: Load) -> None:
    """Coordinated omission: everybody who comes while nothing is answered waits, and everybody is counted."""
    result = load(start_stub("--stall-after", "0.5", "--stall", "1.0"), a_profile(60, 2.5))
    (only,) = result.phases
    log_in = only.endpoints[0]
    assert only.completed == 150
    assert only.in_flight_max > 40
    assert log_in.latency.p50_ms is not None
    assert log_in.latency.p90_ms is not None
    assert log_in.latency.p99_ms is not None
    # 60 of the 150 came during the stall and waited 0 to 1 s, evenly: the 99th percentile of all is 0.975 s.
    # The bounds leave room for a busy machine; users who wait for their answers would report some milliseconds.
    assert 850 < log_in.latency.p99_ms < 1300
    assert 600 < log_in.latency.p90_ms < 1000
    assert log_in.latency.p50_ms < 400


def test_each_visitor_comes_from_an_address_of_its_own_so_that_a_limit_on_one_holds_up_nobody(
    start_stub: StartStub, load: Load
) -> None:
    own, shared = a_profile(50, 2), a_profile(50, 2, **KEPT)
    assert load(start_stub("--limit", "2"), own).phases[0].completed == 100
    assert load(start_stub("--limit", "2"), shared).phases[0].completed < 50


def test_a_target_that_dies_in_mid_run_fails_everybody_who_comes_later(start_stub: StartStub, load: Load) -> None:
    result = load(start_stub("--die-after", "50"), a_profile(50, 2))
    (only,) = result.phases
    assert result.complete
    assert only.started == 100
    assert only.completed < 26
    assert only.completed + only.failed == 100
    assert only.errors_percent > 74
    assert set(failures(result, LOGIN)) <= {"connection refused", "connection closed", "connection reset"}
    assert any("requests completed" in reason for reason in validity(result, LoadLimits()))


def test_a_refused_log_in_is_a_failure_of_everybody_and_ends_the_run_early(start_stub: StartStub, load: Load) -> None:
    target = start_stub()
    stranger = dataclasses.replace(target.users[0], password="not the one that it is")
    result = load(dataclasses.replace(target, users=(stranger,)), a_profile(100, 20))
    assert not result.complete
    assert result.reason == "given up: the first 100 visitors all failed"
    (only,) = result.phases
    assert (only.completed, only.failed) == (0, only.started)
    assert 100 <= only.started < 200
    assert only.not_started == 2000 - only.started
    assert only.errors_percent == 100.0
    assert failures(result, LOGIN) == {"status 401": only.started}
    assert result.endpoints == (LOGIN,)
    assert "wrong e-mail or password" in first_failure(result).example
    assert "not the one that it is" not in (load.output / "load.json").read_text()


@pytest.mark.parametrize(
    ("options", "seeded", "wrong"),
    [
        (["--leads", "0"], True, {'wrong answer: "leads" has fewer than 1 rows': 30}),
        (["--leads", "0"], False, {}),
    ],
)
def test_an_empty_list_is_wrong_where_the_harness_made_the_data(
    start_stub: StartStub, load: Load, options: list[str], seeded: bool, wrong: dict[str, int]
) -> None:
    target = dataclasses.replace(start_stub(*options), seeded=seeded)
    result = load(target, a_profile(30, 1))
    assert failures(result, LEADS) == wrong
    assert result.completed == 30 - sum(wrong.values())


def test_nobody_is_held_back_by_a_silent_target_but_each_gives_up_in_time(start_stub: StartStub, load: Load) -> None:
    began = time.monotonic()
    result = load(start_stub("--delay", "30"), a_profile(20, 1, journey_timeout_s=1.0))
    assert time.monotonic() - began < 15
    (only,) = result.phases
    assert (only.started, only.completed, only.failed, only.in_flight_max) == (20, 0, 20, 20)
    assert failures(result, LOGIN) == {"timeout": 20}
    log_in = only.endpoints[0]
    assert log_in.latency.p50_ms == pytest.approx(1200, abs=200)  # the time-out of 1 s, and what a busy machine adds


def test_arrivals_above_the_memory_cap_are_dropped_counted_and_make_the_run_invalid(start_stub: StartStub, load: Load) -> None:
    result = load(start_stub("--delay", "0.5"), a_profile(40, 1, in_flight_max=5))
    (only,) = result.phases
    assert only.in_flight_max == 5
    assert only.started + only.dropped == only.intended == 40
    assert only.dropped >= 20
    assert any(f"{only.dropped} arrivals were dropped" in reason for reason in validity(result, LENIENT))


def test_a_run_that_is_interrupted_keeps_what_it_measured_and_leaves_no_process(start_stub: StartStub, load: Load) -> None:
    def interrupt(progress: LoadProgress) -> None:
        if progress.elapsed_s >= 2:
            load.stop.signal = "SIGINT"

    load.listener = interrupt
    result = load(start_stub(), a_profile(30, 30))
    assert not result.complete
    assert result.reason == "stopped by SIGINT"
    (only,) = result.phases
    assert 60 <= only.completed < 300
    assert only.not_started == only.intended - only.started > 0
    assert only.endpoints[0].latency.p95_ms is not None
    assert generators() == []


def test_a_killed_generator_is_an_incomplete_result_with_the_seconds_that_it_wrote(start_stub: StartStub, load: Load) -> None:
    def kill(progress: LoadProgress) -> None:
        if progress.elapsed_s >= 2:
            for process in generators():
                process.send_signal(signal.SIGKILL)

    load.listener = kill
    result = load(start_stub(), a_profile(30, 30))
    assert not result.complete
    assert result.reason.startswith("the generator ended with")
    assert result.completed >= 50
    assert result.phases[0].endpoints == ()
    assert "no request was sent" in validity(result, LENIENT)


def test_a_deadline_ends_the_run_and_is_named(start_stub: StartStub, load: Load) -> None:
    result = load(start_stub(), a_profile(20, 60), timeout_s=5.0)
    assert not result.complete
    assert result.reason.startswith("cut off after")
    assert generators() == []


BROKEN_JOURNEY = '''
"""Fails by itself at each second visitor."""

def broken(visitor):
    """Its own mistake."""
    answer = visitor.get("/one")
    if visitor.number % 2:
        print(answer.json["nothing there"])
'''


def test_a_mistake_in_a_journey_is_not_the_targets_failure(start_stub: StartStub, load: Load, tmp_path: Path) -> None:
    journeys = tmp_path / "journeys"
    journeys.mkdir()
    (journeys / "broken.py").write_text(BROKEN_JOURNEY)
    result = load(start_stub(), a_profile(20, 1), journey="broken", journeys_folder=journeys, timeout_s=20.0)
    (only,) = result.phases
    assert (only.completed, only.failed, only.broken) == (10, 0, 10)
    assert only.errors_percent == 0.0
    assert only.broken_example == "KeyError: 'nothing there' (broken.py:8)"
    assert any("the journey's own code failed 10 times" in reason for reason in validity(result, LENIENT))


def test_a_journey_that_cannot_be_imported_is_an_incomplete_result_that_says_so(
    start_stub: StartStub, load: Load, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text("import nowhere_to_be_found\n\n\ndef bad(visitor):\n    pass\n")
    result = load(start_stub(), a_profile(20, 1), journey="bad", journeys_folder=tmp_path)
    assert not result.complete
    assert "nowhere_to_be_found" in result.reason
    assert result.phases[0].not_started == 20


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (LoadTarget("http://name.invalid", "nobody", Login("none"), (User("one", "one"),)), "the name cannot be resolved"),
        (
            LoadTarget("http://127.0.0.1:9", "x", Login("header", header="Bad Name", value="x"), (User("one", "one"),)),
            "'Bad Name'",
        ),
    ],
)
def test_what_cannot_work_at_all_is_an_incomplete_result_that_says_why(load: Load, target: LoadTarget, words: str) -> None:
    result = load(target, a_profile(20, 1))
    assert not result.complete
    assert words in result.reason
    assert result.phases[0].not_started == 20


def test_an_unknown_journey_is_refused_before_anything_starts(load: Load) -> None:
    target = LoadTarget("http://127.0.0.1:1", "partner", Login("none"), ())
    with pytest.raises(ConfigError, match='did you mean "log_in_and_view_leads"'):
        load(target, a_profile(1, 1), journey="log_in_and_view_lead")
    assert not load.output.exists()


def test_two_processes_share_one_schedule_and_make_one_result(start_stub: StartStub, load: Load) -> None:
    profile = a_profile(40, 2, **KEPT)
    result = load(start_stub(), profile, processes=2)
    assert (result.complete, result.reason, result.processes) == (True, "", 2)
    (only,) = result.phases
    assert (only.started, only.completed, only.lateness.count) == (80, 80, 80)
    assert [end.completed for end in only.endpoints] == [80, 80]
    assert sum(second.started for second in result.seconds) == 80
    assert generators() == []


def parent_of(process: psutil.Process) -> int:
    """The parent's id; 0 where the process ended while it was looked at."""
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0


def test_one_of_two_processes_lost_makes_the_run_incomplete(start_stub: StartStub, load: Load) -> None:
    def kill_one(progress: LoadProgress) -> None:
        processes = generators()
        workers = [process for process in processes if parent_of(process) in {other.pid for other in processes}]
        if progress.elapsed_s == 1 and workers:
            os.kill(workers[0].pid, signal.SIGKILL)

    load.listener = kill_one
    result = load(start_stub(), a_profile(20, 20), processes=2, timeout_s=30.0)
    assert not result.complete
    assert "generator process" in result.reason
    assert generators() == []


def test_a_run_that_is_invalid_for_the_generators_own_reason_is_repeated_once_and_both_are_kept(
    start_stub: StartStub, load: Load
) -> None:
    impossible = dataclasses.replace(LENIENT, lateness_p99_ms_max=0.0001)
    result = load(start_stub(), a_profile(20, 1), limits=impossible, timeout_s=80.0)
    (first,) = result.attempts
    assert "began late" in first.reasons[0]
    kept = load_result_from_json(load.output / first.file)
    assert (kept.complete, kept.completed, result.completed) == (True, 20, 20)
    assert kept.started < result.started
    assert validity(result, impossible) != ()


def test_a_result_that_was_cut_is_not_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "load.json").write_text(json.dumps({"profile": "smoke"}))
    with pytest.raises(EvidenceError, match="not a LoadResult"):
        load_result_from_json(tmp_path / "load.json")
    with pytest.raises(EvidenceError, match="cannot be read"):
        load_result_from_json(tmp_path / "nowhere.json")
