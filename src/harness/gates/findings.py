"""Gate `findings`: no defect stands, and every engine reached enough of the target to say so."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import Judged, files, judged, suite_failures, suite_gaps
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import FindingsPayload, Kind, Reach
from harness.model.gate import GateResult, Measure


class FindingsGate:
    """No finding of the severity that counts."""

    name: ClassVar[str] = "findings"
    question: ClassVar[str] = "Did the probes and scanners find a defect, and did they look at enough?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.FINDINGS, Kind.TESTS)
    minimum: ClassVar[str] = "each engine reached `reached_percent_min` of the operations, logged in where the target has users"
    advice: ClassVar[str] = "mend what the finding names; see one again: harness replay <id>"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a finding that counts, UNKNOWN where an engine reached too little."""
        items = view.of(Kind.FINDINGS)
        payloads: list[FindingsPayload] = [item.payload for item in items]
        limits = view.limits.findings
        found = judged((f for payload in payloads for f in payload.findings), view)
        reach = [entry for payload in payloads for entry in payload.reach]
        measures = tuple(
            Measure(f"{r.engine} reached", _percent(r), limits.reached_percent_min, "≥", "%", r.operations) for r in reach
        )
        gaps = [gap for entry in reach for gap in _gaps(entry, limits.reached_percent_min)]
        gaps.extend(f"{item.evidence.stage}: says nothing of what it reached" for item in items if not item.payload.reach)
        judgement = Judgement(
            failures=(*found.failures, *suite_failures(view)),
            gaps=tuple(dict.fromkeys((*view.gaps(Kind.FINDINGS), *suite_gaps(view), *gaps))),
            measures=measures,
            findings=found.fingerprints,
            details=found.excused,
            passed=f"nothing {_but_waived(found)}; {', '.join(_reached(entry) for entry in reach)}",
            evidence=files(items),
        )
        return conclude(self, judgement)


def _but_waived(found: Judged) -> str:
    return f"found but {len(found.waived)} waived" if found.waived else "found"


def _reached(reach: Reach) -> str:
    return f"{reach.engine} {reach.reached}/{reach.operations} operations"


def _percent(reach: Reach) -> float | None:
    return 100.0 * reach.reached / reach.operations if reach.operations else None


def _gaps(reach: Reach, percent_min: float) -> list[str]:
    share = _percent(reach)
    why = f": {reach.note}" if reach.note else ""
    if share is None:
        return [f"{reach.engine}: there were no operations to reach{why}"]
    lines = []
    if share < percent_min:
        lines.append(f"{reach.engine}: reached {reach.reached} of {reach.operations} operations, wanted {percent_min:g} %{why}")
    if not reach.logged_in:
        lines.append(f"{reach.engine}: was not logged in{why}")
    return lines
