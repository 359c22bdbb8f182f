"""What `harness faults run` found out: which planted fault turned which gate and which check red."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from harness.evidence.codec import from_json
from harness.model.verdict import Verdict

FAULTS_FOLDER = "faults"
RESULTS_FILE = "results.json"


class End(StrEnum):
    """How a fault ended."""

    CAUGHT = "caught"
    MISSED = "missed"
    ALARM = "alarm"  # a gate that has nothing to do with it noticed
    CUT_OFF = "cut off"  # a stage was not done in its time, so that a gate had too little to judge by
    NO_START = "no start"  # the platform with it in it does not start, so no gate has looked at it
    EQUIVALENT = "equivalent"  # it changes nothing that anybody could see, so it was not run


@dataclass(frozen=True)
class FaultResult:
    """One planted fault: the verdict of each gate, and whether all that must notice did and nobody else."""

    fault: str
    end: End
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    missed: tuple[str, ...] = ()  # gates that had to notice and did not
    false_alarms: tuple[str, ...] = ()  # gates that should not have noticed
    parts: tuple[str, ...] = ()  # ledger parts whose check turned red
    rules: tuple[str, ...] = ()  # of the findings
    duration_s: float = 0.0
    reason: str = ""
    digest: str = ""  # of the fault and all code that the run consisted of

    @property
    def caught(self) -> bool:
        """Whether all is as it must be; of the clean platform, that all is quiet."""
        return self.end is End.CAUGHT

    @property
    def counts(self) -> bool:
        """Whether a gate could have noticed it at all."""
        return self.end not in (End.CUT_OFF, End.NO_START, End.EQUIVALENT)


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

    def only(self, names: Iterable[str]) -> FaultResults:
        """Those of faults that there still are."""
        known = set(names)
        return FaultResults(self.run_at, self.commit, tuple(result for result in self.results if result.fault in known))

    def of(self, fault: str) -> FaultResult | None:
        """The result of one fault."""
        return next((result for result in self.results if result.fault == fault), None)


def load_results(path: Path) -> FaultResults:
    """The results that a file keeps; none where it is not there.

    Raises:
        EvidenceError: the file is not one of ours.
    """
    if not path.is_file():
        return FaultResults("", "")
    return from_json(FaultResults, path.read_bytes(), where=path.name)
