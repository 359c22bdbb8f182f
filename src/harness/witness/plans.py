"""Query plans as `auto_explain` writes them: what was read, how, and what was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.model.errors import HarnessError

_EQUAL = re.compile(r"(?<![<>!~*])=(?!>)")
_WRITES = {"Insert": "INSERT", "Update": "UPDATE", "Delete": "DELETE", "Merge": "MERGE"}


class PlanError(HarnessError):
    """A plan that is none."""


@dataclass(frozen=True)
class Scan:
    """One node that reads a table. `rows` came out of it, `removed` were read and thrown away, over all loops."""

    table: str
    node: str  # "Seq Scan", "Index Scan"
    rows: float
    removed: float
    loops: float
    condition: str = ""  # the filter that is applied to every row read
    searched: bool = False  # whether an index led to the rows
    sought: str = ""  # by which condition, where the index alone answers it

    @property
    def is_sequential(self) -> bool:
        """Whether it reads row after row: the table, or an index from its end, looking at each."""
        return self.node == "Seq Scan" or (self.node in ("Index Scan", "Index Only Scan") and not self.searched)

    @property
    def is_ranged(self) -> bool:
        """Whether it reads a range of an index and looks at each row for what it is to equal: pages by key (`id > ?`)."""
        return bool(self.sought and not equals(self.sought) and equals(self.condition))


def equals(condition: str) -> bool:
    """Whether a condition, as a plan writes it, asks for equality anywhere."""
    return bool(_EQUAL.search(condition))


@dataclass(frozen=True)
class Write:
    """One node that writes a table. `rows` were really written."""

    table: str
    verb: str  # INSERT, UPDATE, DELETE, MERGE
    rows: float


@dataclass(frozen=True)
class QueryPlan:
    """One executed plan. `rows` went to the client; `limited` says that a LIMIT bounds them."""

    text: str  # of the statement
    rows: float
    scans: tuple[Scan, ...]
    writes: tuple[Write, ...]
    limited: bool


def read_plan(text: str) -> QueryPlan:
    """A plan from its JSON.

    Raises:
        PlanError: it is no such JSON.
    """
    try:
        entry = json.loads(text)
        top = entry["Plan"]
        nodes = list(_nodes(top))
        scans = tuple(_scan(node) for node in nodes if "Relation Name" in node and node["Node Type"] != "ModifyTable")
        writes = tuple(_write(node) for node in nodes if node["Node Type"] == "ModifyTable")
        limited = any(node["Node Type"] == "Limit" for node in nodes)
        return QueryPlan(entry.get("Query Text", ""), _total(top), scans, writes, limited)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PlanError(f"not a query plan: {error}") from error


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _total(node: Mapping[str, Any], name: str = "Actual Rows") -> float:
    """Rows are given per loop."""
    return float(node.get(name, 0)) * float(node.get("Actual Loops", 1))


def _scan(node: Mapping[str, Any]) -> Scan:
    return Scan(
        table=node["Relation Name"],
        node=node["Node Type"],
        rows=_total(node),
        removed=_total(node, "Rows Removed by Filter"),
        loops=float(node.get("Actual Loops", 1)),
        condition=node.get("Filter", ""),
        searched="Index Cond" in node or "Recheck Cond" in node,
        sought=node.get("Index Cond", ""),
    )


def _write(node: Mapping[str, Any]) -> Write:
    children = [child for child in node.get("Plans", ()) if child.get("Parent Relationship") not in ("InitPlan", "SubPlan")]
    rows = sum(_total(child) for child in children)
    if "Conflicting Tuples" in node and node.get("Conflict Resolution") == "NOTHING":
        rows = float(node.get("Tuples Inserted", rows))
    return Write(node.get("Relation Name", "?"), _WRITES.get(node.get("Operation", ""), "?"), rows)
