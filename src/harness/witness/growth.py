"""Makes tables grow by SQL: rows like those that are there, with keys of their own, so that every constraint holds.

Two kinds of growth: to production size, spread over all owners; and of one owner's own objects, so that two requests of the same
user meet different amounts of data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import sql

PRODUCTION_ROWS = 12_000
GROWTH_TIMEOUT_S = 15  # of one table
ROWS_MIN = 20  # a table that holds fewer in the seed and is never added to is taken for a list that does not grow

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL), a.atttypmod,
       a.attgenerated <> '' OR a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%', false)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_UNIQUE = """
SELECT array_agg(a.attname::text) FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = %s::regclass AND i.indisunique GROUP BY i.indexrelid
"""
_PARENTS = """
SELECT a.attname::text, c.confrelid::regclass::text, f.attname::text FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]
WHERE c.conrelid = %s::regclass AND c.contype = 'f' AND cardinality(c.conkey) = 1
"""
_KEY = """
SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = %s::regclass AND i.indisprimary
"""


@dataclass(frozen=True)
class Column:
    """A column. `made` says that the server makes its value; `length` is the most characters, 0 without a bound."""

    name: str
    type: str
    length: int
    made: bool


@dataclass(frozen=True)
class Table:
    """What has to hold for a new row: columns, unique sets of columns, and the tables that columns refer to."""

    name: str  # as SQL writes it
    columns: tuple[Column, ...]
    unique: tuple[frozenset[str], ...]
    parents: dict[str, tuple[str, str]] = field(default_factory=dict)  # column → table and column
    key: tuple[str, ...] = ()
    variety: dict[str, int] = field(default_factory=dict)  # how many values the columns of unique sets of several have

    def is_unique(self, column: str) -> bool:
        """Whether the column is of any unique set."""
        return any(column in members for members in self.unique)

    def must_differ(self, column: str, turned: frozenset[str]) -> bool:
        """Whether the column has to be made different: nothing else of one of its unique sets differs already.

        In a set of several, a category (a stage, a language) keeps its values where a key or a number can change instead, and so
        does, of two columns of a type, the one of fewer values (an owner, not a title).
        """
        if column in self.parents:
            return False
        varied = turned | {each.name for each in self.columns if each.made}
        return any(self._chosen(members) == column for members in self.unique if column in members and not members & varied)

    def _chosen(self, members: frozenset[str]) -> str:
        """The column of a unique set that is made different."""
        mine = [column for column in self.columns if column.name in members and column.name not in self.parents]
        rank = {"uuid": 0, "integer": 1, "bigint": 1, "smallint": 1, "numeric": 1, "text": 3, "character varying": 3, "citext": 3}
        chosen = min(mine, key=lambda column: (rank.get(column.type, 2), -self.variety.get(column.name, 0)), default=None)
        return chosen.name if chosen else ""


def read_table(connection: psycopg.Connection, name: str) -> Table:
    """What the catalogue says of a table. `name` is looked for as it stands, in the search path."""
    quoted = sql.Identifier(name).as_string(connection) if "." not in name and '"' not in name else name
    columns = tuple(
        Column(column, kind, max(length - 4, 0) if "char" in kind else 0, made)
        for column, kind, length, made in connection.execute(_COLUMNS, [quoted]).fetchall()
    )
    unique = tuple(frozenset(members) for (members,) in connection.execute(_UNIQUE, [quoted]).fetchall())
    parents = {column: (table, key) for column, table, key in connection.execute(_PARENTS, [quoted]).fetchall()}
    key = tuple(column for (column,) in connection.execute(_KEY, [quoted]).fetchall())
    row = connection.execute("SELECT %s::regclass::text", [quoted]).fetchone()
    known = row[0] if row else quoted  # as the catalogue names the parents
    return Table(known, columns, unique, parents, key, _variety(connection, known, unique))


def _variety(connection: psycopg.Connection, name: str, unique: tuple[frozenset[str], ...]) -> dict[str, int]:
    names = sorted({column for members in unique if len(members) > 1 for column in members})
    if not names:
        return {}
    counts = sql.SQL(", ").join(_sql("count(DISTINCT {}::text)", sql.Identifier(column)) for column in names)
    row = connection.execute(_sql("SELECT {} FROM {}", counts, sql.SQL(name))).fetchone()
    return dict(zip(names, row or (), strict=True))


def count(connection: psycopg.Connection, table: Table) -> int:
    """Rows of a table."""
    return _count(connection, table.name)


def grow(
    connection: psycopg.Connection,
    table: Table,
    rows: int,
    *,
    like: tuple[str, Sequence[Any]] | None = None,
    spread: frozenset[str] = frozenset(),
    after: int = 0,
) -> int:
    """Adds rows like those that are there; how many there are more. What a constraint refuses is left out.

    Args:
        like: a column and its values: only such rows are taken as models, and their owners are kept.
        spread: columns that refer to any row of their parent table instead of the model's own.
        after: how many were asked for before: other parents are taken then.

    Raises:
        psycopg.Error: a constraint refuses all of it.
    """
    columns = [column for column in table.columns if not (column.made and table.is_unique(column.name))]
    columns = [column for column in columns if not _is_generated(connection, table, column)]
    turned = _turned(connection, table, like) | spread
    values = [_value(table, column, turned) for column in columns]
    condition: sql.Composable = sql.SQL("")
    models: list[Any] = []
    if like is not None:
        condition = _sql(" WHERE t.{}::text = ANY (%s)", sql.Identifier(like[0]))
        models = [[str(value) for value in like[1]]]
    before, sources = count(connection, table), _count(connection, table.name, condition, models)
    if not sources:
        return 0
    statement = _sql(
        "WITH m AS (SELECT t.*, row_number() OVER () AS m_n FROM {} t{})"
        " INSERT INTO {} ({}) SELECT {} FROM generate_series({}, {}) AS g(i)"
        " JOIN m ON m.m_n = 1 + g.i %% {}{} ON CONFLICT DO NOTHING",
        sql.SQL(table.name),
        condition,
        sql.SQL(table.name),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        sql.SQL(", ").join(values),
        sql.Literal(after + 1),
        sql.Literal(after + rows),
        sql.Literal(sources),
        sql.SQL("").join(_parent(connection, table, name) for name in sorted(turned)),
    )
    with connection.transaction():
        connection.execute(f"SET LOCAL statement_timeout = {GROWTH_TIMEOUT_S * 1000}")
        connection.execute(statement, models)
    return count(connection, table) - before


def _parent(connection: psycopg.Connection, table: Table, name: str) -> sql.Composed:
    """Joins a column to the rows of its parent table in turn; the numbers are written out, so that the planner can hash."""
    parent, key = table.parents[name]
    rows = sql.Literal(max(_count(connection, parent), 1))
    alias = sql.Identifier(f"p_{name}")
    return _sql(
        " JOIN (SELECT {} AS v, row_number() OVER () AS n FROM {}) {} ON {}.n = 1 + (g.i * 7919 + g.i / {}) %% {}",
        sql.Identifier(key),
        sql.SQL(parent),
        alias,
        alias,
        rows,
        rows,
    )


def _count(
    connection: psycopg.Connection, name: str, condition: sql.Composable | None = None, parameters: Sequence[Any] = ()
) -> int:
    statement = _sql("SELECT count(*) FROM {} t{}", sql.SQL(name), condition or sql.SQL(""))
    row = connection.execute(statement, parameters or None).fetchone()
    return int(row[0]) if row else 0


def _is_generated(connection: psycopg.Connection, table: Table, column: Column) -> bool:
    """`GENERATED ALWAYS AS …` takes no value at all."""
    row = connection.execute(
        "SELECT attgenerated <> '' OR attidentity = 'a' FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
        [table.name, column.name],
    ).fetchone()
    return bool(row and row[0])


def _turned(connection: psycopg.Connection, table: Table, like: tuple[str, Sequence[Any]] | None) -> frozenset[str]:
    """Columns of a unique set that refer to a parent: of the models' own ones those that differ among the models."""
    members = {name for unique in table.unique for name in unique if name in table.parents}
    if like is None:
        return frozenset(members)
    turned = set()
    for name in members:
        statement = _sql(
            "SELECT count(DISTINCT {}) FROM {} WHERE {}::text = ANY (%s)",
            sql.Identifier(name),
            sql.SQL(table.name),
            sql.Identifier(like[0]),
        )
        row = connection.execute(statement, [[str(value) for value in like[1]]]).fetchone()
        if row and row[0] > 1:
            turned.add(name)
    return frozenset(turned)


