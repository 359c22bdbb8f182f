"""The states of the ledger, as the head of `ledger/phase4.toml` defines them."""

from __future__ import annotations

import pytest

from harness.ledger.checks import NamedCheck
from harness.ledger.rows import parse
from harness.ledger.states import decide, worst
from harness.model.evidence import Outcome, TestResult
from harness.model.finding import Confidence, Finding, Severity
from harness.model.ledger import RowResult, RowState
from harness.model.run import LedgerRecord

ROWS = parse(
    """
[section.s]
title = "Section"
[section.s.items.1]
claim = "two parts"
proof = ["one", "two"]
[section.s.items.2]
claim = "live"
proof = ["local"]
live = "the account"
[section.must]
title = "Must"
[section.must.items.1]
claim = "all of s"
derived = ["s"]
[section.must.items.2]
claim = "the first row"
derived = ["s.1"]
[section.done]
title = "Done"
[section.done.items.1]
claim = "all must-haves"
derived = ["must"]
[section.nice]
title = "Nice"
[section.nice.items.1]
claim = "1"
proof = ["p"]
[section.nice.items.2]
claim = "2"
proof = ["p"]
[section.nice.items.3]
claim = "3"
proof = ["p"]
[section.nice.items.4]
claim = "no critical vulnerability"
proof = ["findings of all engines"]
""",
    "ledger",
    rows=9,
)
FAULTS = {"s.1.a": "drop-owner", "s.1.b": "drop-limit", "s.2.a": "drop-code"}


def check(part: str, outcome: Outcome = Outcome.PASSED, message: str = "") -> TestResult:
    return TestResult(f"suites/x.py::test_{part}", outcome, message=message, parts=(part,))


def finding(**changes: object) -> Finding:
    values: dict[str, object] = {
        "rule": "r",
        "title": "a hole",
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "stage": "security",
        "engines": ("probes",),
    }
    return Finding(**{**values, **changes})  # type: ignore[arg-type]


def row(record: LedgerRecord, name: str) -> RowResult:
    return next(result for result in record.rows if result.row == name)


BOTH = (check("s.1.a"), check("s.1.b"))


def test_every_part_passed_and_each_has_a_fault_is_proved():
    assert row(decide(ROWS, BOTH, FAULTS, ()), "s.1").state is RowState.PROVED


def test_a_part_without_a_fault_stays_unknown():
    result = row(decide(ROWS, BOTH, {"s.1.a": "drop-owner"}, ()), "s.1")
    assert result.state is RowState.UNKNOWN
    assert result.reason.startswith("s.1.b: no fault")
    assert [part.state for part in result.parts] == [RowState.PROVED, RowState.UNKNOWN]


def test_a_part_without_a_check_is_unknown():
    result = row(decide(ROWS, BOTH[:1], FAULTS, ()), "s.1")
    assert (result.state, result.reason) == (RowState.UNKNOWN, "s.1.b: no check names it")


def test_a_failed_check_refutes_even_beside_an_unknown_part_and_without_a_fault():
    failed = check("s.1.a", Outcome.FAILED, "assert x\nE  the row was changed\n")
    result = row(decide(ROWS, [failed], {}, ()), "s.1")
    assert result.state is RowState.REFUTED
    assert result.reason == "s.1.a: suites/x.py::test_s.1.a failed: the row was changed"


def test_one_failed_check_of_several_refutes_the_part():
    results = [*BOTH, TestResult("t", Outcome.FAILED, parts=("s.1.a",))]
    assert row(decide(ROWS, results, FAULTS, ()), "s.1").state is RowState.REFUTED


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.SKIPPED])
def test_a_check_that_did_not_run_leaves_the_part_unknown(outcome: Outcome):
    results = [*BOTH, TestResult("t", outcome, message="no engine", parts=("s.1.a",))]
    result = row(decide(ROWS, results, FAULTS, ()), "s.1")
    assert result.state is RowState.UNKNOWN
    assert "no engine" in result.reason


def test_a_finding_refutes_the_parts_that_it_names_although_the_tests_passed():
    result = row(decide(ROWS, BOTH, FAULTS, (), findings=[finding(parts=("s.1.b",), observed="it came back")]), "s.1")
    assert result.state is RowState.REFUTED
    assert "it came back" in result.reason


def test_a_finding_of_low_confidence_refutes_nothing():
    low = finding(parts=("s.1.b",), confidence=Confidence.LOW)
    assert row(decide(ROWS, BOTH, FAULTS, (), findings=[low]), "s.1").state is RowState.PROVED


