"""Who has an account, asked of a reset, a registration and a log-in that is limited."""

from __future__ import annotations

import pytest

from harness.model.finding import Severity
from harness.model.target import Limits
from harness.probes.abuse.enumeration import PAIRS, PAIRS_OF_REGISTRATION, TARGETS_MAX, examine_enumeration
from harness.probes.checks import Report
from tests.probes.servers.gate_server import DOCUMENT, LIMITS, Gates


def asked(gates: Gates) -> Report:
    return examine_enumeration(gates, DOCUMENT, 1)


def test_answers_that_are_the_same_for_all_give_no_finding() -> None:
    report = asked(Gates(limits=Limits()))
    assert report.findings == []
    assert report.tried == 2 * PAIRS + PAIRS_OF_REGISTRATION


@pytest.mark.parametrize(
    ("defect", "operation", "severity"),
    [
        ("reset-tells-status", "POST /password/forgot", Severity.MEDIUM),
        ("register-tells-status", "POST /register/start", Severity.LOW),
    ],
)
def test_a_reset_or_registration_that_tells_is_found(defect: str, operation: str, severity: Severity) -> None:
    report = asked(Gates(frozenset({defect}), Limits()))
    assert [(f.rule, f.operation, f.severity) for f in report.findings] == [("abuse.account-enumeration", operation, severity)]


def test_a_log_in_that_is_limited_is_asked_on_further_targets() -> None:
    gates = Gates(limits=LIMITS)
    report = asked(gates)
    assert 1 < gates.started <= TARGETS_MAX
    assert (report.findings, report.tried) == ([], 2 * PAIRS + PAIRS_OF_REGISTRATION)


def test_what_could_not_be_asked_is_told_of_and_not_passed_over() -> None:
    report = asked(Gates(limits=Limits(requests=1, window_s=900)))
    assert report.findings == []
    assert report.gap.startswith("3 could not be tried: ")
    assert "POST /password/forgot about accounts of member: it limits how often" in report.gap
