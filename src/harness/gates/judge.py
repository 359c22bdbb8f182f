"""Judges a stored run: a pure function of its folder, the same verdict a year later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.config.project import Project, parse_project
from harness.config.waivers import parse_waivers
from harness.evidence.folder import CONFIG_FILE, WAIVERS_COPY
from harness.evidence.stored import StoredRun
from harness.findings.waiving import day_of
from harness.gates.registry import gates
from harness.gates.view import GateView, Item
from harness.model.errors import ConfigError, EvidenceError
from harness.model.evidence import Evidence
from harness.model.gate import GateResult
from harness.model.plan import Plan
from harness.model.run import StageRecord, VerdictRecord
from harness.model.verdict import Verdict, merge
from harness.model.waiver import Waiver


def judge(run: StoredRun, *, today: str = "") -> VerdictRecord:
    """The verdict of a run from the run's own copies of plan, limits and evidence.

    Args:
        run: the stored run.
        today: judge as of this time (ISO 8601) instead of the run's end.
    """
    project = stored_project(run)
    plan = project.plans[0]
    items = items_of(run)
    records = {record.name: record for record in run.manifest.stages}
    judged_at = today or run.manifest.ended or run.manifest.started
    ground = _Ground(project, records, items, stored_waivers(run), _day(judged_at))
    results = tuple(_judge_gate(gate, plan, ground) for gate in plan.gates)
    tampered = run.tampered()
    return VerdictRecord(
        verdict=merge([*(result.verdict for result in results if result.required), *([Verdict.UNKNOWN] if tampered else [])]),
        reason=_reason(results, tampered),
        gates=results,
        judged_at=judged_at,
        not_verifiable=_not_verifiable(results, plan, project, records),
        narrowed=bool(run.manifest.narrowed_to),
    )


def items_of(run: StoredRun) -> tuple[Item, ...]:
    """Every piece of evidence with its payload, or with the reason why there is none."""
    return tuple(_item(run, evidence) for evidence in run.evidence)


def stored_project(run: StoredRun) -> Project:
    """The configuration that the run was made with; its only plan is the one that ran."""
    return parse_project(run.text(CONFIG_FILE), f"{run.folder.name}/{CONFIG_FILE}", Path(run.folder))


def stored_waivers(run: StoredRun) -> tuple[Waiver, ...]:
    """The waivers that held when the run was made: its own copy.

    Raises:
        ConfigError: the copy is something else.
    """
    path = run.folder / WAIVERS_COPY
    return parse_waivers(run.text(WAIVERS_COPY), f"{run.folder.name}/{WAIVERS_COPY}") if path.is_file() else ()


def _day(moment: str) -> date:
    try:
        return day_of(moment)
    except ValueError as error:
        raise ConfigError(f'"{moment}" is no day', hint="write it as 2026-11-24") from error


def _item(run: StoredRun, evidence: Evidence) -> Item:
    if not (run.folder / evidence.file).is_file():
        return Item(evidence, None, "the file is gone")
    if not run.intact(evidence):
        return Item(evidence, None, "its digest does not match: the file was changed after the stage")
    try:
        return Item(evidence, run.payload(evidence))
    except EvidenceError as error:
        return Item(evidence, None, error.message.splitlines()[0])


@dataclass(frozen=True)
class _Ground:
    """What every gate is judged on."""

    project: Project
    records: dict[str, StageRecord]
    items: tuple[Item, ...]
    waivers: tuple[Waiver, ...]
    today: date


def _judge_gate(name: str, plan: Plan, ground: _Ground) -> GateResult:
    feeding = tuple(ground.project.stage(stage) for stage in ground.project.gates[name] if stage in plan.stages)
    view = GateView(feeding, ground.records, ground.items, ground.project.limits, ground.waivers, ground.today)
    if not feeding:
        return GateResult(
            name, Verdict.UNKNOWN, "no stage of this plan feeds it", advice="add a stage that does, or drop the gate"
        )
    if view.nothing_given:
        required = name in plan.gates_insisted
        return GateResult(name, Verdict.SKIPPED, "not verifiable: " + "; ".join(view.not_given()), required=required)
    return gates()[name].judge(view)


def _not_verifiable(
    results: tuple[GateResult, ...], plan: Plan, project: Project, records: dict[str, StageRecord]
) -> tuple[str, ...]:
    stages = [project.stage(stage) for stage in plan.stages]
    skipped = GateView(tuple(stages), records, (), project.limits).not_given()
    gates_skipped = [f"gate {result.gate}: {result.reason}" for result in results if result.verdict is Verdict.SKIPPED]
    return (*gates_skipped, *skipped)


def _reason(results: tuple[GateResult, ...], tampered: tuple[str, ...]) -> str:
    by_verdict = {verdict: [r.gate for r in results if r.required and r.verdict is verdict] for verdict in Verdict}
    unknown = by_verdict[Verdict.UNKNOWN] + by_verdict[Verdict.SKIPPED]
    parts = []
    if failed := by_verdict[Verdict.FAIL]:
        parts.append(f"{_count(failed)} failed: {', '.join(failed)}")
    if tampered:
        parts.append(f"{len(tampered)} files do not match their digest: {', '.join(tampered[:3])}")
    if unknown:
        parts.append(f"{_count(unknown)} without enough evidence: {', '.join(unknown)}")
    passed = by_verdict[Verdict.PASS]
    if not parts and passed:
        parts.append(f"all {_count(passed)} passed" if len(passed) > 1 else f"the gate {passed[0]} passed")
    return "; ".join(parts) or "no gate could be judged"


def _count(gate_names: list[str]) -> str:
    return f"{len(gate_names)} gate" + ("" if len(gate_names) == 1 else "s")
