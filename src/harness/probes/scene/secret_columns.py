"""The columns whose values no answer and no log may carry: those named so, and those that the target's file names.

What stands in them is searched for. Where nothing stands, a canary can be put: a text that is found nowhere else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass

import psycopg
from psycopg import sql

from harness.model.errors import TargetError
from harness.probes.scene.rows import CONNECT_TIMEOUT_S, SECRET_NAME, columns_of

VALUES_MAX = 500  # of one column
ROWS_MAX = 20_000  # of one column get a canary
LENGTH_MIN = 8  # a shorter text may stand anywhere
MARK_LENGTH, ROW_LENGTH = 14, 10
STATEMENT_TIMEOUT_MS = 5000
_ABOUT = re.compile(
    r"_(at|on|id|type|version|count|algorithm|enabled|changed|expires|expiry|e?mail|phone|question|hint|policy|status|method|url"
    r"|label)$|(^|_)pin_?code$",
    re.I,
)
_TEXTS = ("text", "character varying", "character")


@dataclass(frozen=True)
class Column:
    """A column that holds secrets."""

    schema: str
    table: str
    name: str

    @property
    def title(self) -> str:
        """`users.password_hash`."""
        return f"{self.table}.{self.name}"

    @property
    def identifiers(self) -> dict[str, sql.Identifier]:
        """For a statement: `{table}` and `{column}`."""
        return {"table": sql.Identifier(self.schema, self.table), "column": sql.Identifier(self.name)}


def secret_values(dsn: str, named: Collection[str] = ()) -> dict[str, frozenset[str]]:
    """The values of each secret column (`"users.password_hash"`), those of at least `LENGTH_MIN`; nothing without a database.

    Args:
        named: further columns of the kind, as the target's file names them.

    Raises:
        TargetError: one of them is no column of text.
    """
    found: dict[str, frozenset[str]] = {}
    with _Reading(dsn) as reading:
        for column in reading.columns(named):
            values = reading.values(column)
            found.update({column.title: values} if values else {})
    return found


def empty_columns(dsn: str, named: Collection[str] = ()) -> tuple[str, ...]:
    """Titles of the secret columns in which some row has nothing: there a canary has room."""
    with _Reading(dsn) as reading:
        return tuple(column.title for column in reading.columns(named) if reading.has_room(column))
    return ()


def plant(dsn: str, seed: int, named: Collection[str] = (), spared: Collection[str] = ()) -> dict[str, frozenset[str]]:
    """Puts a canary where a secret column is empty; what every canary of a column begins with, by the column's title.

    No value is overwritten. A column that takes no such text (too short, a check, generated) is left as it is.

    Args:
        spared: usernames; a row in which one stands gets none.
    """
    planted: dict[str, frozenset[str]] = {}
    with _Reading(dsn) as reading:
        for column in reading.columns(named):
            mark = "k" + hashlib.sha256(f"{seed}:{column}".encode()).hexdigest()[: MARK_LENGTH - 1]
            if reading.fill(column, mark, spared):
                planted[column.title] = frozenset({mark})
    return planted


class _Reading:
    """A connection to the target's database. Leaving it forgives what the database refuses: what was read until then stands."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection | None = None

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if self._connection is not None:
            self._connection.close()
        return kind is not None and issubclass(kind, psycopg.Error)

    def columns(self, named: Collection[str]) -> tuple[Column, ...]:
        """The secret columns of text; none without a database."""
        texts = [Column(*entry[:3]) for entry in columns_of(self._dsn) if entry[3] in _TEXTS] if self._dsn else []
        unknown = sorted(set(named) - {column.title for column in texts}) if self._dsn else []
        if unknown:
            raise TargetError(
                f"secret_columns: {', '.join(unknown)} is no column of text in the database", hint="write table.column"
            )
        return tuple(column for column in texts if column.title in named or _is_named_so(column.name))

    def values(self, column: Column) -> frozenset[str]:
        statement = "SELECT DISTINCT {column} FROM {table} WHERE length({column}) >= {least} LIMIT {most}"
        rows = self._execute(statement, column, least=LENGTH_MIN, most=VALUES_MAX).fetchall()
        return frozenset(str(row[0]) for row in rows)

    def has_room(self, column: Column) -> bool:
        statement = "SELECT 1 FROM {table} WHERE {column} IS NULL OR {column} = '' LIMIT 1"
        return self._execute(statement, column).fetchone() is not None

    def fill(self, column: Column, mark: str, spared: Collection[str]) -> int:
        """How many rows have a canary now."""
        statement = (
            "UPDATE {table} SET {column} = {mark} || substr(md5(ctid::text), 1, {rest})"
            " WHERE ctid IN (SELECT ctid FROM {table} each WHERE ({column} IS NULL OR {column} = '')"
            " AND NOT EXISTS (SELECT 1 FROM unnest({spared}::text[]) name WHERE strpos(each::text, name) > 0) LIMIT {most})"
        )
        try:
            return self._execute(statement, column, mark=mark, rest=ROW_LENGTH, spared=list(spared), most=ROWS_MAX).rowcount
        except (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError, psycopg.OperationalError):
            return 0

    def _execute(self, statement: str, column: Column, **values: object) -> psycopg.Cursor:
        if self._connection is None:
            options = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={STATEMENT_TIMEOUT_MS}"
            self._connection = psycopg.connect(self._dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True, options=options)
        literals = {name: sql.Literal(value) for name, value in values.items()}
        return self._connection.execute(sql.SQL(statement).format(**column.identifiers, **literals))


def _is_named_so(name: str) -> bool:
    return bool(SECRET_NAME.search(name)) and not _ABOUT.search(name)
