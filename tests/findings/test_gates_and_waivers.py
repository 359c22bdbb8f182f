"""A waiver excuses its finding for its time, in every gate that judges findings, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from harness.gates.registry import gates
from harness.ledger.rows import load
from harness.ledger.states import CRITICAL_PART, decide
from harness.model.evidence import Kind
from harness.model.finding import Finding, Severity
from harness.model.gate import GateResult
from harness.model.ledger import RowState
from harness.model.verdict import Verdict
from harness.model.waiver import Waiver
from tests.gates import build
from tests.runner.tiny import ROOT

HOLE = build.finding(severity=Severity.HIGH, role="partner")
EVIDENCE: dict[str, tuple[Kind, Any]] = {
    "findings": (Kind.FINDINGS, build.findings),
    "contract": (Kind.CONTRACT, lambda *found: build.contract(findings=found)),
    "authorization": (
        Kind.AUTHORIZATION,
        lambda *found: build.matrix(build.OWN, replace(build.ANOTHERS, allowed=bool(found)), findings=found),
    ),
}


def waiver(finding: Finding = HOLE, *approvers: str, expires: date = date(2026, 12, 1)) -> Waiver:
    return Waiver(finding.fingerprint, "until the new proxy stands", "ana", approvers or ("bo",), date(2026, 11, 1), expires)


def judge(gate: str, finding: Finding, *waivers: Waiver, today: date = date(2026, 11, 24)) -> GateResult:
    kind, payload = EVIDENCE[gate]
    seen = build.view((build.stage(gate),), build.item(gate, kind, payload(finding)), build.two_passed(gate))
    return gates()[gate].judge(replace(seen, waivers=waivers, today=today))


@pytest.mark.parametrize("gate", sorted(EVIDENCE))
class TestEveryGateOfFindings:
    def test_fails_without_a_waiver_and_passes_with_one_that_it_names(self, gate: str) -> None:
        assert judge(gate, HOLE).verdict is Verdict.FAIL
        passed = judge(gate, HOLE, waiver())
        assert passed.verdict is Verdict.PASS
        assert any(line.startswith("waived: high") for line in passed.details)

    def test_fails_again_on_the_day_after_the_expiry(self, gate: str) -> None:
        assert judge(gate, HOLE, waiver(), today=date(2026, 12, 1)).verdict is Verdict.PASS
        failed = judge(gate, HOLE, waiver(), today=date(2026, 12, 2))
        assert failed.verdict is Verdict.FAIL
        assert "its waiver expired on 2026-12-01" in " ".join((failed.reason, *failed.details))

    def test_is_not_excused_by_the_waiver_of_another_finding(self, gate: str) -> None:
        assert judge(gate, HOLE, waiver(replace(HOLE, parameter="q"))).verdict is Verdict.FAIL

    def test_wants_two_approvers_for_a_critical_one(self, gate: str) -> None:
        critical = replace(HOLE, severity=Severity.CRITICAL)
        assert judge(gate, critical, waiver(critical)).verdict is Verdict.FAIL
        assert judge(gate, critical, waiver(critical, "bo", "cy")).verdict is Verdict.PASS


def test_a_hole_in_the_matrix_that_no_finding_names_is_not_excused() -> None:
    hole = replace(build.ANOTHERS, allowed=True, status=200)
    other = replace(HOLE, route="/elsewhere")
    items = (build.item("authorization", Kind.AUTHORIZATION, build.matrix(build.OWN, hole, findings=(other,))),)
    seen = build.view((build.stage("authorization"),), *items, build.two_passed("authorization"))
    assert (
        gates()["authorization"].judge(replace(seen, waivers=(waiver(other),), today=date(2026, 11, 24))).verdict is Verdict.FAIL
    )


LEDGER = load(ROOT / "ledger" / "phase4.toml")


def critical_part(*findings: Finding, unscanned: tuple[str, ...] = ()) -> tuple[RowState, str]:
    rows = decide(LEDGER, (), {}, (), findings=findings, unscanned=unscanned).rows
    part = next(part for row in rows for part in row.parts if part.part == CRITICAL_PART)
    return part.state, part.reason


def test_a_critical_finding_refutes_that_there_is_none_waived_or_not() -> None:
    state, reason = critical_part(replace(HOLE, severity=Severity.CRITICAL), unscanned=("zap",))
    assert state is RowState.REFUTED
    assert HOLE.fingerprint in reason


def test_without_a_critical_finding_the_engines_that_did_not_run_are_named() -> None:
    state, reason = critical_part(HOLE, unscanned=("zap (no ZAP was found)", "tls"))
    assert state is RowState.UNKNOWN
    assert "zap (no ZAP was found); tls" in reason
