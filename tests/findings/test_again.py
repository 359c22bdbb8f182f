"""Which command shows a defect again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.findings.again import command_of
from harness.model.finding import Confidence, Finding, Request, Severity

DEATH = Finding("contract.target-died", "It ended", Severity.CRITICAL, Confidence.MEDIUM, "contract", ("schemathesis",))


@pytest.mark.parametrize(
    "finding",
    [replace(DEATH, steps=(Request("GET", "/x"),)), replace(DEATH, rule="contract.drift"), replace(DEATH, rule="a.rule")],
)
def test_a_defect_is_replayed(finding: Finding) -> None:
    assert command_of(finding) == f"harness replay {finding.fingerprint}"


@pytest.mark.parametrize("stage", ["contract", "security"])
def test_a_death_that_no_request_shows_is_looked_for_by_its_stage(stage: str) -> None:
    assert command_of(replace(DEATH, stage=stage)) == f"harness verify {stage}"
