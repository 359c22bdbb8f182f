"""Gate `authorization`: nobody reaches what is not theirs, and every refusal has a permitted twin."""

from __future__ import annotations

from typing import ClassVar

from harness.gates.common import files, judged, suite_failures, suite_gaps
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import AuthorizationPayload, Cell, Kind
from harness.model.gate import GateResult, Measure

_NO_REFUSAL = (0, 429)  # of who asks: nothing came back, or too much was asked


class AuthorizationGate:
    """Role × operation × {own, another's, nobody's}."""

    name: ClassVar[str] = "authorization"
    question: ClassVar[str] = "Can anybody read or change what is not theirs?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.AUTHORIZATION, Kind.TESTS)
    minimum: ClassVar[str] = "every cell tried, and each denied cell has a permitted twin that succeeded"
    advice: ClassVar[str] = "check role and owner in the operation's own query; see one again: harness replay <id>"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a hole, UNKNOWN on a cell that was not tried or whose refusal proves nothing."""
        items = view.of(Kind.AUTHORIZATION)
        payloads: list[AuthorizationPayload] = [item.payload for item in items]
        cells = [cell for payload in payloads for cell in payload.cells]
        denied = [cell for cell in cells if not cell.permitted]
        found = judged((f for payload in payloads for f in payload.findings), view)
        known = {(finding.operation, finding.role) for finding in (*found.findings, *found.waived)}
        holes = [cell for cell in denied if cell.allowed and (cell.operation, cell.role) not in known]
        judgement = Judgement(
            failures=(
                *found.failures,
                *(f"{cell.name}: allowed with status {cell.status}, must be denied" for cell in holes),
                *suite_failures(view),
            ),
            gaps=(*view.gaps(Kind.AUTHORIZATION), *suite_gaps(view), *_gaps(cells, denied)),
            measures=(Measure("cells tried", _tried_percent(cells), 100, "≥", "%", len(cells)),),
            findings=found.fingerprints,
            details=found.excused,
            passed=f"{len(denied)} forbidden cells were refused, each with a permitted twin; {len(cells)} cells tried",
            evidence=files(items),
        )
        return conclude(self, judgement)


def _tried_percent(cells: list[Cell]) -> float | None:
    return 100.0 * sum(cell.tried for cell in cells) / len(cells) if cells else None


def _gaps(cells: list[Cell], denied: list[Cell]) -> list[str]:
    lines = [f"{cell.name}: not tried: {cell.note or 'no reason was given'}" for cell in cells if not cell.tried]
    lines.extend(
        f"{cell.name}: refused, but nobody succeeded either: proves nothing" for cell in denied if cell.tried and not cell.twin
    )
    lines.extend(
        f"{cell.name}: answered {cell.status or 'nothing'} instead of a refusal: proves nothing"
        for cell in denied
        if cell.tried and not cell.allowed and (cell.status in _NO_REFUSAL or cell.status >= 500)
    )
    if not denied:
        lines.append("no forbidden cell was tried")
    return lines
