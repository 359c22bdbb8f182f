"""A finding is documented, fixed or waived until a date, and comes back as regressed: with a real answer that lost a header."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from harness.findings import waiving
from harness.findings.history import Observed, accept, history
from harness.model.finding import Finding
from harness.model.waiver import Examined, FindingState, KnownBase, Waiver
from harness.probes.audits.headers import audit
from harness.probes.tour import Tour, Visit

HEADER = "x-content-type-options"
TODAY = date(2026, 1, 31)


@pytest.fixture(scope="module")
def visit(tour: Tour) -> Visit:
    """The first answer of an operation that has the header."""
    found = next((visit for visit in tour.visits if visit.operation and visit.answer.header(HEADER)), None)
    if found is None:
        pytest.skip(f"no operation answered with {HEADER}")
    return found


@pytest.fixture(scope="module")
def finding(visit: Visit) -> Finding:
    """What is said of that answer without its header, and not of it as it is."""
    without = replace(visit.answer, headers=tuple(pair for pair in visit.answer.headers if pair[0].lower() != HEADER))
    said = {found.fingerprint: found for found in audit([replace(visit, answer=without)])}
    before = {found.fingerprint for found in audit([visit])}
    (new,) = [found for fingerprint, found in said.items() if fingerprint not in before]
    return new


def observed(finding: Finding, *, found: bool, day: date) -> Observed:
    examined = Examined("probes", (finding.rule,), (finding.operation,), (finding.role,))
    return Observed((finding,) if found else (), (examined,), f"{day}T12:00:00Z")


def state(seen: Observed, base: KnownBase | None, *waivers: Waiver, day: date = TODAY) -> FindingState:
    (status,) = history(seen, base, waivers, day).statuses
    return status.state


@pytest.mark.proves("7.3.6.a")
def test_a_finding_is_documented_and_can_be_seen_again(finding: Finding, visit: Visit) -> None:
    assert finding.fingerprint
    assert finding.operation == visit.operation
    assert all((finding.title, finding.expected, finding.observed, finding.why, finding.advice, finding.cwe))
    assert [step.path for step in finding.steps] == [visit.request.path]
    assert finding.symptom.header_absent.lower() == HEADER


@pytest.mark.proves("7.3.6.b")
def test_a_finding_that_was_fixed_and_returns_is_called_regressed(finding: Finding) -> None:
    found, gone = observed(finding, found=True, day=TODAY), observed(finding, found=False, day=TODAY + timedelta(1))
    assert state(found, None) is FindingState.NEW
    first = accept(found, None, "first")
    assert state(found, first) is FindingState.KNOWN
    assert state(gone, first) is FindingState.FIXED
    assert state(found, accept(gone, first, "second")) is FindingState.REGRESSED


@pytest.mark.proves("7.3.6.c")
def test_a_waiver_excuses_a_finding_until_its_day_and_not_longer(finding: Finding) -> None:
    waiver = Waiver(finding.fingerprint, "an edge server sets it", "owner", ("approver",), TODAY, TODAY + timedelta(30))
    on_the_day, after = waiver.expires, waiver.expires + timedelta(1)
    assert waiving.apply((finding,), (waiver,), on_the_day).excused == (finding,)
    assert waiving.apply((finding,), (waiver,), after).standing == (finding,)
    found = observed(finding, found=True, day=TODAY)
    assert state(found, None, waiver, day=on_the_day) is FindingState.ACCEPTED
    assert state(found, None, waiver, day=after) is FindingState.NEW
