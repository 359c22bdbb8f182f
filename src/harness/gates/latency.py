"""Gate `latency`: answers come in time, counted from when the visitor should have arrived."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import files
from harness.gates.view import GateView, Judgement, broken_limits, conclude, describe
from harness.model.evidence import Kind
from harness.model.gate import GateResult, Measure
from harness.model.load import LoadResult
from harness.model.load_validity import disturbed, generator_faults, validity
from harness.model.plan import LoadLimits


class LatencyGate:
    """95th percentile of each endpoint in each phase."""

    name: ClassVar[str] = "latency"
    question: ClassVar[str] = "Do 95 % of the requests get their answer in time, from the intended start?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.LOAD,)
    minimum: ClassVar[str] = "a valid load test (gate arrivals)"
    advice: ClassVar[str] = "profile the endpoint that is named; the report's load charts show when it was slow"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a slow endpoint; UNKNOWN where the generator or its machine was at fault, or too little completed."""
        items = view.of(Kind.LOAD)
        results: list[LoadResult] = [item.payload for item in items]
        limits = view.limits.load
        own = [reason for result in results for reason in generator_faults(result, limits)]
        measures = tuple(measure for result in results for measure in latency_measures(result, limits))
        gaps = [*view.gaps(Kind.LOAD), *(reason for result in results for reason in validity(result, limits))]
        busy = {phase: reason for result in results for phase, reason in disturbed(result, limits).items()}
        judged = tuple(
            measure
            for result in results
            for measure in latency_measures(result, limits, without=frozenset(busy))
            if measure.samples >= limits.completed_min  # fewer refute nothing: a run cut short in its first seconds
        )
        gaps.extend(busy.values())
        gaps.extend(describe(measure) for measure in measures if measure.measured is None)
        judgement = Judgement(
            failures=() if own else broken_limits(judged),
            gaps=tuple(gaps),
            measures=measures,
            passed=f"the slowest endpoint has {_slowest(measures)}",
            evidence=files(items),
        )
        return conclude(self, judgement)


def latency_measures(result: LoadResult, limits: LoadLimits, without: frozenset[str] = frozenset()) -> list[Measure]:
    """p95 from the intended start, per phase and endpoint; `without` names phases that are left out."""
    return [
        Measure(f"{phase.phase} {end.endpoint} p95", end.latency.p95_ms, limits.latency_p95_ms_max, "≤", "ms", end.latency.count)
        for phase in result.phases
        if phase.phase not in without
        for end in phase.endpoints
    ]


def _slowest(measures: tuple[Measure, ...]) -> str:
    worst = max((m for m in measures if m.measured is not None), key=lambda m: m.measured or 0.0, default=None)
    return f"p95 {worst.measured:.0f} ms ({worst.name.removesuffix(' p95')})" if worst else "nothing measured"
