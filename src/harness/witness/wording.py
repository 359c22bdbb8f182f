"""How the findings of the stage `database` are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.finding import Confidence, Finding, Observation, Request, Symptom
from harness.model.weakness import Place, Weakness
from harness.witness.statements import Statement

STAGE, ENGINE = "database", "witness"
_PROOF_LINES_MAX = 24
_LINE_CHARACTERS_MAX = 1_200


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
    return weakness.finding(
        place,
        stage=STAGE,
        engine=ENGINE,
        title=said.title,
        observed=said.observed,
        steps=said.steps,
        symptom=Symptom(status=(said.status,) if said.status else ()),
        confidence=said.confidence,
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
