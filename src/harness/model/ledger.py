"""The rows of the Phase 4 ledger and the states that they can be in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RowState(StrEnum):
    """What a run says of one row of the ledger."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    UNKNOWN = "UNKNOWN"
    AWAITING_CREDENTIALS = "AWAITING_CREDENTIALS"
    NOT_VERIFIABLE = "NOT_VERIFIABLE"


@dataclass(frozen=True)
class Part:
    """One part of a row's evidence: `id` is the row's and a letter (`2.1.2.a`)."""

    id: str
    text: str


@dataclass(frozen=True)
class Requirement:
    """One row: a claim, the parts that settle it, or the rows and sections that it is derived from."""

    id: str
    section: str
    section_title: str
    claim: str
    parts: tuple[Part, ...] = ()
    live: str = ""
    derived: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartResult:
    """What the run says of a part: `verdict` of the checks that name it, and which fault turned such a check red."""

    part: str
    state: RowState
    checks: tuple[str, ...] = ()
    fault: str = ""
    reason: str = ""


@dataclass(frozen=True)
class RowResult:
    """What the run says of a row, with the reason in words."""

    row: str
    state: RowState
    reason: str
    parts: tuple[PartResult, ...] = ()
