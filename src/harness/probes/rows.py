"""Values that no answer may carry, read from the target's database where the harness provides it: of columns named so."""

from __future__ import annotations

import re

import psycopg
from psycopg import sql

VALUES_MAX = 500  # of one column
LENGTH_MIN = 8  # a shorter text may stand anywhere
_CONNECT_TIMEOUT_S = 5
_SECRET = re.compile(
    r"passw(or)?d|pass_?hash|pwd|(^|_)salt($|_)|secret|(^|_)(otp|totp|mfa|pin|cvv|cvc|ssn)($|_)|code_hash|reset_token|recovery"
    r"|private_key|card_number|social_security",
    re.I,
)
_ABOUT = re.compile(r"_(at|on|id|type|version|count|algorithm|enabled|changed|expires|expiry)$", re.I)
_COLUMNS = """
SELECT c.table_schema, c.table_name, c.column_name
FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema')
  AND c.data_type IN ('text', 'character varying', 'character')
"""


def secret_values(dsn: str) -> dict[str, frozenset[str]]:
    """The values of each column that is named like a secret (`"users.password_hash"`); nothing without a database.

    A name that says something about a secret (`password_changed_at`) is none; a value shorter than `LENGTH_MIN` is left out.
    """
    if not dsn:
        return {}
    found: dict[str, frozenset[str]] = {}
    try:
        with psycopg.connect(dsn, connect_timeout=_CONNECT_TIMEOUT_S, autocommit=True) as connection:
            for schema, table, column in connection.execute(_COLUMNS).fetchall():
                if _SECRET.search(column) and not _ABOUT.search(column):
                    values = _values(connection, sql.Identifier(schema, table), sql.Identifier(column))
                    found.update({f"{table}.{column}": values} if values else {})
    except psycopg.Error:
        return found  # what could be read
    return found


def _values(connection: psycopg.Connection, table: sql.Identifier, column: sql.Identifier) -> frozenset[str]:
    statement = sql.SQL("SELECT DISTINCT {column} FROM {table} WHERE length({column}) >= {least} LIMIT {most}").format(
        column=column, table=table, least=sql.Literal(LENGTH_MIN), most=sql.Literal(VALUES_MAX)
    )
    return frozenset(str(row[0]) for row in connection.execute(statement).fetchall())
