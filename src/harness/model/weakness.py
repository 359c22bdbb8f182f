"""What findings of one rule have in common, and where one of them stands."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.finding import Confidence, Finding, Request, Severity, Symptom


@dataclass(frozen=True)
class Place:
    """Where a finding stands: the operation (`"GET /x"`), the parameter or table, and as whom."""

    operation: str = ""
    parameter: str = ""
    role: str = ""


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

    def finding(
        self,
        place: Place,
        *,
        stage: str,
        engine: str,
        title: str,
        observed: str,
        steps: tuple[Request, ...],
        symptom: Symptom,
        confidence: Confidence,
        proof: tuple[str, ...] = (),
    ) -> Finding:
        """This weakness at one place, with what is that finding's own."""
        method, _, route = place.operation.partition(" ")
        return Finding(
            rule=self.rule,
            title=title,
            severity=self.severity,
            confidence=confidence,
            stage=stage,
            engines=(engine,),
            method=method,
            route=route,
            parameter=place.parameter,
            role=place.role,
            cwe=self.cwe,
            owasp=self.owasp,
            expected=self.expected,
            observed=observed,
            why=self.why,
            advice=self.advice,
            steps=steps,
            symptom=symptom,
            parts=self.parts,
            proof=proof,
        )