def _value(table: Table, column: Column, turned: frozenset[str]) -> sql.Composable:
    own = _sql("m.{}", sql.Identifier(column.name))
    if column.name in turned:
        # Where the model refers to nobody the new row does not either: a CHECK may want one of two owners.
        return _sql("CASE WHEN {} IS NULL THEN NULL ELSE {}.v END", own, sql.Identifier(f"p_{column.name}"))
    if not table.must_differ(column.name, turned):
        return own
    if column.type == "uuid":
        return sql.SQL("gen_random_uuid()")
    if column.type in ("integer", "bigint", "smallint", "numeric"):
        return _sql("(SELECT max({}) FROM {}) + g.i", sql.Identifier(column.name), sql.SQL(table.name))
    if column.type in ("text", "character varying", "character", "citext"):
        marked = _sql("'g' || g.i || '-' || {}", own)
        return _sql("left({}, {})", marked, sql.Literal(column.length)) if column.length else marked
    if column.type.startswith(("timestamp", "date")):
        return _sql("{} + g.i * interval '1 day'", own)
    return own


def _sql(text: LiteralString, *parts: sql.Composable) -> sql.Composed:
    return sql.SQL(text).format(*parts)


def in_family_order(tables: Iterable[Table]) -> Iterator[Table]:
    """Parents before their children; a circle is broken anywhere."""
    waiting = {table.name: table for table in tables}
    while waiting:
        ready = [
            table
            for table in waiting.values()
            if not any(parent in waiting and parent != table.name for parent, _ in table.parents.values())
        ] or [next(iter(waiting.values()))]
        for table in ready:
            yield waiting.pop(table.name)
