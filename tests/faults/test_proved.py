"""A gate without a fault that it caught, a clean run that it passed and an empty run that it called unknown is not a gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.project import load_project
from harness.faults.catalogue import load_faults
from harness.faults.results import FAULTS_FOLDER, RESULTS_FILE, load_results
from harness.faults.run import CLEAN, clean_faults
from harness.model.fault import Fault
from harness.model.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
PROJECT = load_project(ROOT)
GATES = sorted({gate for plan in PROJECT.plans for gate in plan.gates})
VALIDITY = ("arrivals",)
"""An invalid run refutes nothing: such a gate can only say UNKNOWN."""
EMPTY = "empty"
FAULTS_MIN = 80
"""That have been measured; the catalogue holds more than 200 that a gate could notice."""
GENERATED_SHARE_MIN = 0.5
CAUGHT_SHARE_MIN = 0.95
ORACLES_MIN = 60
RESULTS = load_results(ROOT / FAULTS_FOLDER / RESULTS_FILE)


@pytest.fixture(scope="module")
def faults() -> dict[str, Fault]:
    return {fault.name: fault for fault in (*load_faults(ROOT, PROJECT), *clean_faults(PROJECT))}


def names_that_proved(faults: dict[str, Fault], gate: str, verdict: Verdict, *, kinds: tuple[str, ...] = ()) -> list[str]:
    """The runs that went as they must, in which this gate had to give this verdict, and gave it."""
    return [
        result.fault
        for result in RESULTS.results
        if result.caught
        and result.fault in faults
        and faults[result.fault].must.get(gate) is verdict
        and result.verdicts.get(gate) is verdict
        and (not kinds or faults[result.fault].kind in kinds)
    ]


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_has_caught_a_fault(faults: dict[str, Fault], gate: str) -> None:
    verdict = Verdict.UNKNOWN if gate in VALIDITY else Verdict.FAIL
    proved = [name for name in names_that_proved(faults, gate, verdict) if faults[name].kind not in (EMPTY, CLEAN)]
    assert proved, f"no fault has made {gate} say {verdict}: harness faults run"


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_has_called_an_empty_run_unknown(faults: dict[str, Fault], gate: str) -> None:
    assert names_that_proved(faults, gate, Verdict.UNKNOWN, kinds=(EMPTY,)), f"no empty run has made {gate} say UNKNOWN"


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_has_passed_the_clean_platform(faults: dict[str, Fault], gate: str) -> None:
    runs = [result for result in RESULTS.results if result.fault in faults and faults[result.fault].kind == CLEAN]
    assert any(result.caught and result.verdicts.get(gate) is Verdict.PASS for result in runs), (
        f"no clean run has made {gate} say PASS: harness faults run --clean"
    )


def test_no_gate_has_raised_a_false_alarm() -> None:
    assert {result.fault: result.reason for result in RESULTS.results if result.false_alarms} == {}


def test_faults_enough_were_run_and_caught(faults: dict[str, Fault]) -> None:
    ran = [
        result for result in RESULTS.results if result.fault in faults and result.counts and faults[result.fault].kind != CLEAN
    ]
    caught = [result for result in ran if result.caught]
    assert len(ran) >= FAULTS_MIN
    assert len(caught) >= CAUGHT_SHARE_MIN * len(ran), [result.fault for result in ran if not result.caught]


def test_each_was_caught_by_the_right_oracle(faults: dict[str, Fault]) -> None:
    caught = [result for result in RESULTS.results if result.caught and result.fault in faults]
    by_another = {result.fault: result.rules for result in caught if not faults[result.fault].is_oracle(result.rules)}
    assert by_another == {}
    assert sum(bool(faults[result.fault].rules) for result in caught) >= ORACLES_MIN


@pytest.mark.parametrize("stage", ["contract", "authorization", "sessions", "security", "database"])
def test_a_fault_of_these_stages_names_its_oracle(faults: dict[str, Fault], stage: str) -> None:
    """One in the suites or the harness itself has none: the gate notices it by what is missing."""
    platforms = [fault for fault in faults.values() if fault.kind.startswith("CWE-") and stage in fault.stages]
    assert platforms
    assert [fault.name for fault in platforms if not fault.rules] == []


def test_most_faults_are_generated(faults: dict[str, Fault]) -> None:
    able = [fault for fault in faults.values() if fault.kind not in (CLEAN, EMPTY) and not fault.equivalent]
    assert sum(bool(fault.operator) for fault in able) >= GENERATED_SHARE_MIN * len(able)


def test_every_fault_that_was_missed_is_explained() -> None:
    explained = (ROOT / "docs" / "guides" / "faults.md").read_text()
    missed = [result.fault for result in RESULTS.results if result.counts and not result.caught]
    assert [name for name in missed if f"`{name}`" not in explained] == []
