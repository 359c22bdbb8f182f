"""What was stored is made ten years older, where the harness provides the database: what should have ended must not work then.

The rows are those that one request wrote. That it hangs on them at all is shown first: once they are gone, it must not work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from harness.probes.scene.rows import CONNECT_TIMEOUT_S, columns_of

ROWS_MAX = 20  # of one table; a request that writes more does not keep one session or code there
YEARS = 10
_BOUNDED = "-c lock_timeout=5s -c statement_timeout=20s"  # the target may hold its rows
_SECONDS = YEARS * 365 * 86_400
_ENDS = re.compile(r"expir|valid_?(un)?til|valid_?to|(^|_)(until|ends?_?at|exp|ttl|deadline)$", re.I)
_OF_A_CODE = re.compile(r"reset|verif|confirm|recover|one_?time|magic|(^|_)(otp|log_?in_?code|auth_?code)(_|$)", re.I)
_OF_ITS_OWN = re.compile(r"code|token|otp|reset|verif|session|challenge|magic", re.I)
_WRITTEN = re.compile(r"\b20\d\d-[01]\d-[0-3]\d[T ]\d\d:")  # a moment as text
_DATES = ("timestamp with time zone", "timestamp without time zone", "date")
_WHOLE = ("integer", "bigint", "numeric", "double precision")
_SIGNED_DOTS = 2  # of a JWT, of Django's and Flask's signed values; `s:id.signature` of Express holds no time
_EPOCH_S, _EPOCH_MS = (1.5e9, 4e9), (1.5e12, 4e12)  # 2017 to 2096
_WRITTEN_SINCE = "SELECT ctid::text, to_jsonb(t) FROM ONLY {} t WHERE xmin::text::bigint >= %s LIMIT %s"
_PARTITIONS = """
SELECT n.nspname::text, part.relname::text, whole.relname::text
FROM pg_class part JOIN pg_class whole ON whole.oid = pg_partition_root(part.oid) JOIN pg_namespace n ON n.oid = part.relnamespace
WHERE part.relispartition AND part.relkind = 'r'
"""
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Aged:
    """What became of something whose rows were made older. `why` says why nothing is known, where nothing was `tried`."""

    tried: bool
    works: bool = False
    has_end: bool = False  # a column of its own rows says when it ends
    tables: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Row:
    """One row that a request wrote. `is_new` is false where it may have been there before; a partition has its table's `name`."""

    table: sql.Identifier
    name: str
    place: str  # its ctid
    is_new: bool
    kinds: Mapping[str, str]
    values: Mapping[str, Any]

    @property
    def is_its_own(self) -> bool:
        """Whether the row is there for what was made alone: it is new, or of a table that keeps codes or sessions."""
        return self.is_new or bool(_OF_ITS_OWN.search(self.name))

    @property
    def moments(self) -> Iterator[str]:
        """The columns that hold a moment; of an account's row, those of a code alone."""
        for name, kind in self.kinds.items():
            value = self.values.get(name)
            is_moment = kind in _DATES or (kind in _WHOLE and _unit(value) > 0)
            if value is not None and is_moment and (self.is_its_own or _is_of_a_code(name)):
                yield name

    @property
    def is_told_in_words(self) -> bool:
        """Whether it holds a moment that cannot be moved: as text, or within JSON."""
        others = (value for name, value in self.values.items() if self.kinds.get(name) not in _DATES)
        return self.is_its_own and any(_WRITTEN.search(str(value)) for value in others)

    @property
    def has_end(self) -> bool:
        """Whether one of them says when it ends, in a row of its own."""
        return self.is_its_own and any(_ENDS.search(name) for name in self.moments)


@dataclass(frozen=True)
class Moment:
    """What the database held at a moment: its next transaction, and how many rows each table had."""

    dsn: str
    transaction: int
    counts: Mapping[tuple[str, str], int]

    @classmethod
    def now(cls, dsn: str) -> Moment:
        """The present one. Raises `psycopg.Error` where the database cannot be read."""
        with _connected(dsn) as connection:
            counts = {table: _count(connection, table) for table in _tables(dsn)}
            row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        return cls(dsn, int(row[0]) if row else 0, counts)

    def written(self) -> list[Row]:
        """The rows that were written since. Raises `psycopg.Error`."""
        found: list[Row] = []
        with _connected(self.dsn) as connection:
            partitioned = {(schema, part): whole for schema, part, whole in connection.execute(_PARTITIONS).fetchall()}
            for table, kinds in _tables(self.dsn).items():
                name = partitioned.get(table, table[1])
                statement = sql.SQL(_WRITTEN_SINCE).format(sql.Identifier(*table))
                rows = connection.execute(statement, (self.transaction, ROWS_MAX + 1)).fetchall()
                if not rows or len(rows) > ROWS_MAX:
                    continue
                is_new = _count(connection, table) - self.counts.get(table, 0) == len(rows)
                found += [Row(sql.Identifier(*table), name, place, is_new, kinds, values) for place, values in rows]
        return found


