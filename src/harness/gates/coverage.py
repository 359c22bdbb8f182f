"""Gate `coverage`: the four numbers, over everything that asserts, the server process included."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import files
from harness.gates.view import GateView, Judgement, broken_limits, conclude, describe
from harness.model.evidence import CoverageNumbers, CoveragePayload, Kind
from harness.model.gate import GateResult, Measure
from harness.model.plan import CoverageLimits

_WORST_FILES_SHOWN = 5


class CoverageGate:
    """Branches, functions, lines, statements."""

    name: ClassVar[str] = "coverage"
    question: ClassVar[str] = "Are at least 70 % of branches, functions, lines and statements exercised?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.COVERAGE,)
    minimum: ClassVar[str] = "every source file measured, the server process included, all feeding stages run"
    advice: ClassVar[str] = "add tests for the files named below, or delete code that nothing uses"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a number under its limit, UNKNOWN on one that is not measured."""
        items = view.of(Kind.COVERAGE)
        gaps, measures, details = list(view.gaps(Kind.COVERAGE)), [], []
        for item in items:
            payload: CoveragePayload = item.payload
            measures.extend(_measures(payload.total, view.limits.coverage))
            gaps.extend(_gaps(payload, {stage.name for stage in view.stages}))
            details.extend(_worst(payload))
        gaps.extend(describe(measure) for measure in measures if measure.measured is None)
        judgement = Judgement(
            failures=broken_limits(tuple(measures)),
            gaps=tuple(gaps),
            measures=tuple(measures),
            passed=", ".join(f"{m.name} {m.measured:.1f} %" for m in measures if m.measured is not None),
            details=tuple(details),
            evidence=files(items),
        )
        return conclude(self, judgement)


def percent(pair: tuple[int, int] | None) -> float | None:
    """Covered of total in percent; `None` where the number is not there or there is nothing to cover."""
    return 100.0 * pair[0] / pair[1] if pair and pair[1] else None


def _measures(numbers: CoverageNumbers, limits: CoverageLimits) -> list[Measure]:
    rows = (
        ("branches", numbers.branches, limits.branches_percent_min),
        ("functions", numbers.functions, limits.functions_percent_min),
        ("lines", numbers.lines, limits.lines_percent_min),
        ("statements", numbers.statements, limits.statements_percent_min),
    )
    return [Measure(name, percent(pair), limit, "≥", "%", pair[1] if pair else 0) for name, pair, limit in rows]


def _gaps(payload: CoveragePayload, stages: set[str]) -> list[str]:
    lines = [f"{module}: not measured by any stage" for module in payload.modules_missing]
    if not payload.server_measured:
        lines.append("the server process was not measured: only what the tests import was")
    lines.extend(f"{stage}: its coverage is missing" for stage in sorted(stages - set(payload.stages)))
    return lines


def _worst(payload: CoveragePayload) -> list[str]:
    def missing(numbers: CoverageNumbers) -> int:
        return numbers.lines[1] - numbers.lines[0] if numbers.lines else 0

    worst = sorted(payload.files, key=lambda entry: -missing(entry.numbers))[:_WORST_FILES_SHOWN]
    return [f"{entry.file}: {missing(entry.numbers)} lines not reached" for entry in worst if missing(entry.numbers)]
