"""Gate `tests`: every suite collected what it declares and ran, and the unit tests pass."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import collected, files, last_line, suite_shortfalls
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import Kind, Outcome, TestsPayload
from harness.model.gate import GateResult

_JUDGED_HERE = "pytest"  # engine whose failing tests are this gate's; the others' belong to the gate of their stage


class TestsGate:
    """Collected, ran, passed."""

    __test__ = False
    name: ClassVar[str] = "tests"
    question: ClassVar[str] = "Did every suite run what it declares, and do the unit tests pass?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS,)
    minimum: ClassVar[str] = "each suite collects and finishes at least `tests_min` tests, and not all of them are skipped"
    advice: ClassVar[str] = "run the suite by itself: pytest <suite> -k <test>"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a failed unit test, UNKNOWN where a suite ran too little."""
        items = view.of(Kind.TESTS)
        units = {stage.name for stage in view.stages if stage.engine == _JUDGED_HERE}
        gaps = [gap for item in items for gap in suite_shortfalls(item.payload)]
        failures = [line for item in items if item.evidence.stage in units for line in _failures(item.payload)]
        total = sum(len(item.payload.results) for item in items)
        skipped = sum(item.payload.count(Outcome.SKIPPED) for item in items)
        judgement = Judgement(
            failures=tuple(failures),
            gaps=(*view.gaps(Kind.TESTS), *gaps),
            measures=tuple(collected(item.payload) for item in items),
            passed=f"{total - skipped} tests of {len(items)} suites ran" + (f", {skipped} skipped" if skipped else ""),
            evidence=files(items),
        )
        return conclude(self, judgement)


def _failures(payload: TestsPayload) -> list[str]:
    return [f"{r.test} failed: {last_line(r.message)}" for r in payload.results if r.outcome is Outcome.FAILED]
