"""How the findings of the stage `database` are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom
from harness.witness.statements import Statement

STAGE, ENGINE = "database", "witness"
_PROOF_LINES_MAX = 24
_LINE_CHARACTERS_MAX = 1_200


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
    """Where a finding stands: the operation (`"GET /x"`), the parameter or table, and as whom."""

    operation: str
    parameter: str = ""
    role: str = ""


@dataclass(frozen=True)
class Said:
    """What is this one finding's own."""

    title: str
    observed: str
    proof: tuple[str, ...]
    steps: tuple[Request, ...]
    confidence: Confidence = Confidence.MEDIUM
    status: int = 0  # of the last step's answer


def finding_of(weakness: Weakness, place: Place, said: Said) -> Finding:
    """A finding of the stage `database`, with its proof in it."""
    method, _, route = place.operation.partition(" ")
    return Finding(
        rule=weakness.rule,
        title=said.title,
        severity=weakness.severity,
        confidence=said.confidence,
        stage=STAGE,
        engines=(ENGINE,),
        method=method,
        route=route,
        parameter=place.parameter,
        role=place.role,
        cwe=weakness.cwe,
        owasp=weakness.owasp,
        expected=weakness.expected,
        observed=said.observed,
        why=weakness.why,
        advice=weakness.advice,
        steps=said.steps,
        symptom=Symptom(status=(said.status,) if said.status else ()),
        parts=weakness.parts,
        proof=tuple(line[:_LINE_CHARACTERS_MAX] for line in said.proof[:_PROOF_LINES_MAX]),
    )


def noticed(rule: str, text: str, operation: str = "") -> Observation:
    """Something of the stage `database` that is no defect."""
    return Observation(rule, text, STAGE, operation)


def told(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Statements as lines of a proof: shape, rows, and the error where there was one."""
    return tuple(_told(statement) for statement in statements)


def _told(statement: Statement) -> str:
    written = ", ".join(f"{write.verb} {write.table} {write.rows:.0f} rows" for write in statement.writes)
    end = f"ERROR {statement.code} {statement.error}" if statement.error else written or f"{statement.rows:.0f} rows"
    return f"{statement.shape}  → {end}"
