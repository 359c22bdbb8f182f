"""What one oracle of the witness came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.model.evidence import OracleRecord
from harness.model.finding import Finding, Observation


@dataclass
class OracleReport:
    """What one oracle tried and found. `unit` names what `tried` counts; `untried` says why, by what could not be tried."""

    oracle: str
    unit: str
    tried: int = 0
    untried: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)

    @property
    def record(self) -> OracleRecord:
        """For the evidence."""
        return OracleRecord(self.oracle, self.unit, self.tried, dict(self.untried))


def said_once(findings: Iterable[Finding]) -> list[Finding]:
    """What was seen as several roles as one finding, of the first of them; the others stand in its proof."""
    kept: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        place = finding.rule, finding.operation, finding.parameter
        first = kept.setdefault(place, finding)
        if finding.role != first.role and (line := f"as {finding.role or 'nobody'} too") not in first.proof:
            kept[place] = replace(first, proof=(*first.proof, line))
    return list(kept.values())
