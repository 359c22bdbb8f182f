"""What a gate may look at: the evidence of the stages that feed it, and the limits. Nothing else, so judging is pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Protocol

from harness.model.evidence import Evidence, Kind, State
from harness.model.gate import GateResult, Measure
from harness.model.plan import Limits, Stage
from harness.model.run import StageRecord, StageState
from harness.model.verdict import Verdict
from harness.model.waiver import Waiver


@dataclass(frozen=True)
class Item:
    """One piece of evidence with its payload; `payload` is `None` where the file is gone, changed or unreadable."""

    evidence: Evidence
    payload: Any
    fault: str = ""  # why there is no payload


@dataclass(frozen=True)
class GateView:
    """The part of a run that one gate judges."""

    stages: tuple[Stage, ...]  # those of the plan that feed the gate
    records: dict[str, StageRecord]
    items: tuple[Item, ...]
    limits: Limits
    waivers: tuple[Waiver, ...] = ()
    today: date = date.max  # a view that says no day excuses nothing

    def of(self, kind: Kind) -> tuple[Item, ...]:
        """Readable evidence of a kind, from the feeding stages."""
        return tuple(item for item in self._all(kind) if item.payload is not None)

    def gaps(self, kind: Kind) -> tuple[str, ...]:
        """Why the evidence of a kind is not whole, one line a stage; a stage that the target cannot feed is no gap."""
        lines: list[str] = []
        for stage in self.stages:
            record = self.records.get(stage.name)
            if record is None or record.state is not StageState.SKIPPED:
                lines.extend(self._gaps_of(stage.name, kind, record))
        return tuple(lines)

    def not_given(self) -> tuple[str, ...]:
        """Feeding stages that were skipped because the target does not give what they need, with the reason."""
        skipped = [record for record in self._records() if record.state is StageState.SKIPPED]
        return tuple(f"{record.name}: {record.reason}" for record in skipped)

    @property
    def nothing_given(self) -> bool:
        """Whether every feeding stage was skipped for what the target does not give."""
        return bool(self.stages) and len(self.not_given()) == len(self.stages)

    def _records(self) -> list[StageRecord]:
        return [self.records[stage.name] for stage in self.stages if stage.name in self.records]

    def _all(self, kind: Kind) -> list[Item]:
        names = {stage.name for stage in self.stages}
        return [item for item in self.items if item.evidence.kind is kind and item.evidence.stage in names | {ALL_STAGES}]

    def _gaps_of(self, stage: str, kind: Kind, record: StageRecord | None) -> list[str]:
        items = [item for item in self._all(kind) if item.evidence.stage in (stage, ALL_STAGES)]
        if not items:
            why = record.reason if record and record.reason else "the stage did not run"
            return [f"{stage}: no {kind} evidence: {why}"]
        return [line for item in items if (line := _gap(item))]


ALL_STAGES = "all"  # the stage of evidence that is made of several stages, such as coverage


def _gap(item: Item) -> str:
    if item.fault:
        return f"{item.evidence.stage}: {item.evidence.file}: {item.fault}"
    if item.evidence.state is not State.RAN:
        return f"{item.evidence.stage}: {item.evidence.state}: {item.evidence.reason or 'no reason was given'}"
    return ""


class Gate(Protocol):
    """A gate: what it consumes, the least that it needs, and its judgement."""

    name: ClassVar[str]
    question: ClassVar[str]  # what it answers, for `harness explain` and the report
    kinds: ClassVar[tuple[Kind, ...]]
    minimum: ClassVar[str]  # the least evidence under which it says UNKNOWN
    advice: ClassVar[str]  # what to do when it fails

    def judge(self, view: GateView) -> GateResult:
        """The verdict of the evidence in view."""
        ...


@dataclass(frozen=True)
class Judgement:
    """What a gate found, before it is put into words. `failures` make FAIL, `gaps` make UNKNOWN."""

    failures: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    findings: tuple[str, ...] = ()
    passed: str = ""  # the reason of a PASS
    details: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


def conclude(gate: type[Gate] | Gate, judgement: Judgement) -> GateResult:
    """FAIL over UNKNOWN over PASS, with the first reason in words and all of them as details."""
    if judgement.failures:
        verdict, lines = Verdict.FAIL, judgement.failures
    elif judgement.gaps:
        verdict, lines = Verdict.UNKNOWN, judgement.gaps
    else:
        verdict, lines = Verdict.PASS, (judgement.passed,)
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    others = judgement.gaps if verdict is Verdict.FAIL else ()
    return GateResult(
        gate=gate.name,
        verdict=verdict,
        reason=lines[0] + more,
        measures=judgement.measures,
        findings=judgement.findings,
        details=(*(lines if len(lines) > 1 else ()), *others, *judgement.details),
        advice=gate.advice if verdict is Verdict.FAIL else "",
        evidence=judgement.evidence,
    )


def broken_limits(measures: tuple[Measure, ...]) -> tuple[str, ...]:
    """A sentence for each measure that misses its limit."""
    return tuple(describe(measure) for measure in measures if measure.holds is False)


def describe(measure: Measure) -> str:
    """`branches 61.2 %, wanted ≥ 70 %`."""
    unit = f" {measure.unit}" if measure.unit else ""
    shown = "not measured" if measure.measured is None else f"{measure.measured:.4g}{unit}"
    return f"{measure.name} {shown}, wanted {measure.comparison} {measure.threshold:.4g}{unit}"
