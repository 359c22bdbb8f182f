"""A server that the user names: we make databases and roles of ours in it, and take them away at the end."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from harness.databases.server import OWN_ROLE, TARGET_ROLE, DatabaseServer, admin, set_up_roles
from harness.model.errors import PreflightError

DSN_VARIABLE = "HARNESS_POSTGRES_DSN"


@contextmanager
def external_server(dsn: str) -> Iterator[DatabaseServer]:
    """The server at `dsn` (a superuser's address). Databases that were there before are not touched.

    Raises:
        PreflightError: no address was given, it does not answer, or it is not a superuser's.
    """
    if not dsn:
        raise PreflightError("no address of an external PostgreSQL", hint=f"export {DSN_VARIABLE}=postgresql://…")
    before, version = _look(dsn)
    password = secrets.token_hex(16)
    set_up_roles(dsn, password)
    parts = urlsplit(dsn)
    ours = urlunsplit((parts.scheme, f"{OWN_ROLE}:{password}@{parts.netloc.rpartition('@')[2]}", parts.path, parts.query, ""))
    try:
        yield DatabaseServer("external", version, parts.hostname or "socket", ours)
    finally:
        _clean(dsn, before)


def _look(dsn: str) -> tuple[frozenset[str], str]:
    try:
        with admin(dsn) as connection:
            row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
            if not row or not row[0]:
                raise PreflightError("the external PostgreSQL's user is no superuser", hint="databases and roles are made there")
            version = connection.execute("SHOW server_version").fetchone()
            return _databases(connection), str(version[0]).split()[0] if version else "unknown"
    except psycopg.OperationalError as error:
        raise PreflightError(f"the external PostgreSQL does not answer: {error}", hint=f"check {DSN_VARIABLE}") from error


def _databases(connection: psycopg.Connection) -> frozenset[str]:
    return frozenset(row[0] for row in connection.execute("SELECT datname FROM pg_database"))


def _clean(dsn: str, before: frozenset[str]) -> None:
    with admin(dsn) as connection:
        mine = connection.execute(
            "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = %s", (TARGET_ROLE,)
        )
        for name in sorted({row[0] for row in mine} - before):
            connection.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE false").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (TARGET_ROLE, OWN_ROLE):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
