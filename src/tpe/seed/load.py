"""Loads generated rows into an empty, migrated database."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import psycopg
from psycopg import sql

from tpe.auth.passwords import hash_password
from tpe.seed.bare import bare
from tpe.seed.copytext import Table
from tpe.seed.generator import TABLES, Hashes, generate
from tpe.seed.plan import SIZES

CONNECT_TIMEOUT_S: Final = 5
_Made = TypeVar("_Made")


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
    hashes = Hashes(hash_password(password), hash_password(secrets.token_urlsafe(32)))
    rows: dict[str, int] = {}
    try:
        with psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            _refuse_rows(connection)
            with bare(connection, TABLES):
                # Emptied in this transaction, so that the rows may go in frozen: no later pass has to visit them again.
                connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))
                for table in _made_ahead(generate(SIZES[size], seed, hashes)):
                    _copy(connection, table)
                    rows[table.name] = len(table)
            for name in TABLES:
                connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
    except psycopg.errors.UndefinedTable as error:
        raise SeedError("the database has no tables yet\nhint: tpe migrate up") from error
    except psycopg.OperationalError as error:
        raise SeedError(f"the database does not answer: {str(error).splitlines()[0]}") from error
    return SeedReport(rows, time.perf_counter() - started)


def _refuse_rows(connection: psycopg.Connection) -> None:
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM partners) OR EXISTS (SELECT 1 FROM admin_users) OR EXISTS (SELECT 1 FROM contractors)"
    ).fetchone()
    if found is None or found[0]:
        raise SeedError("the database already holds data; only an empty one is seeded\nhint: use a fresh database")


def _copy(connection: psycopg.Connection, table: Table) -> None:
    target = sql.SQL("COPY {} ({}) FROM STDIN (FREEZE)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column) for column in table.columns)
    )
    with connection.cursor() as cursor, cursor.copy(target) as copy:
        for chunk in _made_ahead(table.chunks()):
            copy.write(chunk)
    if "id" in table.columns:
        connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table.name, max(len(table), 1)))


def _made_ahead(made: Iterator[_Made]) -> Iterator[_Made]:
    """Give what is made, the next one being made while the server takes in the one before."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, made, None)
        while (one := coming.result()) is not None:
            coming = maker.submit(next, made, None)
            yield one
