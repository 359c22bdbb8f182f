"""What the database's own record says of every operation."""

from __future__ import annotations

import pytest

from harness.evidence.records import Recorder
from harness.witness.examination import Examination


def settle(examination: Examination, oracle: str, record: Recorder) -> None:
    report = examination.of(oracle)
    for finding in report.findings:
        record.finding(finding)
    assert not report.findings, "\n".join(f"{f.title}: {f.observed} {f.advice}" for f in report.findings)
    if not report.tried:
        pytest.skip("; ".join(report.untried.values()) or "there was nothing to try")


def test_the_target_serves_to_the_end(examination: Examination) -> None:
    assert not examination.died


@pytest.mark.proves("2.1.7.a", "7.3.2.a")
def test_no_statement_is_built_from_input(examination: Examination, record: Recorder) -> None:
    settle(examination, "injection", record)
