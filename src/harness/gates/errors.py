"""Gate `errors`: visitors get what they came for."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import files
from harness.gates.view import GateView, Judgement, broken_limits, conclude
from harness.model.evidence import Kind
from harness.model.gate import GateResult, Measure
from harness.model.load import LoadResult, PhaseLoad
from harness.model.load_validity import generator_faults, validity


class ErrorsGate:
    """Share of visits that failed, per phase."""

    name: ClassVar[str] = "errors"
    question: ClassVar[str] = "Do visitors under load get what they came for?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.LOAD,)
    minimum: ClassVar[str] = "a valid load test (gate arrivals)"
    advice: ClassVar[str] = "look at the failures of the phase in the report, and at the target's log in the stage's folder"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on too many failed visits; UNKNOWN where the generator itself was at fault or too little completed."""
        items = view.of(Kind.LOAD)
        results: list[LoadResult] = [item.payload for item in items]
        limits = view.limits.load
        own = [reason for result in results for reason in generator_faults(result, limits)]
        measures = tuple(
            Measure(f"{p.phase} errors", p.errors_percent, limits.errors_percent_max, "≤", "%", p.started)
            for result in results
            for p in result.phases
        )
        judgement = Judgement(
            failures=() if own else broken_limits(measures),
            gaps=(*view.gaps(Kind.LOAD), *(reason for result in results for reason in validity(result, limits))),
            measures=measures,
            passed=f"{sum(r.completed for r in results)} visits, {sum(r.begun - r.completed for r in results)} failed",
            details=tuple(line for result in results for phase in result.phases for line in _failures(phase)),
            evidence=files(items),
        )
        return conclude(self, judgement)


def _failures(phase: PhaseLoad) -> list[str]:
    return [
        f"{phase.phase} {end.endpoint}: {failure.count} × {failure.kind}: {failure.example}"
        for end in phase.endpoints
        for failure in end.failures
    ]
