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

from harness.probes.rows import CONNECT_TIMEOUT_S, columns_of

ROWS_MAX = 20  # of one table; a request that writes more does not keep one session or code there
YEARS = 10
_SECONDS = YEARS * 365 * 86_400
_ENDS = re.compile(r"expir|valid_?(un)?til|valid_?to|(^|_)(until|ends?_at|ttl)$", re.I)
_MOMENTS = re.compile(rf"{_ENDS.pattern}|_(at|on|time|ts)$|^(created|updated|issued|sent|requested)", re.I)
_CARRIES = re.compile(r"code|token|otp|pin$|hash|secret|nonce|session|challenge", re.I)
_ABOUT_IT = re.compile(rf"{_ENDS.pattern}|{_CARRIES.pattern}|reset|verif|confirm|sent|issued", re.I)
_PASSWORD = re.compile(r"^(encrypted|hashed)?_?(pass(word|wd)?|pwd)(_?(hash|digest|salt|code))?$", re.I)
_DATES = ("timestamp with time zone", "timestamp without time zone", "date")
_WHOLE = ("integer", "bigint", "numeric", "double precision")
_SIGNED_DOTS = 2  # of a JWT, of Django's and Flask's signed values; `s:id.signature` of Express holds no time
_EPOCH_S, _EPOCH_MS = (1.5e9, 4e9), (1.5e12, 4e12)  # 2017 to 2096
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Aged:
    """What became of something whose rows were made older. `why` says why nothing is known, where nothing was `tried`."""

    tried: bool
    works: bool = False
    has_end: bool = False  # a column of its rows says when it ends
    tables: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Row:
    """One row that a request wrote. `is_new` is false where it may have been there before."""

    table: sql.Identifier
    name: str
    place: str  # its ctid
    is_new: bool
    kinds: Mapping[str, str]
    values: Mapping[str, Any]

    @property
    def moments(self) -> Iterator[str]:
        """The columns that hold a moment; of a row that was there before, those of what it carries and of an end."""
        for name, kind in self.kinds.items():
            is_due = self.is_new or _ABOUT_IT.search(name)
            if is_due and self.values.get(name) is not None and self._is_moment(name, kind):
                yield name

    def _is_moment(self, name: str, kind: str) -> bool:
        return kind in _DATES or (kind in _WHOLE and bool(_MOMENTS.search(name)) and _unit(self.values[name]) > 0)

    @property
    def has_end(self) -> bool:
        """Whether one of them says when it ends."""
        return any(_ENDS.search(name) for name in self.moments)


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
            for table, kinds in _tables(self.dsn).items():
                statement = sql.SQL("SELECT ctid::text, to_jsonb(t) FROM {} t WHERE xmin::text::bigint >= %s LIMIT %s").format(
                    sql.Identifier(*table)
                )
                rows = connection.execute(statement, (self.transaction, ROWS_MAX + 1)).fetchall()
                if not rows or len(rows) > ROWS_MAX:
                    continue
                is_new = _count(connection, table) - self.counts.get(table, 0) == len(rows)
                found += [Row(sql.Identifier(*table), table[1], place, is_new, kinds, values) for place, values in rows]
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
        rows, made = _made(dsn, make)
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
    with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        done = [connection.execute(each).fetchone() for each in statements]
        if not (is_done := all(row is not None and row[0] for row in done)):
            connection.rollback()
    return is_done


def _removal(row: Row) -> sql.Composed | None:
    """Takes away a row that is new; of one that was there before, what may be a code."""
    if row.is_new:
        return sql.SQL("DELETE FROM {} WHERE ctid = {} RETURNING true").format(row.table, sql.Literal(row.place))
    carrying = [
        name
        for name, value in row.values.items()
        if isinstance(value, str) and _CARRIES.search(name) and not _PASSWORD.search(name) and row.kinds[name] not in _DATES
    ]
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
    statement = sql.SQL("UPDATE {} SET {} WHERE ctid = {} RETURNING {}")
    return statement.format(row.table, pairs, sql.Literal(row.place), sql.SQL(" AND ").join(done))


def _unit(value: Any) -> int:
    """1 for a moment in seconds since 1970, 1000 in milliseconds, 0 for other numbers."""
    if not isinstance(value, int | float):
        return 0
    return 1 if _EPOCH_S[0] < value < _EPOCH_S[1] else 1000 if _EPOCH_MS[0] < value < _EPOCH_MS[1] else 0


def _connected(dsn: str) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True)


def _count(connection: psycopg.Connection[Any], table: tuple[str, str]) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table))).fetchone()
    return int(row[0]) if row else 0


def _tables(dsn: str) -> dict[tuple[str, str], dict[str, str]]:
    """The types of the columns by schema and name of each table."""
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in columns_of(dsn):
        tables.setdefault((schema, table), {})[column] = kind
    return tables
