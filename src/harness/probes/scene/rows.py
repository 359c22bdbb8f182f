"""What stands in the target's rows, where the harness provides its database.

Whether a value that was sent came to stand in a column of its name, and which columns stand beside those of given members.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

from harness.probes.openapi.names import snake

CONNECT_TIMEOUT_S = 5
SECRET_NAME = re.compile(
    r"passw(or)?d|pass_?hash|pwd|(^|_)salt($|_)|secret|(^|_)(otp|totp|mfa|pin|cvv|cvc|ssn)($|_)|code_hash|reset_token|recovery"
    r"|private_key|card_number|social_security",
    re.I,
)
_OWN = re.compile(rf"^(id|uuid)$|_(id|at|on)$|^(created|updated|version|deleted)|{SECRET_NAME.pattern}", re.I)
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_COLUMNS = """
SELECT c.table_schema, c.table_name, c.column_name, c.data_type
FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
"""


@lru_cache(maxsize=8)
def columns_of(dsn: str) -> tuple[tuple[str, str, str, str], ...]:
    """Schema, table, name and type of every column; a target's tables stay as they are while it is examined."""
    with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
        return tuple(connection.execute(_COLUMNS).fetchall())


def standing(dsn: str, members: Mapping[str, Any]) -> dict[str, int]:
    """How many rows hold a member's value in a column of its name (`creditLimit`: `credit_limit` too), over all tables.

    A member without such a column is left out; all are without a database.
    """
    if not dsn or not members:
        return {}
    given = [(name, value) for name, value in members.items() if value is not None]
    wanted = {snake(name): (name, value) for name, value in given}
    wanted.update({name.lower(): (name, value) for name, value in given})  # whose own name it is comes first
    found: dict[str, int] = {}
    try:
        columns = [entry for entry in columns_of(dsn) if entry[2].lower() in wanted]
        if not columns:
            return {}
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
            for schema, table, column, kind in columns:
                name, value = wanted[column.lower()]
                where = sql.Identifier(schema, table), sql.Identifier(column)
                found[name] = found.get(name, 0) + _holding(connection, *where, kind, value)
    except psycopg.Error:
        return {}
    return found


def _holding(connection: psycopg.Connection, table: sql.Identifier, column: sql.Identifier, kind: str, value: Any) -> int:
    written = str(value).lower() if isinstance(value, bool) else str(value)
    is_amount = kind == "numeric" and _NUMBER.fullmatch(written)  # 77 stands there as 77.00
    equals = "{column} = {value}::numeric" if is_amount else "{column}::text = {value}"
    statement = sql.SQL("SELECT count(*) FROM {table} WHERE " + equals).format(
        table=table, column=column, value=sql.Literal(written)
    )
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def tables_beside(dsn: str, members: Collection[str]) -> dict[tuple[str, str], dict[str, str]]:
    """Tables with columns for two of these members, or for the only one: by schema and name, the types of their columns."""
    wanted = {snake(name) for name in members}
    if not dsn or not wanted:
        return {}
    tables: dict[tuple[str, str], dict[str, str]] = {}
    try:
        for schema, table, column, kind in columns_of(dsn):
            tables.setdefault((schema, table), {})[column] = kind
    except psycopg.Error:
        return {}
    least = min(2, len(wanted))
    return {name: columns for name, columns in tables.items() if len(wanted & {each.lower() for each in columns}) >= least}


def columns_beside(dsn: str, members: Collection[str]) -> dict[str, str]:
    """Columns, with their types, of the tables that have columns for these members (see `tables_beside`).

    Keys, times, secrets and the members themselves are left out; nothing without a database.
    """
    wanted = {snake(name) for name in members}
    found: dict[str, str] = {}
    for columns in tables_beside(dsn, members).values():
        found.update({name: kind for name, kind in columns.items() if name.lower() not in wanted and not _OWN.search(name)})
    return found


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> frozenset[str]:
    """The members whose value stands in more rows than before."""
    return frozenset(name for name, count in after.items() if count > before.get(name, count))
