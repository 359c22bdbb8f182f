"""What `harness faults run` found out: which planted fault turned which gate and which check red."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.codec import from_json
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

    def with_newer(self, newer: FaultResults) -> FaultResults:
        """The newer results, and of these the ones of faults that were not run again; by name."""
        rows = {result.fault: result for result in (*self.results, *newer.results)}
        return FaultResults(newer.run_at, newer.commit, tuple(rows[name] for name in sorted(rows)))


def load_results(path: Path) -> FaultResults:
    """The results that a file keeps; none where it is not there.

    Raises:
        EvidenceError: the file is not one of ours.
    """
    if not path.is_file():
        return FaultResults("", "")
    return from_json(FaultResults, path.read_bytes(), where=path.name)
