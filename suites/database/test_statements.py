"""What the database's own record says of every operation."""

from __future__ import annotations

import pytest

from harness.evidence.records import Recorder
from harness.model.finding import Confidence
from harness.probes.deaths import seen_to_die
from harness.targets.arena import Arena
from harness.witness.examination import Examination


def settle(examination: Examination, oracle: str, record: Recorder) -> None:
    report = examination.of(oracle)
    for finding in report.findings:
        record.finding(finding)
    sure = [finding for finding in report.findings if finding.confidence is not Confidence.LOW]
    assert not sure, "\n".join(f"{finding.title}: {finding.observed} {finding.advice}" for finding in sure)
    if not report.tried:
        pytest.skip("; ".join(report.untried.values()) or "there was nothing to try")


def test_the_target_serves_to_the_end(examination: Examination, arena: Arena, record: Recorder) -> None:
    if examination.death:
        record.finding(seen_to_die(arena, examination.death, "database"))
    assert not examination.died


@pytest.mark.proves("2.1.7.a", "7.3.2.a")
def test_no_statement_is_built_from_input(examination: Examination, record: Recorder) -> None:
    settle(examination, "injection", record)


@pytest.mark.parametrize("oracle", ["write-by-safe-method", "write-in-refused-request", "work-outside-transaction"])
def test_what_is_written_is_meant_and_holds_together(oracle: str, examination: Examination, record: Recorder) -> None:
    settle(examination, oracle, record)


@pytest.mark.parametrize("oracle", ["lost-update", "double-submission", "limit-exceeded"])
def test_nothing_is_lost_or_done_twice_at_the_same_moment(oracle: str, examination: Examination, record: Recorder) -> None:
    settle(examination, oracle, record)


def test_what_is_read_after_a_write_is_what_was_written(examination: Examination, record: Recorder) -> None:
    settle(examination, "stale-read", record)


def test_a_request_gives_back_what_it_took(examination: Examination, record: Recorder) -> None:
    settle(examination, "leaks", record)


@pytest.mark.parametrize(
    "oracle", ["n-plus-one", pytest.param("unbounded-list", marks=pytest.mark.proves("4.1.7.a")), "missing-index"]
)
def test_work_does_not_grow_with_the_data(oracle: str, examination: Examination, record: Recorder) -> None:
    settle(examination, oracle, record)
