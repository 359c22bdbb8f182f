"""A PostgreSQL server with databases of ours in it: create, freeze as a template, clone in milliseconds, drop.

Two roles: `harness` is a superuser and ours; `target` owns the databases and is what a platform under test gets, so that
it has the rights that it would have in production and no more. The target's password is derived from ours.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, LiteralString
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from harness.evidence.redaction import remember_secret

Provider = Literal["docker", "embedded", "external"]

OWN_ROLE = "harness"
TARGET_ROLE = "target"
CONNECT_TIMEOUT_S = 10
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_FILE_COPY = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY")
_BEFORE_15 = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")


@dataclass(frozen=True)
class DatabaseServer:
    """A running server. `notes` are things that the reader of a report should know, such as that the disk was used."""

    provider: Provider
    version: str
    location: str
    admin_dsn: str = field(repr=False)
    notes: tuple[str, ...] = ()

    def create(self, name: str) -> str:
        """Makes an empty database that the target's role owns; its address for the target."""
        with admin(self.admin_dsn) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(_checked(name)), sql.Identifier(TARGET_ROLE))
            )
        return target_dsn(self.admin_dsn, name)

    def freeze(self, name: str) -> None:
        """Makes a database a template: nobody may connect to it any more (one connection would block every clone for 5 s)."""
        with admin(self.admin_dsn) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true").format(sql.Identifier(name))
            )


@contextmanager
def admin(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection of ours, each statement its own transaction."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        yield connection


def clone_database(admin_dsn: str, template: str, name: str) -> str:
    """Copies a frozen database; the copy's address for the target.

    The files are copied one by one (`STRATEGY FILE_COPY`, 17 ms for a small database on /dev/shm), not through the log (34 ms).
    """
    with admin(admin_dsn) as connection:
        statement = _FILE_COPY if connection.info.server_version >= 150_000 else _BEFORE_15
        names = (sql.Identifier(_checked(name)), sql.Identifier(template), sql.Identifier(TARGET_ROLE))
        connection.execute(statement.format(*names))
    return target_dsn(admin_dsn, name)


def drop_database(admin_dsn: str, name: str) -> None:
    """Drops a database with whoever is connected to it; one that is not there is fine."""
    with admin(admin_dsn) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def set_up_roles(dsn: str, password: str) -> None:
    """Gives our own role its password and makes the target's role; `dsn` is any superuser's."""
    remember_secret(password)
    remember_secret(_derived(password))
    with admin(dsn) as connection:
        for role, rights, secret in (
            (OWN_ROLE, "SUPERUSER LOGIN", password),
            (TARGET_ROLE, "NOSUPERUSER NOCREATEDB NOCREATEROLE LOGIN", _derived(password)),
        ):
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            verb: LiteralString = "ALTER" if exists else "CREATE"
            connection.execute(
                sql.SQL(verb + " ROLE {} " + _rights(rights) + " PASSWORD {}").format(sql.Identifier(role), sql.Literal(secret))
            )


def _rights(rights: LiteralString) -> LiteralString:
    return rights


def target_dsn(admin_dsn: str, name: str) -> str:
    """The address of a database for the target's own role."""
    parts = urlsplit(admin_dsn)
    password = _derived(unquote(parts.password or ""))
    return urlunsplit((parts.scheme, f"{TARGET_ROLE}:{password}@{_address(parts.netloc)}", f"/{name}", parts.query, ""))


def own_dsn(admin_dsn: str, name: str) -> str:
    """The address of a database for our own role."""
    parts = urlsplit(admin_dsn)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def _address(netloc: str) -> str:
    return netloc.rpartition("@")[2]


def _derived(password: str) -> str:
    return hashlib.sha256(f"{password}/{TARGET_ROLE}".encode()).hexdigest()[:32]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a database of ours: {_NAME.pattern}")
    return name
