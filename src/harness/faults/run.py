"""Runs planted faults: each in a copy of the project, with the stages that matter, and compares verdicts with what must be."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.config.project import Project
from harness.engines.process import Stop, run_bounded
from harness.engines.suite import CUT_OFF
from harness.evidence.stored import StoredRun
from harness.faults.ground import Ground
from harness.faults.plant import Workbench
from harness.faults.results import End, FaultResult
from harness.model.errors import EvidenceError
from harness.model.evidence import Kind, Outcome
from harness.model.fault import Fault
from harness.model.run import StageState
from harness.model.verdict import Verdict
from harness.targets.lent import LENT_VARIABLE

CLEAN = "clean"
_TIMEOUT_S = 900.0
_VERIFY = (sys.executable, "-m", "harness", "verify")
_REASON_CHARACTERS_MAX = 400


def clean_faults(project: Project) -> tuple[Fault, ...]:
    """The platform as it is, once for each set of stages that feeds a gate of the default plan: every gate must pass.

    A set inside another one is left out, and so is what (nearly) the whole plan feeds: that gate is judged in each.
    """
    plan = project.plan(project.defaults.plan)
    fed = {gate: tuple(stage for stage in plan.stages if stage in project.gates[gate]) for gate in plan.gates}
    sets = dict.fromkeys(stages for stages in fed.values() if 2 * len(stages) <= len(plan.stages))
    return tuple(_clean(stages, fed) for stages in sets if not any(set(stages) < set(other) for other in sets))


def _clean(stages: tuple[str, ...], fed: Mapping[str, tuple[str, ...]]) -> Fault:
    must = {gate: Verdict.PASS for gate, by in fed.items() if set(by) <= set(stages)}
    return Fault(f"{CLEAN}@{'+'.join(stages)}", "the platform as it is", CLEAN, must, stages)


def plan_of(project: Project, stages: tuple[str, ...]) -> str:
    """The plan that these stages run in: the default one where it has them all, else the first that has."""
    plans = (project.plan(project.defaults.plan), *project.plans)
    return next((plan.name for plan in plans if set(stages) <= set(plan.stages)), plans[0].name)


@dataclass(frozen=True)
class FaultRun:
    """One fault on one workbench. `keep` is the folder that its run folder and log stay in."""

    fault: Fault
    bench: Workbench
    ground: Ground
    keep: Path
    database: str  # provider, as for `harness verify`

    def run(self, stop: Stop, say: Callable[[str], None]) -> FaultResult:
        """Plants the fault, verifies with its stages, and compares.

        Raises:
            PlantError: the fault does not fit the code.
            PreflightError: the platform as it is cannot be seeded.
        """
        started = time.monotonic()
        with self.bench.planted(self.fault) as copy:
            run = self._verify(copy, stop, say)
        duration_s = round(time.monotonic() - started, 1)
        if run is None:
            return FaultResult(self.fault.name, End.NO_START, duration_s=duration_s, reason=self._why())
        return compare(self.fault, run, duration_s)

    def _verify(self, copy: Path, stop: Stop, say: Callable[[str], None]) -> StoredRun | None:
        runs = self.keep / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        plan = plan_of(self.ground.project, self.fault.stages)
        run_bounded(
            [*_VERIFY, *self.fault.stages, "--plan", plan, "--jobs", "1", "--runs", str(runs), "--database", self.database],
            cwd=copy,
            env=self._environment(copy),
            log=self.keep / "log.txt",
            timeout_s=_TIMEOUT_S,
            stop=stop,
            poll=lambda elapsed_s: say(f"{self.fault.name} {elapsed_s:.0f} s"),
        )
        found = sorted(runs.glob("*/verdict.json"))
        return StoredRun(found[-1].parent) if found else None

    def _environment(self, copy: Path) -> dict[str, str]:
        python_path = os.pathsep.join([str(copy / "src"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        lent = self.ground.for_fault(self.fault)
        lending = {LENT_VARIABLE: lent.to_text()} if lent else {}
        return {**os.environ, "PYTHONPATH": python_path, "NO_COLOR": "1", **lending}

    def _why(self) -> str:
        lines = (self.keep / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return ("no verdict: " + " | ".join(lines[-3:]))[:_REASON_CHARACTERS_MAX]


def compare(fault: Fault, run: StoredRun, duration_s: float) -> FaultResult:
    """What a run says of a fault: which gates had to notice and did not, which did and had not to, which parts turned red."""
    verdicts = {result.gate: result.verdict for result in run.verdict.gates}
    missed = tuple(gate for gate, wanted in fault.must.items() if verdicts.get(gate) is not wanted)
    free = {*fault.must, *fault.may}
    alarms = tuple(gate for gate, verdict in verdicts.items() if gate not in free and verdict is not Verdict.PASS)
    red = _red_parts(run)
    unproved = [f"no check of {part} turned red" for part in fault.parts if part not in red]
    rules = tuple(sorted({finding.rule for finding in run.findings}))
    if not fault.is_oracle(rules):
        unproved.append(f"no finding is of {', '.join(fault.rules)}; those that were made: {', '.join(rules) or 'none'}")
    return FaultResult(
        fault=fault.name,
        end=_cut(run, verdicts, (*missed, *alarms)) or _end(missed, alarms, unproved, clean=fault.kind == CLEAN),
        verdicts=verdicts,
        missed=missed,
        false_alarms=alarms,
        parts=tuple(part for part in fault.parts if part in red),
        rules=rules,
        duration_s=duration_s,
        reason=_reason(missed, alarms, unproved, fault, verdicts),
    )


def _cut(run: StoredRun, verdicts: Mapping[str, Verdict], wrong: tuple[str, ...]) -> End | None:
    """Whether the gates that are not as they must be say UNKNOWN, and a stage was not done in its time."""
    late = any(stage.state is StageState.PARTIAL and stage.reason.startswith(CUT_OFF) for stage in run.manifest.stages)
    unknown = all(verdicts.get(gate) is Verdict.UNKNOWN for gate in wrong)
    return End.CUT_OFF if late and wrong and unknown else None


def _end(missed: tuple[str, ...], alarms: tuple[str, ...], unproved: list[str], *, clean: bool) -> End:
    if alarms or (clean and missed):
        return End.ALARM
    return End.MISSED if missed or unproved else End.CAUGHT


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
    lines.extend(unproved)
    return "; ".join(lines)
