"""What is new, known, fixed, back, or was not looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from harness.findings.examined import examined
from harness.findings.export import as_csv
from harness.findings.history import Observed, accept, history
from harness.model.evidence import ContractPayload, OperationCases
from harness.model.finding import Finding
from harness.model.waiver import Examined, FindingState, KnownBase, Waiver, WaiverKind
from tests.gates import build

TODAY = date(2026, 11, 24)
FIRST, LATER, LAST = "2026-11-01T00:00:00Z", "2026-11-10T00:00:00Z", "2026-11-24T00:00:00Z"
HOLE = build.finding("headers.missing", role="partner")
LOOKED = Examined("probes", ("headers.missing",), ("GET /x",), ("partner",))


def saw(*findings: Finding, tried: tuple[Examined, ...] = (), ended: str = LAST) -> Observed:
    return Observed(findings, tried, ended)


def states(observed: Observed, base: KnownBase | None, *waivers: Waiver) -> list[FindingState]:
    return [status.state for status in history(observed, base, waivers, TODAY).statuses]


def test_a_hole_is_new_then_known_then_fixed_then_back() -> None:
    assert states(saw(HOLE, ended=FIRST), None) == [FindingState.NEW]
    base = accept(saw(HOLE, ended=FIRST), None, "run-1")
    assert states(saw(HOLE), base) == [FindingState.KNOWN]
    mended = saw(tried=(LOOKED,), ended=LATER)
    assert states(mended, base) == [FindingState.FIXED]
    base = accept(mended, base, "run-2")
    (again,) = history(saw(HOLE), base, (), TODAY).statuses
    assert (again.state, again.first_seen, again.last_seen) == (FindingState.REGRESSED, FIRST, LAST)


@pytest.mark.parametrize(
    "tried",
    [
        (),
        (Examined("probes", ("headers.other",), ("GET /x",), ("partner",)),),
        (Examined("probes", ("headers.missing",), ("GET /y",), ("partner",)),),
        (Examined("probes", ("headers.missing",), ("GET /x",), ("admin",)),),
        (Examined("probes", ("headers.missing",), ("GET /x",)),),
    ],
    ids=["nothing ran", "another rule", "another route", "another role", "nobody's role"],
)
def test_fixed_is_said_only_where_the_same_rule_ran_on_the_same_route_as_the_same_role(tried: tuple[Examined, ...]) -> None:
    base = accept(saw(HOLE, ended=FIRST), None, "run-1")
    assert states(saw(tried=tried), base) == [FindingState.NOT_OBSERVED]


def test_what_was_not_observed_stays_in_the_base_as_it_was() -> None:
    base = accept(saw(HOLE, ended=FIRST), None, "run-1")
    assert accept(saw(ended=LATER), base, "run-2").findings == base.findings


def test_a_family_of_rules_counts_for_each_of_its_members() -> None:
    hole = replace(HOLE, rule="contract.server-error")
    base = accept(saw(hole, ended=FIRST), None, "run-1")
    assert states(saw(tried=(replace(LOOKED, rules=("contract.*",)),)), base) == [FindingState.FIXED]


def test_contract_evidence_says_what_it_tried_and_what_it_left_out() -> None:
    payload = ContractPayload(
        "d",
        ("GET /x", "GET /y", "GET /z"),
        {"GET /y": "its schema is broken"},
        tuple(
            OperationCases(name, "partner", True, cases, 1, 0) for name, cases in (("GET /x", 9), ("GET /y", 9), ("GET /z", 0))
        ),
        (),
        (),
    )
    assert examined(payload) == (Examined("schemathesis", ("contract.*",), ("GET /x",), ("partner",)),)


def test_authorization_evidence_says_which_cells_it_tried() -> None:
    untried = replace(build.ANOTHERS, operation="GET /z", tried=False)
    assert [(entry.operations, entry.roles) for entry in examined(build.matrix(build.OWN, untried))] == [
        (("GET /x",), ("partner",))
    ]


def waiver(**changes: object) -> Waiver:
    plain = Waiver(HOLE.fingerprint, "until the new proxy stands", "ana", ("bo",), date(2026, 11, 1), date(2026, 12, 24))
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_a_waived_finding_is_accepted_and_a_false_alarm_is_called_one() -> None:
    assert states(saw(HOLE), None, waiver()) == [FindingState.ACCEPTED]
    assert states(saw(HOLE), None, waiver(kind=WaiverKind.FALSE_ALARM)) == [FindingState.FALSE_ALARM]


def test_an_expired_waiver_leaves_the_state_and_says_why() -> None:
    (status,) = history(saw(HOLE), None, (waiver(expires=date(2026, 11, 23)),), TODAY).statuses
    assert status.state is FindingState.NEW
    assert "expired on 2026-11-23" in status.note


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expires": date(2026, 12, 9)}, ""),
        ({"expires": date(2026, 12, 8)}, "ends in 14 days"),
        ({"expires": TODAY}, "ends in 0 days"),
        ({"expires": date(2026, 11, 23)}, "expired on"),
        ({"granted": date(2026, 11, 25)}, "holds from 2026-11-25 only"),
        ({"fingerprint": "0" * 16}, "matches nothing"),
    ],
)
def test_waivers_that_need_somebody_are_announced(changes: dict[str, object], words: str) -> None:
    warnings = history(saw(HOLE), None, (waiver(**changes),), TODAY).warnings
    assert len(warnings) == (1 if words else 0)
    assert words in "".join(warnings)


def test_the_table_runs_nothing_in_a_spreadsheet() -> None:
    bad = replace(HOLE, title='=HYPERLINK("http://evil")', observed="+cmd|' /C calc'!A0\r\nx", parameter="@SUM(1)")
    text = as_csv((bad,), history(saw(bad), None, (), TODAY))
    assert "'=HYPERLINK" in text
    assert "'+cmd" in text
    assert "'@SUM" in text
    assert len(text.splitlines()) >= 2
