"""What a check of the stage `security` gives, and how its findings are written."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom

STAGE, ENGINE = "security", "probes"


@dataclass
class Report:
    """What one check came to. `tried` counts what was looked at; 0 needs a `note` that says why."""

    name: str
    tried: int = 0
    findings: list[Finding] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Weakness:
    """What is the same of all findings of one rule."""

    rule: str
    severity: Severity
    cwe: int
    owasp: str
    expected: str
    why: str
    advice: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a finding stands: the operation (`"GET /x"`), the parameter, and as whom."""

    operation: str = ""
    parameter: str = ""
    role: str = ""


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
    method, _, route = place.operation.partition(" ")
    return Finding(
        rule=weakness.rule,
        title=title,
        severity=weakness.severity,
        confidence=confidence,
        stage=STAGE,
        engines=(ENGINE,),
        method=method,
        route=route,
        parameter=place.parameter,
        role=place.role,
        cwe=weakness.cwe,
        owasp=weakness.owasp,
        expected=weakness.expected,
        observed=observed,
        why=weakness.why,
        advice=weakness.advice,
        steps=steps,
        symptom=symptom,
        parts=weakness.parts,
    )
