"""Gate `readiness`: what the ledger claims of running the platform holds."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import collected, files, last_line, suite_failures, suite_shortfalls
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import Kind, Outcome
from harness.model.gate import GateResult


class ReadinessGate:
    """Configuration, migrations, limits, faults: each claim was tried, and each held."""

    name: ClassVar[str] = "readiness"
    question: ClassVar[str] = "Does the platform keep what is claimed of its configuration, its migrations and its running?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS,)
    minimum: ClassVar[str] = "each suite collects and finishes at least `tests_min` tests, and none of them is skipped"
    advice: ClassVar[str] = "run the check by itself: pytest suites/readiness -k <test>"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a claim that did not hold, UNKNOWN where one could not be tried."""
        items = view.of(Kind.TESTS)
        results = [result for item in items for result in item.payload.results]
        gaps = [gap for item in items for gap in suite_shortfalls(item.payload)]
        gaps.extend(f"{r.test} was skipped: {last_line(r.message)}" for r in results if r.outcome is Outcome.SKIPPED)
        parts = {part for result in results if result.outcome is Outcome.PASSED for part in result.parts}
        judgement = Judgement(
            failures=suite_failures(view),
            gaps=(*view.gaps(Kind.TESTS), *gaps),
            measures=tuple(collected(item.payload) for item in items),
            passed=f"{len(results)} checks of {len(parts)} parts of the ledger held",
            evidence=files(items),
        )
        return conclude(self, judgement)
