"""Nobody reaches what is not theirs: role × operation × {own, another's, nobody's} object, reads and writes."""

from __future__ import annotations

import pytest

from harness.evidence.records import Recorder
from harness.model.finding import Finding
from harness.probes.access.authorization import Matrix
from harness.probes.deaths import seen_to_die
from harness.targets.arena import Arena

pytestmark = pytest.mark.proves("7.3.5.a")


def told(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.title}: {finding.observed} {finding.advice}" for finding in findings)


def test_the_target_serves_to_the_end(matrix: Matrix, arena: Arena, record: Recorder) -> None:
    if matrix.death:
        record.finding(seen_to_die(arena, matrix.death, "authorization"))
    assert not matrix.died


def test_every_role_succeeds_with_something_that_it_may_do(matrix: Matrix) -> None:
    idle = [role for role in matrix.roles if not any(c.permitted and c.allowed for c in matrix.cells if c.role == role)]
    if idle:
        pytest.skip(f"{', '.join(idle)} succeeded with nothing, so no refusal proves anything")


def test_nobody_reaches_what_is_not_theirs(operation: str, matrix: Matrix, record: Recorder) -> None:
    findings = [finding for examined in matrix.of(operation) for finding in examined.findings]
    for finding in findings:
        record.finding(finding)
    assert not findings, told(findings)
    if gaps := matrix.gaps(operation):
        pytest.skip("; ".join(gaps))
