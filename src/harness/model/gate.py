"""What a gate says of the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.verdict import Verdict


@dataclass(frozen=True)
class Measure:
    """One number that a gate judged: what, how much, against which limit, over how many samples.

    `comparison` is `"≥"` or `"≤"`: how `measured` must stand to `threshold`. `measured` is `None` where nothing was measured.
    """

    name: str
    measured: float | None
    threshold: float
    comparison: str
    unit: str = ""
    samples: int = 0

    @property
    def holds(self) -> bool | None:
        """Whether the limit is kept; `None` where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.threshold if self.comparison == "≥" else self.measured <= self.threshold


@dataclass(frozen=True)
class GateResult:
    """A gate's verdict with its reason, in words that tell what to do.

    `required` is false for a gate that this target cannot be held to (it does not give what the gate needs) or that was
    not asked for: it is shown, counted, and never called passed.
    """

    gate: str
    verdict: Verdict
    reason: str
    measures: tuple[Measure, ...] = ()
    findings: tuple[str, ...] = ()  # fingerprints
    details: tuple[str, ...] = ()  # one line each: failed tests, missing evidence
    advice: str = ""
    required: bool = True
    evidence: tuple[str, ...] = ()  # files, relative to the run folder
