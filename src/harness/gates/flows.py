"""Gate `flows`: what people do in a browser works."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import files, last_line
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import Kind, Outcome, TestResult
from harness.model.gate import GateResult, Measure


class FlowsGate:
    """Every browser flow, by role."""

    name: ClassVar[str] = "flows"
    question: ClassVar[str] = "Can people do in a browser what they come for?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS,)
    minimum: ClassVar[str] = "at least one flow, and every flow walked to its end"
    advice: ClassVar[str] = "open the trace and the picture beside the flow in the report"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a flow that broke, UNKNOWN where a flow could not start."""
        items = view.of(Kind.TESTS)
        results = [result for item in items for result in item.payload.results]
        walked = [result for result in results if result.flow]
        failed = [result for result in results if result.outcome is Outcome.FAILED]
        gaps = [f"{_name(r)} could not run: {last_line(r.message)}" for r in results if r.outcome is Outcome.ERROR]
        gaps.extend(f"{_name(r)} was skipped: {last_line(r.message)}" for r in walked if r.outcome is Outcome.SKIPPED)
        for item in items:
            if len(item.payload.results) < item.payload.collected:
                gaps.append(f"{len(item.payload.results)} of {item.payload.collected} flows ended")
        if not walked:
            gaps.append("no flow was walked")
        passed = sum(result.outcome is Outcome.PASSED for result in walked)
        judgement = Judgement(
            failures=tuple(f"{_name(r)}: {last_line(r.message)}" for r in failed),
            gaps=(*view.gaps(Kind.TESTS), *gaps),
            measures=(Measure("flows that pass", passed, max(len(walked), 1), "≥", "flows", len(walked)),),
            passed=f"{passed} flows walked to their end",
            evidence=files(items),
        )
        return conclude(self, judgement)


def _name(result: TestResult) -> str:
    return result.flow or result.test
