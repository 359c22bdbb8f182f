"""What a check of the stage `security` gives, and how its findings are written."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness

STAGE, ENGINE = "security", "probes"


@dataclass
class Report:
    """What one check came to. `tried` counts what was looked at; 0 needs a `note` that says why.

    `broken` says what ended it before its end (a log-in that was refused): what was found stands, that there is no more does not.
    """

    name: str
    tried: int = 0
    findings: list[Finding] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    note: str = ""
    broken: str = ""


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
