"""What `harness faults run` found out: which planted fault turned which gate and which check red."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.model.verdict import Verdict


@dataclass(frozen=True)
class FaultResult:
    """One planted fault: the verdict of each gate, and whether all that must notice did and nobody else."""

    fault: str
    caught: bool
    verdicts: dict[str, Verdict]
    missed: tuple[str, ...] = ()  # gates that had to notice and did not
    false_alarms: tuple[str, ...] = ()  # gates that should not have noticed
    parts: tuple[str, ...] = ()  # ledger parts whose check turned red
    duration_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class FaultResults:
    """All faults of one call, as `faults/results.json` keeps them."""

    run_at: str
    commit: str
    results: tuple[FaultResult, ...] = field(default=())
