"""Gate `arrivals`: the load test is valid, so that its objectives may be judged at all."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import files
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import Kind
from harness.model.gate import GateResult, Measure
from harness.model.load import LoadResult
from harness.model.load_validity import validity
from harness.model.plan import LoadLimits


class ArrivalsGate:
    """Arrivals on schedule, nothing dropped, enough completed."""

    name: ClassVar[str] = "arrivals"
    question: ClassVar[str] = "Did the visitors arrive as planned, so that the load test says anything?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.LOAD,)
    minimum: ClassVar[str] = "arrivals held, small lateness, generator not saturated, nothing dropped, 200 completed per endpoint"
    advice: ClassVar[str] = "run it on an idle machine, or spread the generator over more processes"

    def judge(self, view: GateView) -> GateResult:
        """PASS for a valid run, else UNKNOWN: an invalid run refutes nothing."""
        items = view.of(Kind.LOAD)
        results: list[LoadResult] = [item.payload for item in items]
        invalid = [reason for result in results for reason in validity(result, view.limits.load)]
        measures = [measure for result in results for measure in _measures(result, view.limits.load)]
        begun, intended = sum(r.begun for r in results), sum(r.intended for r in results)
        judgement = Judgement(
            gaps=(*view.gaps(Kind.LOAD), *invalid),
            measures=tuple(measures),
            passed=f"{begun} of {intended} visitors began on schedule",
            details=tuple(f"repeated: {'; '.join(a.reasons)}" for result in results for a in result.attempts),
            evidence=files(items),
        )
        return conclude(self, judgement)


def _measures(result: LoadResult, limits: LoadLimits) -> list[Measure]:
    rows: list[Measure] = []
    for phase in result.phases:
        held = Measure(f"{phase.phase} arrivals", phase.achieved_percent, limits.achieved_percent_min, "≥", "%", phase.intended)
        late = Measure(
            f"{phase.phase} lateness p99", phase.lateness.p99_ms, limits.lateness_p99_ms_max, "≤", "ms", phase.lateness.count
        )
        rows.extend((held, late))
    return rows
