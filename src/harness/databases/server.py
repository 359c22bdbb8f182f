"""A database server that the harness may use, whoever provides it."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from harness.databases.access import Access
from harness.databases.operations import Databases
from harness.evidence.redaction import remember_secret

ADMIN = "postgres"
ROLE = "target"
_PASSWORD_BYTES = 24


class DatabaseServer(Databases):
    """A running server. Use it as a context manager: at its end nothing of it is left.

    Attributes:
        provider: `docker`, `embedded` or `external`.
        version: of the server, such as `18.6`.
        location: where its data is: `/dev/shm`, `disk`, `container <id>`, `<host>:<port>`.
        notes: what a reader of the report should know.
        log_path: its JSON log; `None` where it cannot be read from here.
    """

    provider: str

    def __init__(self, access: Access, *, version: str, location: str, notes: tuple[str, ...], log_path: Path | None) -> None:
        super().__init__(access)
        self.version = version
        self.location = location
        self.notes = notes
        self.log_path = log_path

    @abstractmethod
    def stop(self) -> None:
        """Ends the server (or our use of it); its data is gone. Stopping twice is no error."""

    @abstractmethod
    def pause(self) -> None:
        """Freezes the server in the middle of whatever it does; connections stay open and get no answer."""

    @abstractmethod
    def resume(self) -> None:
        """Lets a paused server go on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def new_password() -> str:
    """A password for one run, known to the redaction from now on."""
    password = secrets.token_hex(_PASSWORD_BYTES)
    remember_secret(password)
    return password


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Gives a role a password, making it where it does not exist; what the server sees and records is a verifier only."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    rights = sql.SQL(
        "ALTER ROLE {} PASSWORD {}" if exists else "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}"
    )
    connection.execute(rights.format(sql.Identifier(role), sql.Literal(verifier)))


def prepare_roles(connection: psycopg.Connection, access: Access) -> None:
    """Gives the administrator the password of this run, and makes the role of the target, which is no superuser."""
    set_password(connection, access.admin, access.admin_password)
    set_password(connection, access.role, access.role_password)


def server_version(connection: psycopg.Connection) -> str:
    """The version as people write it: `18.6`."""
    number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"
