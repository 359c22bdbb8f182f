"""Planting a fault changes the copy alone, and a fault that fits the code no more says so."""

from __future__ import annotations

import dataclasses
import subprocess
import tomllib
from pathlib import Path

import pytest

from harness.config.project import load_project
from harness.evidence.codec import to_json
from harness.faults.catalogue import Choice, choose, load_faults
from harness.faults.plant import PlantError, Workbench, copy_project, plant
from harness.faults.results import End, FaultResult, FaultResults, load_results
from harness.gates.registry import gates
from harness.ledger.checks import scan
from harness.model.errors import ConfigError
from harness.model.fault import Edit, Fault
from harness.model.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
BASE = Fault("x", "a title", "CWE-1", {"tests": Verdict.FAIL}, ("unit",))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text("one\ntwo\n")
    (folder / "harness.toml").write_text("[limits.load]\ncompleted_min = 200\n")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "ignored").write_text("x")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def copied(project: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    copy_project(project, copy)
    return copy


def test_a_copy_holds_what_git_does_not_ignore(project: Path, tmp_path: Path) -> None:
    copy = copied(project, tmp_path)
    assert (copy / "a.py").is_file()
    assert not (copy / "ignored").exists()


def test_edits_change_the_copy_alone(project: Path, tmp_path: Path) -> None:
    copy = copied(project, tmp_path)
    plant(dataclasses.replace(BASE, edits=(Edit("a.py", "2", old="two"), Edit("new/b.py", "x{n}\n", repeat=3))), copy)
    assert (copy / "a.py").read_text() == "one\n2\n"
    assert (copy / "new" / "b.py").read_text() == "x1\nx2\nx3\n"
    assert (project / "a.py").read_text() == "one\ntwo\n"


def test_configuration_is_replaced_by_key(project: Path, tmp_path: Path) -> None:
    copy = copied(project, tmp_path)
    plant(dataclasses.replace(BASE, config={"limits.load.completed_min": "5", "stages.x.instrumented": "false"}), copy)
    data = tomllib.loads((copy / "harness.toml").read_text())
    assert data["limits"]["load"]["completed_min"] == 5
    assert data["stages"]["x"]["instrumented"] is False


@pytest.mark.parametrize(
    "fault",
    [
        dataclasses.replace(BASE, edits=(Edit("a.py", "x", old="three"),)),
        dataclasses.replace(BASE, edits=(Edit("gone.py", "x", old="one"),)),
        dataclasses.replace(BASE, delete=("nothing*.py",)),
    ],
)
def test_a_fault_that_does_not_fit_the_code_is_an_error(fault: Fault, project: Path, tmp_path: Path) -> None:
    with pytest.raises(PlantError, match="faults/x"):
        plant(fault, copied(project, tmp_path))


def test_every_committed_fault_fits_the_code(tmp_path: Path) -> None:
    faults = load_faults(ROOT, load_project(ROOT))
    assert len(faults) >= len(gates())
    bench = Workbench.make(ROOT, tmp_path)
    for fault in faults:
        with bench.planted(fault):
            pass


def test_a_workbench_is_as_it_was_when_a_fault_is_taken_out(project: Path, tmp_path: Path) -> None:
    (project / "b.py").write_text("three\n")
    bench = Workbench.make(project, tmp_path / "copy")
    edits = (Edit("a.py", "2", old="two"), Edit("new.py", "x\n"))
    fault = dataclasses.replace(BASE, edits=edits, delete=("b.*",), config={"limits.load.completed_min": "5"})
    with bench.planted(fault) as copy:
        assert ((copy / "a.py").read_text(), (copy / "b.py").exists(), (copy / "new.py").exists()) == ("one\n2\n", False, True)
    for name in ("a.py", "b.py", "harness.toml"):
        assert (bench.copy / name).read_bytes() == (project / name).read_bytes()
        assert (bench.copy / name).stat().st_mtime == (project / name).stat().st_mtime, "what was compiled of it is good again"
    assert not (bench.copy / "new.py").exists()


def test_what_is_no_python_any_more_is_not_planted(project: Path, tmp_path: Path) -> None:
    bench = Workbench.make(project, tmp_path / "copy")
    with (
        pytest.raises(PlantError, match="not Python"),
        bench.planted(dataclasses.replace(BASE, edits=(Edit("a.py", "if", old="two"),))),
    ):
        pass
    assert (bench.copy / "a.py").read_text() == "one\ntwo\n"


def test_every_gate_has_a_fault_that_it_catches_and_an_empty_run_that_it_calls_unknown() -> None:
    faults = load_faults(ROOT, load_project(ROOT))
    plan = load_project(ROOT).plan("merge")
    validity = {"arrivals"}  # an invalid run refutes nothing: it can only be UNKNOWN
    for gate in plan.gates:
        wanted = {fault.must.get(gate) for fault in faults}
        assert Verdict.UNKNOWN in wanted, f"{gate}: no empty run"
        assert gate in validity or Verdict.FAIL in wanted, f"{gate}: no fault"


def test_every_part_that_a_fault_refutes_is_named_by_a_check() -> None:
    project = load_project(ROOT)
    suites = [stage.suite for stage in project.stages if stage.suite]
    named = {part for suite in suites for check in scan(ROOT, suite) for part in check.parts}
    for fault in load_faults(ROOT, project):
        assert set(fault.parts) <= named, fault.name


def test_running_some_faults_again_keeps_the_results_of_the_others(tmp_path: Path) -> None:
    before = FaultResults("then", "a", (FaultResult("x", End.MISSED), FaultResult("y", End.CAUGHT, parts=("2.1.3.a",))))
    path = tmp_path / "results.json"
    path.write_text(to_json(before))
    after = load_results(path).with_newer(FaultResults("now", "b", (FaultResult("x", End.CAUGHT),)))
    assert [(result.fault, result.caught) for result in after.results] == [("x", True), ("y", True)]
    assert (after.run_at, after.commit) == ("now", "b")
    assert load_results(tmp_path / "nothing.json").results == ()
    assert [result.fault for result in after.only(["y"]).results] == ["y"], "a fault that is no more leaves no result"


def test_a_misspelt_fault_names_the_nearest() -> None:
    faults = load_faults(ROOT, load_project(ROOT))
    with pytest.raises(ConfigError, match="there is no") as caught:
        choose(faults, Choice(("drop-owner-raed",)))
    assert 'did you mean "drop-owner-read"?' in str(caught.value)
