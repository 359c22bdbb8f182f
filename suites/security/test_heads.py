"""Every answer carries the security headers, errors and pages included, and only listed origins may read it."""

from __future__ import annotations

import pytest

from harness.evidence.records import Recorder
from harness.model.finding import Confidence, Finding
from harness.probes.audits.cors import CorsReport
from harness.probes.deaths import seen_to_die
from harness.probes.tour import Tour
from harness.targets.arena import Arena


def settle(findings: list[Finding], record: Recorder) -> None:
    for finding in findings:
        record.finding(finding)
    sure = [finding for finding in findings if finding.confidence is not Confidence.LOW]
    assert not sure, "\n".join(f"{finding.title}: {finding.observed} {finding.advice}" for finding in sure)


def test_the_target_serves_to_the_end(tour: Tour, arena: Arena, record: Recorder) -> None:
    if tour.death:
        record.finding(seen_to_die(arena, tour.death, "security"))
    assert not tour.died


@pytest.mark.proves("2.1.3.a")
def test_every_answer_of_an_operation_has_the_security_headers(
    operation: str, tour: Tour, heads: tuple[Finding, ...], record: Recorder
) -> None:
    settle([finding for finding in heads if finding.operation == operation], record)
    if operation not in tour.reached:
        pytest.skip(tour.notes.get(operation, "no request succeeded"))


@pytest.mark.proves("2.1.3.a")
def test_pages_and_errors_have_the_security_headers(tour: Tour, heads: tuple[Finding, ...], record: Recorder) -> None:
    settle([finding for finding in heads if finding.operation not in tour.operations], record)
    if not tour.of(""):
        pytest.skip("nothing but operations answered")


@pytest.mark.proves("1.1.7.a")
def test_only_listed_origins_may_read_answers(cors: CorsReport, arena: Arena, record: Recorder) -> None:
    dead = [seen_to_die(arena, cors.death, "security")] if cors.death else []
    settle([*(cors.findings or ()), *dead], record)
    if not cors.tried:
        pytest.skip("no operation succeeded that another origin could have read")
    if cors.allowed_works is None:
        pytest.skip("the target file lists no origins: refusals alone were seen")
