"""Tables brought back to what they held: so that what a write used up can be written once more, as the first time.

Only the rows that differ are written, without triggers and without asking for foreign keys; sequences go on.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from harness.witness.growth import Table, read_table

ROWS_MAX = 50_000  # of a table that is copied: a larger one stays as it is
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric"})
_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)' ORDER BY 1
"""
_WRITTEN = """
SELECT attname::text FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


@dataclass(frozen=True)
class _Copy:
    """One table, and the temporary one that holds its rows."""

    table: Table
    rows: sql.Identifier
    columns: sql.Composed  # those that can be written


class Kept:
    """Copies of tables as they are now, on one connection, which must be of a superuser's to bring them back."""

    def __init__(self, connection: psycopg.Connection, names: Iterable[str]) -> None:
        self._connection = connection
        tables = (read_table(connection, name) for name in names)
        self._copies = {table.name: self._copy(table) for table in tables if self._is_small(table)}

    @classmethod
    def everything(cls, connection: psycopg.Connection) -> Kept:
        """Copies of all tables."""
        return cls(connection, [name for (name,) in connection.execute(_TABLES).fetchall()])

    def bring_back(self, names: Iterable[str]) -> None:
        """Makes these tables hold again what they held; those that were too large to be copied stay as they are.

        Raises:
            psycopg.Error: the connection may not do that.
        """
        wanted = {read_table(self._connection, name).name for name in names}
        with self._connection.transaction():
            self._connection.execute("SET LOCAL session_replication_role = replica")
            for name in wanted & self._copies.keys():
                self._bring_back(self._copies[name])

    def row(self, name: str, identity: Any) -> Mapping[str, Any]:
        """The row of one object as it was kept, by column; empty where there was none, or its table has another kind of key."""
        copy = self._copies.get(read_table(self._connection, name).name) if name else None
        if copy is None or len(copy.table.key) != 1:
            return {}
        statement = sql.SQL("SELECT to_jsonb(r) FROM {} r WHERE {}::text = %s").format(copy.rows, sql.Identifier(*copy.table.key))
        found = self._connection.execute(statement, [str(identity)]).fetchone()
        return found[0] if found else {}

    def sums(self) -> Mapping[tuple[str, str], Decimal]:
        """By table and column, the sum of each number that is no key, over the rows that were there when they were copied."""
        found: dict[tuple[str, str], Decimal] = {}
        for copy in self._copies.values():
            table = copy.table
            numbers = [
                column.name
                for column in table.columns
                if column.type in _NUMBERS and column.name not in (*table.key, *table.parents)
            ]
            if not numbers or not table.key:
                continue
            added = sql.SQL(", ").join(sql.SQL("sum(now.{})").format(sql.Identifier(name)) for name in numbers)
            key = sql.SQL(", ").join(map(sql.Identifier, table.key))
            statement = sql.SQL("SELECT {} FROM {} now JOIN {} was USING ({})").format(added, sql.SQL(table.name), copy.rows, key)
            row = self._connection.execute(statement).fetchone() or ()
            found |= {(table.name, name): Decimal(value or 0) for name, value in zip(numbers, row, strict=False)}
        return found

    def forget(self) -> None:
        """Drops the copies."""
        for copy in self._copies.values():
            self._connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(copy.rows))
        self._copies = {}

    def _is_small(self, table: Table) -> bool:
        counted = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) few").format(sql.SQL(table.name), ROWS_MAX + 1)
        row = self._connection.execute(counted).fetchone()
        return row is not None and row[0] <= ROWS_MAX

    def _copy(self, table: Table) -> _Copy:
        name = sql.Identifier(f"zq_kept_{secrets.token_hex(4)}")
        columns = [sql.Identifier(column) for (column,) in self._connection.execute(_WRITTEN, [table.name]).fetchall()]
        self._connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} AS TABLE {}").format(name, sql.SQL(table.name)))
        return _Copy(table, name, sql.SQL(", ").join(columns))

    def _bring_back(self, copy: _Copy) -> None:
        parts = {"table": sql.SQL(copy.table.name), "rows": copy.rows, "columns": copy.columns}
        self._connection.execute(
            sql.SQL("DELETE FROM {table} t WHERE t::text NOT IN (SELECT r::text FROM {rows} r)").format(**parts)
        )
        self._connection.execute(
            sql.SQL(
                "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {rows} r"
                " WHERE r::text NOT IN (SELECT t::text FROM {table} t)"
            ).format(**parts)
        )


def brought_back(kept: Kept, tables: Iterable[str]) -> bool:
    """Whether the tables hold again what was kept of them: a database of somebody else's may not let us."""
    try:
        kept.bring_back(tables)
    except psycopg.Error:
        return False
    return True
