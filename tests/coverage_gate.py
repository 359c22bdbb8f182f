"""`python -m tests.coverage_gate`: holds the harness's own coverage to the four numbers that it demands of others."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.config.project import load_project
from harness.gates.coverage import CoverageGate
from harness.gates.view import GateView, Item
from harness.model.evidence import Evidence, Kind, State
from harness.model.plan import Stage
from harness.model.run import StageRecord, StageState
from harness.model.verdict import Verdict
from harness.runner.coverage_data import StageData, collect

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".cache" / "test-coverage"


def main() -> int:
    """0 when the four numbers hold; with `--report-only` the numbers are only said (a part of the tests covers less)."""
    data = StageData("unit", tuple(sorted(DATA.glob(".coverage.*"))))
    payload = collect([data], [ROOT / "src" / "harness"], ROOT, DATA)
    if payload is None:
        sys.stderr.write("coverage: nothing was measured\n")
        return 3
    stage = Stage("unit", "pytest", 1.0)
    evidence = Evidence("all", Kind.COVERAGE, State.RAN, "", "", "", "", "coverage.py", "")
    measured = Item(evidence, payload)
    view = GateView((stage,), {"unit": StageRecord("unit", "pytest", StageState.RAN)}, (measured,), load_project(ROOT).limits)
    result = CoverageGate().judge(view)
    numbers = ", ".join(f"{m.name} {m.measured:.1f} %" for m in result.measures if m.measured is not None)
    sys.stdout.write(f"coverage of the harness: {numbers}\n")
    failures = [measure for measure in result.measures if not measure.holds]
    for line in result.details if failures else ():
        sys.stdout.write(f"  {line}\n")
    return 0 if "--report-only" in sys.argv or (not failures and result.verdict is not Verdict.FAIL) else 1


if __name__ == "__main__":
    sys.exit(main())
