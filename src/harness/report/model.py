"""Everything that a report is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from harness.gates.view import Item
from harness.model.finding import Finding, Observation
from harness.model.ledger import Requirement
from harness.model.plan import Limits
from harness.model.run import LedgerRecord, Manifest, VerdictRecord
from harness.model.waiver import History

P = TypeVar("P")


@dataclass(frozen=True)
class Timing:
    """One step outside of the stages: the database, its template, the first start of the target."""

    what: str
    duration_s: float


@dataclass(frozen=True)
class ReportInput:
    """One run, read and judged.

    Args:
        manifest: what was asked, and how far it came.
        verdict: the verdict with every gate's result.
        items: every piece of evidence with its typed payload (`None` where the file is gone, changed or unreadable).
        findings: every finding, each fingerprint once.
        observations: what was noticed and is no defect.
        requirements: the rows of the run's own copy of the ledger; empty where it could not be read.
        ledger: the state of every row.
        limits: the limits that the run was judged by.
        asks: the question that the plan answers ("May this change be merged?").
        questions: gate → the question that it answers.
        timings: the preparation, in order.
        document_file: the OpenAPI document's path in the project, "" where there is none: where SARIF points.
        history: the findings against the committed base.
        operation_lines: `"GET /api/x/{id}"` → the line in that document, from 1 (see `locations.operation_lines`).
    """

    manifest: Manifest
    verdict: VerdictRecord
    items: tuple[Item, ...] = ()
    findings: tuple[Finding, ...] = ()
    observations: tuple[Observation, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    ledger: LedgerRecord = field(default_factory=lambda: LedgerRecord(()))
    limits: Limits = field(default_factory=Limits)
    asks: str = ""
    questions: Mapping[str, str] = field(default_factory=dict)
    timings: tuple[Timing, ...] = ()
    document_file: str = ""
    operation_lines: Mapping[str, int] = field(default_factory=dict)
    history: History = field(default_factory=lambda: History(""))

    def payloads(self, kind: type[P]) -> Iterator[tuple[str, P]]:
        """Stage and payload of every readable piece of evidence of a type, in the order of the stages."""
        for item in self.items:
            if isinstance(item.payload, kind):
                yield item.evidence.stage, item.payload
