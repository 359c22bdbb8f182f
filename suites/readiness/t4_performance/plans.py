"""What a statement reads, as PostgreSQL counts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

Node = Mapping[str, Any]


def nodes(plan: Node) -> Iterator[Node]:
    """Every node of a plan, from the top."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_read(plan: Node) -> float:
    """The rows that an executed plan took from tables and indexes, those that a filter dropped included."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
        * node["Actual Loops"]
        for node in nodes(plan)
        if node["Node Type"].endswith("Scan") and node["Node Type"] not in ("Subquery Scan", "Bitmap Index Scan")
    )


def executed(connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any]) -> Node:
    """Runs a statement and gives its plan with what really happened."""
    row = connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}".encode(), values).fetchone()
    assert row is not None
    plan: Node = row[0][0]["Plan"]
    return plan


def sequential(plan: Node) -> set[str]:
    """The tables that a plan reads from one end to the other."""
    return {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
