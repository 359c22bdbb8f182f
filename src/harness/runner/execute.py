"""Runs the stages of a plan, each within its time, and writes down how each went."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from harness.engines.engine import StageJob, StageOutcome, engines
from harness.engines.process import Stop
from harness.events import Event, StageEnded, StageProgress, StageStarted
from harness.evidence.folder import EvidenceDraft, RunFolder, now
from harness.model.errors import HarnessError
from harness.model.evidence import Counts, Evidence, Kind, State
from harness.model.plan import Stage
from harness.model.run import Manifest, StageRecord, StageState
from harness.runner.capabilities import lacking
from harness.runner.coverage_data import collect, stage_data, write_config
from harness.runner.lanes import Turn, take_turns
from harness.runner.request import RunRequest
from harness.targets.arena import ARENA_VARIABLE, ArenaPlan


@dataclass
class Execution:
    """The stages of one run. `manifest` is kept up to date on disk after each of them."""

    request: RunRequest
    run: RunFolder
    manifest: Manifest
    arena: ArenaPlan = field(repr=False)
    say: Callable[[Event], None]
    stop: Stop
    deadline: float  # monotonic

    def run_stages(self) -> Manifest:
        """Runs what can be run; returns the manifest with every stage's record, in the plan's order."""
        stages = [self.request.project.stage(name) for name in self.request.plan.stages]
        turns = [Turn(partial(self._stage, number, stage), stage.alone) for number, stage in enumerate(stages, start=1)]
        take_turns(turns, self.manifest.jobs, self._ended)
        self._collect_coverage()
        return self.manifest

    def _ended(self, record: StageRecord) -> None:
        order = self.request.plan.stages
        records = sorted((*self.manifest.stages, record), key=lambda entry: order.index(entry.name))
        self.manifest = dataclasses.replace(self.manifest, stages=tuple(records))
        self.run.write_manifest(self.manifest)

    def _stage(self, number: int, stage: Stage) -> StageRecord:
        if missing := lacking(self.request.target, stage):
            return self._not_run(stage, StageState.SKIPPED, f"the target gives no {', no '.join(missing)}")
        if self.stop.signal:
            return self._not_run(stage, StageState.NOT_STARTED, f"the run was stopped by {self.stop.signal}")
        left_s = self.deadline - time.monotonic()
        if left_s < 1:
            return self._not_run(stage, StageState.NOT_STARTED, f"the plan's {self.request.plan.duration_s_max:.0f} s were over")
        return self._run(number, stage, min(stage.duration_s_max, left_s))

    def _not_run(self, stage: Stage, state: StageState, reason: str) -> StageRecord:
        self.say(StageEnded(stage.name, str(state), 0.0, reason))
        return StageRecord(stage.name, stage.engine, state, reason)

    def _run(self, number: int, stage: Stage, timeout_s: float) -> StageRecord:
        self.say(StageStarted(stage.name, number, len(self.request.plan.stages)))
        started, clock = now(), time.monotonic()
        folder = self.run.stage(number, stage.name)
        try:
            outcome = engines()[stage.engine].run(self._job(stage, folder, timeout_s))
        except HarnessError as error:
            outcome = StageOutcome(StageState.FAILED, (), 0.0, str(error))
        self.run.write_evidence(folder, outcome.evidence)
        duration_s = time.monotonic() - clock
        self.say(StageEnded(stage.name, str(outcome.state), duration_s, outcome.reason))
        overhead_s = max(0.0, duration_s - outcome.engine_s)
        return StageRecord(
            stage.name, stage.engine, outcome.state, outcome.reason, started, round(duration_s, 3), round(overhead_s, 3)
        )

    def _job(self, stage: Stage, folder: Path, timeout_s: float) -> StageJob:
        measured = stage.instrumented and "coverage" in self.request.plan.gates
        source = self.request.target.source if measured else ()
        suite_config = write_config(folder, source, "suite") if source else None
        arena = dataclasses.replace(
            self.arena, folder=folder / "raw", coverage_config=write_config(folder, source, "server") if source else None
        )
        return StageJob(
            stage=stage,
            target=self.request.target,
            root=self.request.root,
            folder=folder,
            run=self.run,
            seed=self.request.seed,
            size=self.request.size,
            timeout_s=timeout_s,
            stop=self.stop,
            progress=lambda text: self.say(StageProgress(stage.name, text)),
            limits=self.request.project.limits.load,
            arena=arena,
            environment=_environment(arena),
            coverage_config=suite_config,
        )

    def _collect_coverage(self) -> None:
        """Coverage is made of several stages: their data files are combined into one piece of evidence."""
        source = self.request.target.source
        if "coverage" not in self.request.plan.gates or not source:
            return
        started = now()
        feeding = self.request.project.gates["coverage"]
        names = list(self.request.plan.stages)
        data = [stage_data(name, self.run.stage(names.index(name) + 1, name)) for name in feeding if name in names]
        folder = self.run.stage(len(names) + 1, "coverage")
        payload = collect(data, source, self.request.root, folder / "raw")
        if payload is None:
            return
        counts = Counts(attempted=len(feeding), completed=len(payload.stages))
        draft = EvidenceDraft("all", Kind.COVERAGE, State.RAN, started, "coverage.py", version("coverage"), counts)
        evidence: Evidence = self.run.add_payload(draft, payload)
        self.run.write_evidence(folder, (evidence,))


def _environment(arena: ArenaPlan) -> Mapping[str, str]:
    return {ARENA_VARIABLE: arena.to_text()}
