"""Which command shows a defect again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.report.reproduction import command_of

DEATH = Finding("contract.target-died", "It ended", Severity.CRITICAL, Confidence.MEDIUM, "contract", ("schemathesis",))


@pytest.mark.parametrize(
    "finding",
    [
        replace(DEATH, steps=(Request("GET", "/x"),), symptom=Symptom(server_error=True)),
        replace(DEATH, rule="contract.drift"),
        replace(DEATH, rule="exposure.secret-in-log", stage="security"),
        replace(DEATH, stage="database"),
    ],
)
def test_a_defect_is_replayed(finding: Finding) -> None:
    assert command_of(finding) == f"harness replay {finding.fingerprint}"


@pytest.mark.parametrize(
    "finding",
    [
        DEATH,
        replace(DEATH, stage="security"),
        replace(DEATH, rule="contract.drift", stage="security"),
        replace(DEATH, rule="a.rule"),
    ],
)
def test_what_no_request_shows_is_looked_for_by_its_stage(finding: Finding) -> None:
    assert command_of(finding) == f"harness verify {finding.stage}"
