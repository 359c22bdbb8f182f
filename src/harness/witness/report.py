"""What one oracle of the witness came to."""

from __future__ import annotations

from dataclasses import dataclass, field

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
