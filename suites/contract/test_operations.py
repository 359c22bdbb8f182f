"""Every operation keeps what the committed document promises, whoever calls it and whatever is sent."""

from __future__ import annotations

import pytest

from harness.engines.contract.campaign import CampaignResult
from harness.evidence.records import Recorder
from harness.model.finding import Finding
from harness.probes.openapi.document import Document

CAUSED_BY_ANYBODY = frozenset({"200", "201", "202", "204", "401", "403"})
CAUSED_BY_INPUT = CAUSED_BY_ANYBODY | {"400", "404", "409", "412", "415", "422", "428"}


def told(findings: list[Finding]) -> str:
    return "\n".join(f"{finding.title}. {finding.observed} Expected: {finding.expected} {finding.advice}" for finding in findings)


def test_keeps_its_contract(operation: str, campaign: CampaignResult, record: Recorder) -> None:
    findings = [finding for finding in campaign.findings if finding.operation == operation]
    for finding in findings:
        record.finding(finding)
    assert not findings, told(findings)


def test_succeeds_as_every_role_that_may_call_it(operation: str, campaign: CampaignResult) -> None:
    """A refused log-in is green everywhere else: nothing was tested then."""
    failed = [cases for cases in campaign.cases if cases.operation == operation and cases.permitted and not cases.successes]
    if failed:
        pytest.skip("; ".join(f"no success as {cases.role}: answered {cases.statuses}" for cases in failed))


@pytest.mark.proves("7.1.2.a")
def test_answers_with_every_status_that_a_caller_can_cause(
    operation: str, campaign: CampaignResult, deliberate: dict[str, frozenset[str]], document: Document
) -> None:
    """What only an outage, a limit or a megabyte causes is other stages' subject."""
    if operation in campaign.untested:
        pytest.skip(f"not tested: {campaign.untested[operation]}")
    generated = {status for cases in campaign.cases if cases.operation == operation for status in cases.statuses}
    assert generated, "no request was sent to it"
    seen = generated | deliberate.get(operation, frozenset())
    promised = next(op for op in document.operations if op.name == operation)
    causable = CAUSED_BY_INPUT if promised.parameters or promised.bodies else CAUSED_BY_ANYBODY
    if missing := sorted({response.status for response in promised.responses} & causable - seen):
        pytest.skip(f"it never answered {', '.join(missing)}")


def test_every_phase_comes_to_its_end(campaign: CampaignResult) -> None:
    assert campaign.cases
    if campaign.incomplete:
        pytest.skip("; ".join(campaign.incomplete))


def test_the_target_serves_to_the_end(campaign: CampaignResult, record: Recorder) -> None:
    tested = {cases.operation for cases in campaign.cases}
    findings = [finding for finding in campaign.findings if finding.operation not in tested]
    for finding in findings:
        record.finding(finding)
    assert not findings, told(findings)
    assert campaign.target_alive, "; ".join(campaign.incomplete)
