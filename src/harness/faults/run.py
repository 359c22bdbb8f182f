"""Runs planted faults: each in a copy of its own, with the stages that matter, and compares verdicts with what must be."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.engines.process import Stop, run_bounded
from harness.evidence.stored import StoredRun
from harness.faults.plant import copy_project, plant
from harness.faults.results import FaultResult
from harness.model.errors import EvidenceError
from harness.model.evidence import Kind, Outcome
from harness.model.fault import Fault
from harness.model.verdict import Verdict

CLEAN = "clean"
_TIMEOUT_S = 900.0


def clean_fault(stages: tuple[str, ...], gates: tuple[str, ...]) -> Fault:
    """The platform as it is: every gate must pass, a red one is a false alarm."""
    return Fault(CLEAN, "the platform as it is", CLEAN, dict.fromkeys(gates, Verdict.PASS), stages)


def run_fault(fault: Fault, root: Path, keep: Path, stop: Stop, *, database: str, say: Callable[[str], None]) -> FaultResult:
    """Plants a fault in a copy, verifies the copy with the fault's stages, and compares.

    Args:
        keep: folder for the run folder of the copy, kept to look at.
        database: provider, as for `harness verify`.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fault-") as folder:
        copy = Path(folder)
        copy_project(root, copy)
        if fault.name != CLEAN:
            plant(fault, copy)
        run = _verify(fault, copy, keep, stop, database, say)
    duration_s = round(time.monotonic() - started, 1)
    if run is None:
        return FaultResult(fault.name, False, {}, missed=tuple(fault.must), duration_s=duration_s, reason=_why(keep))
    return _compare(fault, run, duration_s)


def _verify(fault: Fault, copy: Path, keep: Path, stop: Stop, database: str, say: Callable[[str], None]) -> StoredRun | None:
    runs = keep / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    python_path = os.pathsep.join([str(copy / "src"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    run_bounded(
        [sys.executable, "-m", "harness", "verify", *fault.stages, "--runs", str(runs), "--database", database],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": python_path, "NO_COLOR": "1"},
        log=keep / "log.txt",
        timeout_s=_TIMEOUT_S,
        stop=stop,
        poll=lambda elapsed_s: say(f"{fault.name} {elapsed_s:.0f} s"),
    )
    found = sorted(runs.glob("*/verdict.json"))
    return StoredRun(found[-1].parent) if found else None


def _why(keep: Path) -> str:
    lines = (keep / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "no verdict: " + " | ".join(lines[-3:])


def _compare(fault: Fault, run: StoredRun, duration_s: float) -> FaultResult:
    verdicts = {result.gate: result.verdict for result in run.verdict.gates}
    missed = tuple(gate for gate, wanted in fault.must.items() if verdicts.get(gate) is not wanted)
    free = {*fault.must, *fault.may}
    alarms = tuple(gate for gate, verdict in verdicts.items() if gate not in free and verdict is not Verdict.PASS)
    parts = _red_parts(run)
    unproved = [part for part in fault.parts if part not in parts]
    return FaultResult(
        fault=fault.name,
        caught=not missed and not alarms and not unproved,
        verdicts=verdicts,
        missed=missed,
        false_alarms=alarms,
        parts=tuple(part for part in fault.parts if part in parts),
        duration_s=duration_s,
        reason=_reason(missed, alarms, unproved, fault, verdicts),
    )


def _red_parts(run: StoredRun) -> set[str]:
    """Ledger parts whose check failed, or that a finding refutes."""
    parts: set[str] = {part for finding in run.findings for part in finding.parts}
    for evidence in run.evidence:
        if evidence.kind is Kind.TESTS:
            try:
                results = run.payload(evidence).results
            except EvidenceError:
                continue
            parts.update(part for result in results if result.outcome is Outcome.FAILED for part in result.parts)
    return parts


def _reason(
    missed: tuple[str, ...], alarms: tuple[str, ...], unproved: list[str], fault: Fault, verdicts: dict[str, Verdict]
) -> str:
    lines = [f"{gate} says {verdicts.get(gate, 'nothing')}, must say {fault.must[gate]}" for gate in missed]
    lines.extend(f"{gate} says {verdicts[gate]}, though it has nothing to do with it" for gate in alarms)
    lines.extend(f"no check of {part} turned red" for part in unproved)
    return "; ".join(lines)
