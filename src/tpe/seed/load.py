"""Loads generated rows into an empty, migrated database."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from tpe.auth.passwords import hash_password
from tpe.seed.generator import Hashes, Table, generate
from tpe.seed.plan import SIZES

CONNECT_TIMEOUT_S: Final = 5
ROWS_PER_WRITE: Final = 10_000


class SeedError(Exception):
    """The database cannot be seeded; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """How many rows went into each table, and how long all of it took in seconds."""

    rows: dict[str, int]
    seconds: float


def seed_database(conninfo: str, *, size: str, seed: int, password: str) -> SeedReport:
    """Fill an empty database in one transaction; SeedError when it is not empty, not migrated or away.

    ``password`` becomes that of the demo accounts (tpe.seed.plan); all other accounts share one that nobody knows.
    """
    if seed < 0:
        raise SeedError("the seed must not be negative")
    started = time.perf_counter()
    tables = generate(SIZES[size], seed, Hashes(hash_password(password), hash_password(secrets.token_urlsafe(32))))
    try:
        with psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            _refuse_rows(connection)
            for table in tables:
                _copy(connection, table)
            connection.commit()
            for table in tables:
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.name)))
    except psycopg.errors.UndefinedTable as error:
        raise SeedError("the database has no tables yet\nhint: tpe migrate up") from error
    except psycopg.OperationalError as error:
        raise SeedError(f"the database does not answer: {str(error).splitlines()[0]}") from error
    return SeedReport({table.name: len(table.lines) for table in tables}, time.perf_counter() - started)


def _refuse_rows(connection: psycopg.Connection) -> None:
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM partners) OR EXISTS (SELECT 1 FROM admin_users) OR EXISTS (SELECT 1 FROM contractors)"
    ).fetchone()
    if found is None or found[0]:
        raise SeedError("the database already holds data; only an empty one is seeded\nhint: use a fresh database")


def _copy(connection: psycopg.Connection, table: Table) -> None:
    target = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column) for column in table.columns)
    )
    with connection.cursor() as cursor, cursor.copy(target) as copy:
        for start in range(0, len(table.lines), ROWS_PER_WRITE):
            copy.write("\n".join(table.lines[start : start + ROWS_PER_WRITE]) + "\n")
    connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table.name, max(len(table.lines), 1)))
