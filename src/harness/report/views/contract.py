"""The contract table: every operation against every role, with the cases sent and the answers that succeeded."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from harness.model.evidence import ContractPayload, OperationCases
from harness.model.plan import ContractLimits
from harness.report.model import ReportInput
from harness.report.text import NOT_LOGGED_IN, line, number, plural

OPERATIONS_MAX = 1_000


@dataclass(frozen=True)
class ContractCell:
    """One role on one operation. `tone` is pass, fail, unknown or skipped; `symbol` says it without colour."""

    text: str
    tone: str
    symbol: str
    hint: str  # for those who point at it or do not see it


@dataclass(frozen=True)
class ContractRow:
    """One operation."""

    operation: str
    cells: tuple[ContractCell, ...]
    cases: str
    enough: bool
    untested: str


@dataclass(frozen=True)
class ContractView:
    """The section."""

    stage: str
    document: str
    phases: str
    roles: tuple[str, ...]
    rows: tuple[ContractRow, ...]
    rows_more: int
    cases: str
    cases_min: int
    reach: str


def contract_views(data: ReportInput) -> tuple[ContractView, ...]:
    """One table for each tested document."""
    return tuple(_view(stage, payload, data.limits.contract) for stage, payload in data.payloads(ContractPayload))


def _view(stage: str, payload: ContractPayload, limits: ContractLimits) -> ContractView:
    table: defaultdict[str, dict[str, OperationCases]] = defaultdict(dict)
    for entry in payload.cases:
        earlier = table[entry.operation].get(entry.role)
        table[entry.operation][entry.role] = _sum(earlier, entry) if earlier else entry
    roles = tuple(dict.fromkeys(entry.role for entry in payload.cases))
    operations = list(dict.fromkeys((*payload.operations, *table)))
    tested = sum(1 for operation in operations if table.get(operation) and operation not in payload.untested)
    return ContractView(
        stage=line(stage, 60),
        document=line(payload.document, 160),
        phases=line(", ".join(payload.phases), 160),
        roles=tuple(line(role or NOT_LOGGED_IN, 40) for role in roles),
        rows=tuple(
            _row(operation, table.get(operation, {}), roles, payload, limits) for operation in operations[:OPERATIONS_MAX]
        ),
        rows_more=max(len(operations) - OPERATIONS_MAX, 0),
        cases=number(sum(entry.cases for entry in payload.cases)),
        cases_min=limits.cases_min,
        reach=f"{tested} of {plural(len(operations), 'operation')} tested",
    )


def _sum(one: OperationCases, other: OperationCases) -> OperationCases:
    statuses = {
        status: one.statuses.get(status, 0) + other.statuses.get(status, 0) for status in {**one.statuses, **other.statuses}
    }
    return OperationCases(
        one.operation,
        one.role,
        one.permitted or other.permitted,
        one.cases + other.cases,
        one.successes + other.successes,
        one.failures + other.failures,
        statuses,
    )


def _row(
    operation: str,
    by_role: dict[str, OperationCases],
    roles: tuple[str, ...],
    payload: ContractPayload,
    limits: ContractLimits,
) -> ContractRow:
    cases = sum(entry.cases for entry in by_role.values())
    return ContractRow(
        operation=line(operation, 140),
        cells=tuple(_cell(by_role.get(role), limits) for role in roles),
        cases=number(cases),
        enough=cases >= limits.cases_min,
        untested=line(payload.untested.get(operation, "" if by_role else "no case was sent"), 200),
    )


def _cell(entry: OperationCases | None, limits: ContractLimits) -> ContractCell:
    if entry is None or not entry.cases:
        return ContractCell("", "skipped", "–", "no case was sent")
    statuses = ", ".join(f"{line(status, 12)}: {count}" for status, count in sorted(entry.statuses.items())[:12])
    text = f"{number(entry.successes)} / {number(entry.cases)}"
    hint = f"{plural(entry.successes, 'success', 'successes')} of {plural(entry.cases, 'case')}" + (
        f" ({statuses})" if statuses else ""
    )
    if entry.failures:
        return ContractCell(text, "fail", "✕", f"{plural(entry.failures, 'case')} broke the contract; {hint}")
    if not entry.permitted:
        return ContractCell(text, "skipped", "⊘", f"may not call it; {hint}")
    if entry.successes < limits.successes_min:
        return ContractCell(text, "unknown", "?", f"never succeeded; {hint}")
    return ContractCell(text, "pass", "✓", hint)
