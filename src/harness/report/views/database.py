"""The database as a witness: what each operation did to it, and what each oracle tried."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.evidence import DatabasePayload, OracleRecord, WatchedOperation
from harness.report.model import ReportInput
from harness.report.text import NOT_LOGGED_IN, line, number, plural

OPERATIONS_MAX = 1_000
_REASONS_MAX = 3


@dataclass(frozen=True)
class WatchedRow:
    """One operation as one role. `tone` is pass where it was watched, unknown where not."""

    operation: str
    role: str
    tone: str
    symbol: str
    statements: str
    rows: str
    written: str
    note: str


@dataclass(frozen=True)
class OracleRow:
    """One oracle: what it tried, what it found, and what it could not try."""

    oracle: str
    tried: str
    found: int
    tone: str
    symbol: str
    untried: str


@dataclass(frozen=True)
class DatabaseView:
    """The section."""

    stage: str
    summary: str
    rows: tuple[WatchedRow, ...]
    rows_more: int
    oracles: tuple[OracleRow, ...]
    idle: tuple[str, ...]
    sizes: tuple[tuple[str, str, str], ...]
    grown_by: str


def database_views(data: ReportInput) -> tuple[DatabaseView, ...]:
    """One for each stage that watched a database."""
    return tuple(_view(stage, payload) for stage, payload in data.payloads(DatabasePayload))


def _view(stage: str, payload: DatabasePayload) -> DatabaseView:
    overlaps = f"; {plural(payload.overlaps, 'request')} overlapped with other work and were left out" if payload.overlaps else ""
    return DatabaseView(
        stage=line(stage, 60),
        summary=f"{plural(payload.requests, 'request')} watched one by one, {plural(payload.statements, 'statement')}{overlaps}",
        rows=tuple(_row(seen) for seen in payload.operations[:OPERATIONS_MAX]),
        rows_more=max(len(payload.operations) - OPERATIONS_MAX, 0),
        oracles=tuple(_oracle(record, payload) for record in payload.oracles),
        idle=tuple(line(shape, 200) for shape in payload.idle),
        sizes=tuple((line(size.table, 80), number(size.before), number(size.after)) for size in payload.sizes),
        grown_by=line(payload.grown_by, 200),
    )


def _row(seen: WatchedOperation) -> WatchedRow:
    return WatchedRow(
        operation=line(seen.operation, 140),
        role=line(seen.role or NOT_LOGGED_IN, 40),
        tone="pass" if seen.watched else "unknown",
        symbol="✓" if seen.watched else "?",
        statements=number(seen.statements),
        rows=number(seen.rows),
        written=line(", ".join(seen.written), 120),
        note=line(seen.note, 200),
    )


def _oracle(record: OracleRecord, payload: DatabasePayload) -> OracleRow:
    found = sum(finding.rule.startswith(_RULES.get(record.oracle, f"database.{record.oracle}")) for finding in payload.findings)
    tone, symbol = ("fail", "✕") if found else ("pass", "✓") if record.tried else ("skipped", "–")
    reasons = [f"{what}: {why}" if what else why for what, why in record.untried.items()]
    more = f" (and {len(reasons) - _REASONS_MAX} more)" if len(reasons) > _REASONS_MAX else ""
    return OracleRow(
        oracle=line(record.oracle, 60),
        tried=f"{number(record.tried)} {line(record.unit, 60)}",
        found=found,
        tone=tone,
        symbol=symbol,
        untried=line("; ".join(reasons[:_REASONS_MAX]), 400) + more,
    )


_RULES = {"injection": "injection."}
