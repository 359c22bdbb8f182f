"""One call of `harness faults run`: what is known is not run again, and a platform that does not start catches nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.config.project import load_project
from harness.engines.process import Stop
from harness.faults.digest import code_digest, fault_digest
from harness.faults.results import End, FaultResult, FaultResults
from harness.faults.run import plan_of
from harness.faults.session import FaultsSession
from harness.model.fault import Edit, Fault
from harness.model.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
BASE = Fault("x", "a title", "CWE-1", {"authorization": Verdict.FAIL}, ("authorization",))
NO_SERVER = "unheard-of"  # a provider of databases that does not exist: whoever opens one fails


def session_of(tmp_path: Path, *before: FaultResult, database: str = NO_SERVER, again: bool = False) -> FaultsSession:
    return FaultsSession(ROOT, load_project(ROOT), tmp_path, database, 1, FaultResults("", "", before), again)


def test_a_known_result_is_given_again_while_nothing_changed(tmp_path: Path) -> None:
    known = FaultResult("x", End.CAUGHT, digest=fault_digest(BASE, code_digest(ROOT)))
    assert list(session_of(tmp_path, known).run([BASE], Stop(), lambda _text: None)) == [known]


@pytest.mark.parametrize("again", [False, True])
def test_a_result_of_other_code_is_had_again(tmp_path: Path, again: bool) -> None:
    digest = fault_digest(BASE, code_digest(ROOT)) if again else "of other code"
    known = FaultResult("x", End.CAUGHT, digest=digest)
    with pytest.raises(Exception, match=NO_SERVER):
        list(session_of(tmp_path, known, again=again).run([BASE], Stop(), lambda _text: None))


def test_an_equivalent_fault_is_never_run(tmp_path: Path) -> None:
    fault = dataclasses.replace(BASE, equivalent="nobody calls it")
    (result,) = session_of(tmp_path).run([fault], Stop(), lambda _text: None)
    assert (result.end, result.reason, result.caught, result.counts) == (End.EQUIVALENT, "nobody calls it", False, False)


def test_a_platform_that_does_not_start_catches_nothing_and_a_fault_that_does_not_fit_stops_no_other(tmp_path: Path) -> None:
    misfit = dataclasses.replace(BASE, name="misfit", edits=(Edit("src/tpe/app.py", "x", old="no such text"),))
    broken = dataclasses.replace(BASE, edits=(Edit("src/tpe/app.py", "\nraise SystemExit('planted')\n"),))
    said: list[str] = []
    results = list(session_of(tmp_path, database="embedded").run([misfit, broken], Stop(), said.append))
    assert [(result.fault, result.end) for result in results] == [("misfit", End.NO_START), ("x", End.NO_START)]
    assert not any(result.caught or result.counts for result in results)
    assert "its text stands there 0 times" in results[0].reason
    assert "planted" in results[1].reason
    assert (tmp_path / "x" / "log.txt").is_file(), "what it said is kept"
    assert any(text.startswith("2/2 x") for text in said)


def test_nothing_is_run_once_the_call_is_stopped(tmp_path: Path) -> None:
    assert list(session_of(tmp_path, database="embedded").run([BASE], Stop("SIGINT"), lambda _text: None)) == []


@pytest.mark.parametrize(
    ("stages", "plan"),
    [(("readiness",), "merge"), (("readiness", "readiness-slow"), "release"), (("readiness-slow",), "release")],
)
def test_a_fault_runs_in_the_default_plan_unless_only_another_has_its_stages(stages: tuple[str, ...], plan: str) -> None:
    assert plan_of(load_project(ROOT), stages) == plan