def says_its_end(text: str) -> bool:
    """Whether a token or code may hold its own end: it is signed, of several parts, and not merely a word that rows know."""
    return text.count(".") >= _SIGNED_DOTS


def outlives(dsn: str, make: Callable[[], _Made], works: Callable[[_Made], bool]) -> Aged:
    """Whether what `make` stores still works when its rows are ten years old.

    Args:
        make: stores another one each time, and does not use it.
        works: uses it once.
    """
    if not dsn:
        return Aged(False, why="the harness does not provide the target's database")
    try:
        rows, made = _made(dsn, make)
        if not _change(dsn, rows, _removal):
            return Aged(False, why="it writes no row that could be taken away")
        if works(made):
            return Aged(False, why="it is good without the rows that it wrote")
        taken = {row.name for row in rows}
        rows, made = _made(dsn, make)
        if not taken <= {row.name for row in rows} or any(row.is_told_in_words for row in rows):
            return Aged(False, why="not all that it wrote could be made older")
        if not _change(dsn, rows, _ageing):
            return Aged(False, why="its rows hold no moment that could be moved")
    except psycopg.Error as error:
        return Aged(False, why=f"its rows could not be changed: {str(error).splitlines()[0]}")
    tables = tuple(dict.fromkeys(row.name for row in rows if any(row.moments)))
    return Aged(True, works(made), any(row.has_end for row in rows), tables)


def _made(dsn: str, make: Callable[[], _Made]) -> tuple[list[Row], _Made]:
    moment = Moment.now(dsn)
    made = make()
    return moment.written(), made


def _change(dsn: str, rows: list[Row], statement: Callable[[Row], sql.Composed | None]) -> bool:
    """Changes the rows in one transaction; whether there was anything to change, and all of it is so now."""
    statements = [made for row in rows if (made := statement(row)) is not None]
    try:
        return bool(statements) and _execute(dsn, statements)
    except psycopg.errors.ForeignKeyViolation:
        return _execute(dsn, statements[::-1])


def _execute(dsn: str, statements: list[sql.Composed]) -> bool:
    """Whether each of them did what it is for: a row may be another one by now, or a trigger put it right again."""
    with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, options=_BOUNDED) as connection:
        done = [connection.execute(each).fetchone() for each in statements]
        if not (is_done := all(row is not None and row[0] for row in done)):
            connection.rollback()
    return is_done


def _removal(row: Row) -> sql.Composed | None:
    """Takes away a row of what was made; of an account's, what may be a code."""
    if row.is_its_own:
        return sql.SQL("DELETE FROM ONLY {} WHERE ctid = {} RETURNING true").format(row.table, sql.Literal(row.place))
    texts = [name for name, value in row.values.items() if isinstance(value, str) and row.kinds[name] not in _DATES]
    carrying = [name for name in texts if _is_of_a_code(name)]
    return _update(row, {name: sql.NULL for name in carrying}, [sql.SQL("true")])


def _ageing(row: Row) -> sql.Composed | None:
    """Moves every moment of the row back."""
    dates = [sql.Identifier(name) for name in row.moments if row.kinds[name] in _DATES]
    are_earlier: list[sql.Composable] = [sql.SQL("{} < now() - interval '1 year'").format(date) for date in dates]
    return _update(row, {name: _earlier(name, row) for name in row.moments}, are_earlier or [sql.SQL("true")])


def _earlier(name: str, row: Row) -> sql.Composable:
    column = sql.Identifier(name)
    if row.kinds[name] in _DATES:
        return sql.SQL("{} - make_interval(years => {})").format(column, sql.Literal(YEARS))
    return sql.SQL("{} - {}").format(column, sql.Literal(_SECONDS * _unit(row.values[name])))


def _update(row: Row, values: Mapping[str, sql.Composable], done: Sequence[sql.Composable]) -> sql.Composed | None:
    """Sets columns, and gives whether all of `done` holds then; None where there is nothing to set."""
    if not values:
        return None
    pairs = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in values.items())
    statement = sql.SQL("UPDATE ONLY {} SET {} WHERE ctid = {} RETURNING {}")
    return statement.format(row.table, pairs, sql.Literal(row.place), sql.SQL(" AND ").join(done))


def _is_of_a_code(name: str) -> bool:
    """Whether a column of an account is about a code that was sent; nothing else of it is touched."""
    return bool(_OF_A_CODE.search(name))


def _unit(value: Any) -> int:
    """1 for a moment in seconds since 1970, 1000 in milliseconds, 0 for other numbers."""
    if not isinstance(value, int | float):
        return 0
    return 1 if _EPOCH_S[0] < value < _EPOCH_S[1] else 1000 if _EPOCH_MS[0] < value < _EPOCH_MS[1] else 0


def _connected(dsn: str) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True, options=_BOUNDED)


def _count(connection: psycopg.Connection[Any], table: tuple[str, str]) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(*table))).fetchone()
    return int(row[0]) if row else 0


def _tables(dsn: str) -> dict[tuple[str, str], dict[str, str]]:
    """The types of the columns by schema and name of each table."""
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in columns_of(dsn):
        tables.setdefault((schema, table), {})[column] = kind
    return tables