def test_a_row_with_a_live_part_awaits_credentials_once_its_local_parts_are_proved():
    result = row(decide(ROWS, [check("s.2.a")], FAULTS, ()), "s.2")
    assert result.state is RowState.AWAITING_CREDENTIALS
    assert result.reason == "s.2.live: waits for an account: the account"


def test_a_row_with_a_live_part_is_unknown_while_a_local_part_is():
    assert row(decide(ROWS, [], FAULTS, ()), "s.2").state is RowState.UNKNOWN


def test_a_live_check_that_skipped_for_want_of_an_account_still_awaits():
    results = [check("s.2.a"), check("s.2.live", Outcome.SKIPPED, "no account")]
    assert row(decide(ROWS, results, FAULTS, ()), "s.2").state is RowState.AWAITING_CREDENTIALS


def test_a_live_check_that_passed_proves_the_row():
    results = [check("s.2.a"), check("s.2.live")]
    assert row(decide(ROWS, results, FAULTS, ()), "s.2").state is RowState.PROVED


def test_a_live_check_that_failed_refutes_the_row():
    results = [check("s.2.a"), check("s.2.live", Outcome.FAILED, "401")]
    assert row(decide(ROWS, results, FAULTS, ()), "s.2").state is RowState.REFUTED


DECLARED = (NamedCheck("suites/database/test_it.py::test_one", ("s.1.a", "s.1.b"), ("database",)),)


def test_what_the_target_does_not_give_is_not_verifiable():
    result = row(decide(ROWS, [], FAULTS, ["document"], declared=DECLARED), "s.1")
    assert result.state is RowState.NOT_VERIFIABLE
    assert "the target gives no database" in result.reason


def test_what_the_target_gives_and_did_not_run_is_unknown():
    result = row(decide(ROWS, [], FAULTS, ["database"], declared=DECLARED), "s.1")
    assert result.state is RowState.UNKNOWN
    assert "no check of it ran" in result.reason


def test_a_part_with_one_check_that_the_target_could_feed_is_unknown():
    declared = (*DECLARED, NamedCheck("suites/unit/test_it.py::test_two", ("s.1.a", "s.1.b"), ()))
    assert row(decide(ROWS, [], FAULTS, [], declared=declared), "s.1").state is RowState.UNKNOWN


def test_checks_that_all_skip_as_not_verifiable_make_the_part_so():
    results = [check(part, Outcome.SKIPPED, "not verifiable: the target gives no source") for part in ("s.1.a", "s.1.b")]
    assert row(decide(ROWS, results, FAULTS, ()), "s.1").state is RowState.NOT_VERIFIABLE


def test_a_derived_row_takes_the_worst_state_of_what_it_names():
    record = decide(ROWS, [*BOTH, check("s.2.a")], FAULTS, ())
    assert row(record, "must.2").state is RowState.PROVED
    assert row(record, "must.1").state is RowState.AWAITING_CREDENTIALS
    assert row(record, "done.1").state is RowState.AWAITING_CREDENTIALS
    assert row(record, "done.1").reason == "from must: 1 of 2 rows AWAITING_CREDENTIALS: must.1"


def test_a_refuted_row_refutes_what_is_derived_from_it():
    record = decide(ROWS, [check("s.1.a", Outcome.FAILED)], FAULTS, ())
    assert [row(record, name).state for name in ("must.1", "must.2", "done.1")] == [RowState.REFUTED] * 3


def test_a_critical_finding_refutes_that_there_is_none():
    record = decide(ROWS, [], {}, (), findings=[finding(severity=Severity.CRITICAL)])
    assert row(record, "nice.4").state is RowState.REFUTED
    assert row(decide(ROWS, [], {}, (), findings=[finding()]), "nice.4").state is RowState.UNKNOWN


def test_the_worst_state_of_nothing_is_unknown():
    assert worst([]) is RowState.UNKNOWN
    assert worst([RowState.PROVED, RowState.NOT_VERIFIABLE]) is RowState.NOT_VERIFIABLE
    assert worst(RowState) is RowState.REFUTED


def test_a_name_that_the_ledger_does_not_have_is_kept_and_shown():
    record = decide(ROWS, [check("9.9.9.z")], {}, (), findings=[finding(parts=("8.8.8.y",))])
    assert record.unknown_parts == ("8.8.8.y", "9.9.9.z")


def test_the_record_has_every_row_in_the_ledgers_order():
    assert [result.row for result in decide(ROWS, [], {}, ()).rows] == [requirement.id for requirement in ROWS]
