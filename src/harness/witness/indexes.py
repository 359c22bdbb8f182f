"""Sequential scans of large tables for few rows, where no index could have served the condition.

A page by key (`parent_id = ? and id > ?`) is read from the primary key, row after row, where nothing leads to the parent: that
the planner has an index for a part of the condition says nothing then.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from harness.model.finding import Confidence, Severity
from harness.model.weakness import Place, Weakness
from harness.witness.plans import Scan, equals
from harness.witness.report import OracleReport
from harness.witness.statements import Statement
from harness.witness.survey import Sight
from harness.witness.watcher import Watched, Watcher
from harness.witness.wording import Said, finding_of, noticed

READ_MIN = 6_000  # rows of one scan
FEW_PERCENT_MAX = 20.0  # of the rows read that came out of it
_PLAN, _FILTER = "plan: ", ", filter "
_GENERIC_SINCE = 160_000  # EXPLAIN (GENERIC_PLAN)
_INDEX = Weakness(
    "database.missing-index",
    Severity.MEDIUM,
    1067,
    "API4:2023",
    "A statement that wants few rows of a large table finds them by an index.",
    "Every such request reads the whole table: it is fast with the test data and slow with the users' data.",
    "Create an index on the columns of the condition.",
)
_INDEXES = """
SELECT c.relname, i.indisprimary, coalesce(a.attname, '') FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE t.relname = %s
"""

_COLUMN_NAMES = """
SELECT a.attname FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
WHERE t.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
"""


@dataclass(frozen=True)
class Indexes:
    """The indexes of a table: the names of its primary key, and the columns that any begins with."""

    primary: frozenset[str]
    first: frozenset[str]


def examine_plans(watcher: Watcher, sight: Sight, watched: Watched, report: OracleReport) -> None:
    """The plans of one request's statements on large tables."""
    for statement in watched.queries:
        report.tried += 1
        for plan in statement.plans:
            for scan in plan.scans:
                if is_wasteful(scan):
                    _suspect(watcher, sight, watched, statement, scan, report)


def is_wasteful(scan: Scan) -> bool:
    """Whether a scan read a large table, or a range of its index, from end to end for few of its rows."""
    read = scan.rows + scan.removed
    is_large = read / max(scan.loops, 1) >= READ_MIN
    return is_large and (scan.is_sequential or scan.is_ranged) and scan.rows <= read * FEW_PERCENT_MAX / 100


def _suspect(watcher: Watcher, sight: Sight, watched: Watched, statement: Statement, scan: Scan, report: OracleReport) -> None:
    operation = sight.operation.name
    if (known := _with_one_cause(report, scan)) is not None:
        _add(report, known, f"also read so by {operation}", operation)
        return
    served = served_by_index(watcher.connection, statement.text, scan.table)
    if served:
        return
    text = f"a scan of {scan.table} read {scan.rows + scan.removed:,.0f} rows for {scan.rows:,.0f}: {scan.condition}"
    if served is None or not equals(scan.condition):
        report.observations.append(noticed("database.scan", text, operation))
        return
    if is_divided(watcher.connection, scan):
        text = f"{text}: each of its columns has an index, and the OR between them lets none serve (a UNION would)"
        report.observations.append(noticed("database.scan", text, operation))
        return
    plan = f"{_PLAN}{scan.node} on {scan.table}{_FILTER}{scan.condition}"
    same = (number for number, f in enumerate(report.findings) if (f.operation, f.parameter) == (operation, scan.table))
    if (there := next(same, None)) is not None:
        _add(report, there, plan)
        return
    title = f"{operation} reads all of {scan.table} to find a few rows"
    observed = (
        f"It read {scan.rows + scan.removed:,.0f} rows of {scan.table} for {scan.rows:,.0f}, and no index serves the condition."
    )
    proof = (
        f"statement: {statement.shape}",
        plan,
        f"rows read {scan.rows + scan.removed:.0f}, used {scan.rows:.0f}",
        "with sequential scans forbidden the planner finds no index for it either",
    )
    said = Said(title, observed, proof, (watched.request,), Confidence.HIGH, watched.answer.status)
    report.findings.append(finding_of(_INDEX, Place(operation, scan.table, sight.asker.role), said))


def _add(report: OracleReport, number: int, line: str, operation: str = "") -> None:
    """A further line of a finding's proof, unless it is there, or is about the finding's own operation."""
    finding = report.findings[number]
    if line not in finding.proof and operation != finding.operation:
        report.findings[number] = replace(finding, proof=(*finding.proof, line))


def _with_one_cause(report: OracleReport, scan: Scan) -> int | None:
    """Which finding is about the same columns of the same table: one index mends both. None where there is none."""
    wanted = _columns(scan.condition)
    for number, finding in enumerate(report.findings):
        plans = [line for line in finding.proof if line.startswith(_PLAN)]
        if finding.parameter == scan.table and any(_columns(line.partition(_FILTER)[2]) == wanted for line in plans):
            return number
    return None


def _columns(condition: str) -> frozenset[str]:
    """The words of a condition as a plan writes it, its texts and types left out."""
    return frozenset(re.findall(r"[^\W\d]\w*", re.sub(r"'[^']*'|::[\w ]+", "", condition.lower())))


def served_by_index(connection: psycopg.Connection, text: str, table: str) -> bool | None:
    """Whether the planner has an index for a condition on the table when it may not scan it; None where it cannot be asked."""
    generic = ", GENERIC_PLAN" if re.search(r"\$\d", text) else ""
    if generic and connection.info.server_version < _GENERIC_SINCE:
        return None
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL enable_seqscan = off")
            asked = sql.SQL("EXPLAIN (FORMAT JSON" + generic + ") " + text.rstrip().rstrip(";"))
            row = connection.execute(asked, binary=False).fetchone()
    except psycopg.Error:
        return None
    plan = row[0] if row else []
    return _uses_condition(json.loads(plan) if isinstance(plan, str) else plan, table, _indexes(connection, table))


def is_divided(connection: psycopg.Connection, scan: Scan) -> bool:
    """Whether a condition is an OR of columns that indexes begin with: not an index is missing, the statement asks too much."""
    names = {row[0] for row in connection.execute(_COLUMN_NAMES, [scan.table]).fetchall()}
    asked = _columns(scan.condition) & names
    return " or " in scan.condition.lower() and bool(asked) and asked <= _indexes(connection, scan.table).first


def _indexes(connection: psycopg.Connection, table: str) -> Indexes:
    rows = connection.execute(_INDEXES, [table]).fetchall()
    return Indexes(frozenset(row[0] for row in rows if row[1]), frozenset(row[2] for row in rows if row[2]))


def _uses_condition(node: Any, table: str, indexes: Indexes) -> bool:
    if isinstance(node, list):
        return any(_uses_condition(each, table, indexes) for each in node)
    if not isinstance(node, dict):
        return False
    if node.get("Relation Name") == table and ("Index Cond" in node or "Recheck Cond" in node):
        return not _is_page_by_key(node, indexes)
    return any(_uses_condition(child, table, indexes) for key, child in node.items() if key in ("Plan", "Plans"))


def _is_page_by_key(node: dict[str, Any], indexes: Indexes) -> bool:
    """Whether the primary key gives a range, each row of which is looked at for a column that no index begins with."""
    sought, condition = node.get("Index Cond", ""), node.get("Filter", "")
    ranged = node.get("Index Name") in indexes.primary and not equals(sought) and equals(condition)
    return ranged and not any(re.search(rf'\b{re.escape(name)}"?\)?(::[\w ]+)? = ', condition) for name in indexes.first)
