"""What a check of the stage `security` gives, and how its findings are written."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness

STAGE, ENGINE = "security", "probes"
EXAMPLES_MAX = 5
NOT_TRIED = ".not-tried"  # ends the rules of what could not be tried


@dataclass
class Report:
    """What one check came to. `tried` counts what was looked at; 0 needs a `note` that says why, or what is `untried`.

    `parameters` counts the places that values were put into.
    `broken` says what ended it before its end (a log-in that was refused): what was found stands, that there is no more does not.
    `spoilt` where what was found has changed accounts, so that whoever comes next needs a target of its own.
    """

    name: str
    tried: int = 0
    findings: list[Finding] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    note: str = ""
    broken: str = ""
    parameters: int = 0
    untried: list[str] = field(default_factory=list)
    spoilt: bool = False

    def leave_out(self, place: str, why: object) -> None:
        """A place of the kind that the check is about, and why it could not be tried."""
        self.untried.append(f"{place}: {why}")

    @property
    def left_out(self) -> str:
        """How many places could not be tried, and the first of them; "" where there are none."""
        if not self.untried:
            return ""
        examples = "; ".join(dict.fromkeys(self.untried[:EXAMPLES_MAX]))
        return f"{len(self.untried)} could not be tried: {examples}{' …' if len(self.untried) > EXAMPLES_MAX else ''}"

    @property
    def noticed(self) -> tuple[Observation, ...]:
        """The observations, with what could not be tried beside the rest."""
        untold = not any(observation.rule.endswith(NOT_TRIED) for observation in self.observations)
        rest = self.left_out or (self.note if self.tried and untold else "")
        more = (Observation(self.name.replace(" ", "-") + NOT_TRIED, rest, STAGE),) if rest else ()
        return (*self.observations, *more)

    @property
    def gap(self) -> str:
        """Why nothing can be said: it was ended before its end, or there are places to try and none of them could be."""
        if self.broken:
            return f"it could not be examined to the end: {self.broken}"
        untold = [observation for observation in self.noticed if observation.rule.endswith(NOT_TRIED)]
        return "; ".join(observation.text for observation in untold) if not self.tried else ""


DIED = Weakness(
    "robustness.target-died",
    Severity.CRITICAL,
    400,
    "API4:2023",
    "The target serves on, whatever it was sent.",
    "One request takes the platform away from everybody.",
    "Bound what this request can cost, and catch the fault where it begins.",
    ("2.1.5.a",),
)
"""Of every examination: what killed the target is worse than whatever else it found."""


SERVER_ERROR = Weakness(
    "robustness.server-error",
    Severity.MEDIUM,
    755,
    "API8:2023",
    "Input that is not right is answered with a 4xx.",
    "It is a fault that anybody sets off at will; behind it may stand an injection, a lost write or an exhausted pool.",
    "Check this input at the edge, and answer 400, 404 or 422.",
    ("2.1.5.a",),
)
"""Of every examination: what is sent makes the platform fail."""


def finding_of(
    weakness: Weakness,
    place: Place,
    title: str,
    observed: str,
    steps: tuple[Request, ...],
    symptom: Symptom,
    confidence: Confidence = Confidence.MEDIUM,
) -> Finding:
    """A finding of the stage `security`."""
    return weakness.finding(
        place,
        stage=STAGE,
        engine=ENGINE,
        title=title,
        observed=observed,
        steps=steps,
        symptom=symptom,
        confidence=confidence,
    )
