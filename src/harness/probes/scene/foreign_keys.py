"""Columns that refer to another table's rows, read from the catalogue where the harness provides the target's database.

A made-up value of such a column fails at the constraint, whoever may set it; another row that is there does not.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

from harness.probes.openapi.names import snake
from harness.probes.scene.rows import CONNECT_TIMEOUT_S, tables_beside

_KEYS = """
SELECT child_space.nspname, child.relname, own.attname, parent_space.nspname, parent.relname, other.attname
FROM pg_constraint c
JOIN pg_class child ON child.oid = c.conrelid
JOIN pg_namespace child_space ON child_space.oid = child.relnamespace
JOIN pg_attribute own ON own.attrelid = c.conrelid AND own.attnum = c.conkey[1]
JOIN pg_class parent ON parent.oid = c.confrelid
JOIN pg_namespace parent_space ON parent_space.oid = parent.relnamespace
JOIN pg_attribute other ON other.attrelid = c.confrelid AND other.attnum = c.confkey[1]
WHERE c.contype = 'f' AND cardinality(c.conkey) = 1
ORDER BY 1, 2, 3
"""
_OWN_KEY = re.compile(r"^(id|uuid)$", re.I)  # a row that shares its parent's key is not given to another


@dataclass(frozen=True)
class ForeignKey:
    """One column that refers to a row of `parent` by that table's column `key`; tables with their schema."""

    table: tuple[str, str]
    column: str
    parent: tuple[str, str]
    key: str

    def is_meant(self, name: str) -> bool:
        """Whether a member of this name is the column, or named after the table that it refers to (`organizationId`)."""
        written = snake(name)
        stem, _, last = written.rpartition("_")
        plural = {stem, f"{stem}s", f"{stem}es", f"{stem[:-1]}ies"} if stem and last in ("id", "uuid") else set()
        return written == self.column.lower() or self.parent[1].lower() in plural


def keys_beside(dsn: str, members: Collection[str]) -> tuple[str, ...]:
    """The foreign keys of tables that have columns for these members, by name, without the members themselves."""
    wanted = {snake(name) for name in members}
    beside = tables_beside(dsn, members)
    return tuple(dict.fromkeys(key.column for key in _keys(dsn) if key.table in beside and key.column.lower() not in wanted))


def another_parent(dsn: str, name: str, present: Any = None) -> Any:
    """The key of a row, other than the present one, that a member of this name may refer to; None where it is no such member.

    Of several tables that it may be meant to refer to, the one that holds the present value.
    """
    if not dsn or _OWN_KEY.match(name):
        return None
    parents = dict.fromkeys((key.parent, key.key) for key in _keys(dsn) if key.is_meant(name))
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
            for parent, key in parents:
                found = _other(connection, sql.Identifier(*parent), sql.Identifier(key), present)
                if found is not None:
                    return found if isinstance(found, int) else str(found)
    except psycopg.Error:
        return None
    return None


@lru_cache(maxsize=8)
def _keys(dsn: str) -> tuple[ForeignKey, ...]:
    if not dsn:
        return ()
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
            rows = connection.execute(_KEYS).fetchall()
    except psycopg.Error:
        return ()
    return tuple(ForeignKey((row[0], row[1]), row[2], (row[3], row[4]), row[5]) for row in rows)


def _other(connection: psycopg.Connection, table: sql.Identifier, key: sql.Identifier, present: Any) -> Any:
    """The last key: the first ones are most likely the caller's own."""
    statement = sql.SQL(
        "SELECT {key} FROM {table} WHERE {present}::text IS NULL OR ({key}::text <> {present}"
        " AND EXISTS (SELECT FROM {table} WHERE {key}::text = {present})) ORDER BY {key} DESC LIMIT 1"
    ).format(key=key, table=table, present=sql.Literal(None if present is None else str(present)))
    row = connection.execute(statement).fetchone()
    return row[0] if row else None
