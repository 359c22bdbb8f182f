"""What a database holds, in forms that can be compared: its schema as PostgreSQL dumps it, its rows as sums by column."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from harness.databases.binaries import find_binaries

PROGRAM_TIMEOUT_S = 60
RUNTIME_ONLY = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")
BOOKKEEPING = "alembic_version"

Sums = dict[str, dict[str, tuple[int, int]]]
"""Of each table, of each column: how many rows, and a sum over their values that changes with any of them."""


def programs() -> Path:
    """The folder of PostgreSQL's own programs."""
    return find_binaries().bin


def run_program(name: str, dsn: str, *arguments: str) -> str:
    """Runs `pg_dump` or `pg_restore` on a database; the password stays off the command line."""
    environ = {**os.environ, "PGPASSWORD": str(conninfo_to_dict(dsn).get("password") or "")}
    command = [str(programs() / name), f"--dbname={make_conninfo(dsn, password=None)}", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PROGRAM_TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stderr[-400:]}"
    return done.stdout


def schema(dsn: str) -> str:
    """The schema as `pg_dump` writes it, without what differs from one dump to the next."""
    dumped = run_program("pg_dump", dsn, "--schema-only", "--no-owner", f"--exclude-table={BOOKKEEPING}")
    return "\n".join(line for line in dumped.splitlines() if line and not line.startswith(RUNTIME_ONLY))


def sums(connection: psycopg.Connection[Any]) -> Sums:
    """The rows of every table by column."""
    found: dict[str, list[str]] = {}
    columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    for table, column in connection.execute(columns).fetchall():
        if table != BOOKKEEPING:
            found.setdefault(table, []).append(column)
    return {table: _sums_of(connection, table, names) for table, names in found.items()}


def _sums_of(connection: psycopg.Connection[Any], table: str, columns: list[str]) -> dict[str, tuple[int, int]]:
    key = _key(connection, table)
    parts = [
        sql.SQL("sum(hashtextextended(concat_ws('|', {key}, {column}::text), 0)::numeric)").format(
            key=key, column=sql.Identifier(column)
        )
        for column in columns
    ]
    statement = sql.SQL("SELECT count(*), {} FROM {}").format(sql.SQL(", ").join(parts), sql.Identifier(table))
    row = connection.execute(statement).fetchone()
    assert row is not None
    return {column: (int(row[0]), int(value or 0)) for column, value in zip(columns, row[1:], strict=True)}


def _key(connection: psycopg.Connection[Any], table: str) -> sql.Composable:
    statement = (
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY a.attname"
    )
    names = [name for (name,) in connection.execute(statement, (table,)).fetchall()]
    assert names, f"{table} has no primary key, so its rows cannot be compared"
    return sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)


def common(one: Sums, other: Sums) -> tuple[Sums, Sums]:
    """Both, with the tables and columns alone that both have."""
    tables = one.keys() & other.keys()
    columns = {table: one[table].keys() & other[table].keys() for table in tables}
    return tuple({t: {c: side[t][c] for c in columns[t]} for t in tables} for side in (one, other))  # type: ignore[return-value]


def empty(connection: psycopg.Connection[Any]) -> None:
    """Takes everything out of a database."""
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")


def revision_number(revision: str) -> int:
    """The number in a revision's id, 0 for the empty database."""
    found = re.search(r"(\d+)", revision)
    return int(found[1]) if found else 0
