"""What a write did to the rows about one object, where the harness provides the database: a refusal may have written too.

A change counts only if it is the write's own: a value that was sent stands in a column of its name, the object's row is gone, or,
of a request without a body, its state is another one. Logs of refused requests, counters and clocks are none of that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from harness.probes.http.oracle import Change, leaves
from harness.probes.openapi.names import snake

ROWS_MAX = 200  # of one table; one with more rows about the object is left out
_CONNECT_TIMEOUT_S = 5
_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, t.typname, coalesce(a.attnum = ANY (i.indkey), false)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, a.attnum
"""
_REFERS = re.compile(r"(_id|_uuid|Id|Uuid)$")
_STATE = re.compile(r"delet|remov|activ|status|state|stage|archiv|cancel|clos|revok|void", re.I)
_WHOLE = (("int2", 2**15 - 1), ("int4", 2**31 - 1), ("int8", 2**63 - 1))
_TEXT = ("text", "varchar", "bpchar")


@dataclass(frozen=True)
class Table:
    """A table: its name as SQL has it and as people read it, its primary key, and type by column."""

    identifier: sql.Identifier
    name: str
    key: tuple[str, ...]
    kinds: Mapping[str, str]

    def naming(self, identity: Any) -> tuple[str, ...]:
        """The columns in which an identity may stand: the key, and those named as references."""
        fitting = _fitting(identity)
        single = self.key if len(self.key) == 1 else ()
        return tuple(
            column for column, kind in self.kinds.items() if kind in fitting and (column in single or _REFERS.search(column))
        )


@dataclass(frozen=True)
class Rows:
    """The rows about one object at one moment, by table and key; `own` are those that are the object itself.

    `unique` is false for a number: rows of other tables, about other objects, have it too.
    """

    by_key: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    own: frozenset[tuple[str, str]] = frozenset()
    unique: bool = True


def rows_about(dsn: str, identity: Any, table: str = "") -> Rows:
    """The rows whose key is this identity, and those that refer to it; none without a database, or where it cannot be read.

    Args:
        table: the objects' table, "" where nobody says; then the row of an object with a number is not known.
    """
    if not dsn or identity is None:
        return Rows()
    try:
        with psycopg.connect(dsn, connect_timeout=_CONNECT_TIMEOUT_S, autocommit=True) as connection:
            return _read(connection, _tables(dsn), identity, table)
    except psycopg.Error:
        return Rows()


def row_changes(before: Rows, after: Rows, body: Any) -> tuple[Change, ...]:
    """What a write with this body changed between the two moments (`leads.note: nothing → 'zq'`)."""
    sent = _sent(body)
    # What takes no values may take away what belongs to the object.
    watched = before.by_key.keys() if before.unique and not sent else before.own
    gone = [Change(f"the row {key} of {table}", "there", None) for table, key in sorted(watched - after.by_key.keys())]
    return (*gone, *_stored(before, after, sent), *(() if sent else _moved(before, after)))


def _stored(before: Rows, after: Rows, sent: Mapping[str, list[Any]]) -> Iterator[Change]:
    for place, row in after.by_key.items():
        earlier = before.by_key.get(place, {})
        for column, value in row.items():
            if value is not None and value != earlier.get(column) and value in sent.get(column.lower(), ()):
                yield Change(f"{place[0]}.{column}", earlier.get(column), value)


def _moved(before: Rows, after: Rows) -> Iterator[Change]:
    for place in sorted(before.own & after.own):
        for column, value in after.by_key[place].items():
            if _STATE.search(column) and value != before.by_key[place].get(column):
                yield Change(f"{place[0]}.{column}", before.by_key[place].get(column), value)


def _sent(body: Any) -> dict[str, list[Any]]:
    """The values that a body holds, by the column names that they may stand under."""
    found: dict[str, list[Any]] = defaultdict(list)
    for path, value in leaves(body) if isinstance(body, dict | list) else ():
        name = re.sub(r"\[\d*\]", "", path).rsplit(".", 1)[-1]
        for column in {name.lower(), snake(name)}:
            found[column].append(value)
    return dict(found)


def _fitting(identity: Any) -> tuple[str, ...]:
    """The types of columns that can hold an identity."""
    text = str(identity)
    if text.isdecimal():
        return (*(kind for kind, most in _WHOLE if int(text) <= most), *_TEXT)
    try:
        UUID(text)
    except ValueError:
        return _TEXT
    return ("uuid", *_TEXT)


@lru_cache(maxsize=8)
def _tables(dsn: str) -> tuple[Table, ...]:
    """Every table; they stay as they are while a target is examined."""
    kinds: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    with psycopg.connect(dsn, connect_timeout=_CONNECT_TIMEOUT_S, autocommit=True) as connection:
        for schema, table, column, kind, in_key in connection.execute(_COLUMNS).fetchall():
            kinds[schema, table][column] = kind
            keys[schema, table] += [column] if in_key else []
    return tuple(Table(sql.Identifier(*place), place[1], tuple(keys[place]), found) for place, found in kinds.items())


def _read(connection: psycopg.Connection, tables: tuple[Table, ...], identity: Any, own_table: str) -> Rows:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    own: set[tuple[str, str]] = set()
    unique = not str(identity).isdecimal()
    for table in tables:
        naming = table.naming(identity)
        if not table.key or not naming:
            continue
        rows = _rows(connection, table, naming, str(identity))
        if len(rows) > ROWS_MAX:
            continue
        for row in rows:
            place = (table.name, "/".join(str(row[column]) for column in table.key))
            found[place] = row
            if place[1] == str(identity) and (table.name == own_table if own_table else unique):
                own.add(place)
    return Rows(found, frozenset(own), unique)


def _rows(connection: psycopg.Connection, table: Table, naming: tuple[str, ...], identity: str) -> list[dict[str, Any]]:
    matches = sql.SQL(" OR ").join(
        sql.SQL("{} = {}::{}").format(sql.Identifier(column), sql.Literal(identity), sql.SQL(table.kinds[column]))
        for column in naming
    )
    statement = sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE {} LIMIT {}").format(
        table.identifier, matches, sql.Literal(ROWS_MAX + 1)
    )
    return [row[0] for row in connection.execute(statement).fetchall()]
