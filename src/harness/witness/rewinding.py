"""Tables brought back to what they held: so that what a write used up can be written once more, as the first time.

Only the rows that differ are written, without triggers and without asking for foreign keys; sequences go on.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from harness.witness.growth import Table, read_table

ROWS_MAX = 50_000  # of a table that is copied: a larger one stays as it is
MOVED_ROWS_MAX = 5  # of each table
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
class Moved:
    """A number of one row that stands otherwise than it was kept. `row`: all numbers of that row as they were kept."""

    table: str
    key: Mapping[str, Any]
    column: str
    was: Decimal
    now: Decimal
    row: Mapping[str, Decimal]

    @property
    def place(self) -> tuple[str, str, tuple[Any, ...]]:
        """Which number it is."""
        return self.table, self.column, tuple(map(str, self.key.values()))

    @property
    def by(self) -> Decimal:
        """How far it was moved."""
        return self.now - self.was


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
            table, numbers = copy.table, _numbers(copy.table)
            if not numbers or not table.key:
                continue
            added = sql.SQL(", ").join(sql.SQL("sum(now.{})").format(sql.Identifier(name)) for name in numbers)
            key = sql.SQL(", ").join(map(sql.Identifier, table.key))
            statement = sql.SQL("SELECT {} FROM {} now JOIN {} was USING ({})").format(added, sql.SQL(table.name), copy.rows, key)
            row = self._connection.execute(statement).fetchone() or ()
            found |= {(table.name, name): Decimal(value or 0) for name, value in zip(numbers, row, strict=False)}
        return found

    def moved(self) -> list[Moved]:
        """The numbers, no keys, that stand otherwise now in the rows that are there still; of a few rows of each table."""
        return [each for copy in self._copies.values() for each in self._moved(copy)]

    def _moved(self, copy: _Copy) -> Iterator[Moved]:
        table, numbers = copy.table, _numbers(copy.table)
        if not numbers or not table.key:
            return
        keys, names = sql.SQL(", ").join(map(sql.Identifier, table.key)), [sql.Identifier(name) for name in numbers]
        was, now = (sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(side), name) for name in names) for side in ("was", "now"))
        parts = {"keys": keys, "was": was, "now": now, "table": sql.SQL(table.name), "rows": copy.rows, "most": MOVED_ROWS_MAX}
        statement = sql.SQL(
            "SELECT {keys}, {was}, {now} FROM {table} now JOIN {rows} was USING ({keys})"
            " WHERE ROW({was}) IS DISTINCT FROM ROW({now}) ORDER BY {keys} LIMIT {most}"
        ).format(**parts)
        for found in self._connection.execute(statement).fetchall():
            key = dict(zip(table.key, found, strict=False))
            before, after = found[len(key) : len(key) + len(numbers)], found[len(key) + len(numbers) :]
            row = {name: Decimal(value) for name, value in zip(numbers, before, strict=True) if _is_finite(value)}
            for name, value in zip(numbers, after, strict=True):
                if name in row and _is_finite(value) and value != row[name]:
                    yield Moved(table.name, key, name, row[name], Decimal(value), row)

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


def _is_finite(value: Any) -> bool:
    return value is not None and Decimal(value).is_finite()


def _numbers(table: Table) -> list[str]:
    """Its columns that hold numbers and are no keys."""
    return [
        column.name for column in table.columns if column.type in _NUMBERS and column.name not in (*table.key, *table.parents)
    ]


def counted(connection: psycopg.Connection, tables: Iterable[str]) -> dict[str, int]:
    """Rows of each table."""
    found = {}
    for table in tables:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        found[table] = int(row[0]) if row else 0
    return found


def added(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Rows that came to each table."""
    return {table: after[table] - rows for table, rows in before.items()}


def brought_back(kept: Kept, tables: Iterable[str]) -> bool:
    """Whether the tables hold again what was kept of them: a database of somebody else's may not let us."""
    try:
        kept.bring_back(tables)
    except psycopg.Error:
        return False
    return True
