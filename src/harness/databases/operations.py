"""What is done with the databases of a server: make one, freeze it as a template, clone it, drop it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from harness.databases.access import Access
from harness.databases.settings import RECORDED
from harness.model.errors import DatabaseError

CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 120  # a clone of a large template on a slow disk
_TERMINATE_TIMEOUT_S = 5.0
_TERMINATE_POLL_S = 0.01


class Databases:
    """The databases of one server, by SQL alone, so that any process that holds the `Access` can make its own clones.

    Safe to use from several threads; a fork opens a connection of its own.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = threading.RLock()
        self._connection: psycopg.Connection | None = None
        self._connection_pid = 0

    @property
    def admin_dsn(self) -> str:
        """Address of the maintenance database, for the administrator."""
        return self.access.admin_dsn()

    def dsn(self, database: str) -> str:
        """Address of a database, for the target."""
        return self.access.dsn(database)

    def create(self, database: str) -> str:
        """Makes an empty database that the target owns; its address.

        Raises:
            DatabaseError: it exists already, or the server refuses.
        """
        self._run("CREATE DATABASE {} OWNER {}", self._name(database), sql.Identifier(self.access.role))
        return self.dsn(database)

    def freeze(self, database: str) -> None:
        """Makes a database a template: statistics gathered, nobody connected, nobody can connect (a clone would wait 5 s).

        Raises:
            DatabaseError: a connection to it does not go away, or the server refuses.
        """
        with self.connect(database) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
        self._run("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true", self._name(database))
        self._terminate(database)
        with suppress(psycopg.errors.InsufficientPrivilege):
            self._admin().execute("CHECKPOINT")  # else the first clone pays for it

    def clone(self, template: str, name: str, *, recorded: bool = False, settings: Mapping[str, str] | None = None) -> str:
        """A copy of a template by copying its files (17 ms for 10,000 rows in memory); its address.

        Args:
            template: a frozen database.
            name: of the copy.
            recorded: whether its statements go to the server's log with their parameters.
            settings: further settings of the server for connections to this database alone.

        Raises:
            DatabaseError: the name is taken, the template is in use, or there is no room.
        """
        self._run(
            "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}",
            self._name(name),
            self._name(template),
            sql.Identifier(self.access.role),
        )
        self.configure(name, {**(RECORDED if recorded else {}), **(settings or {})})
        return self.dsn(name)

    def configure(self, database: str, settings: Mapping[str, str]) -> None:
        """Sets settings of the server for new connections to one database.

        Raises:
            DatabaseError: the server refuses one.
        """
        for key, value in settings.items():
            path = sql.SQL(".").join(sql.Identifier(part) for part in key.split("."))
            self._run("ALTER DATABASE {} SET {} = {}", self._name(database), path, sql.Literal(value))

    def drop(self, database: str) -> None:
        """Drops a database, a template too; who is connected is thrown out. One that does not exist is no error.

        Raises:
            DatabaseError: the server refuses.
        """
        statement = "SELECT datistemplate FROM pg_database WHERE datname = %s"
        with self._lock, self._refusals():
            row = self._admin().execute(statement, [self.access.physical(database)]).fetchone()
        if row and row[0]:
            self._run("ALTER DATABASE {} WITH IS_TEMPLATE false", self._name(database))
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._name(database))

    def replace(self, name: str, template: str, *, recorded: bool = False) -> str:
        """Puts a fresh clone under a name that a running target uses; its connections are cut and it has to reconnect."""
        self.drop(name)
        return self.clone(template, name, recorded=recorded)

    def names(self) -> tuple[str, ...]:
        """Physical names of the databases that are ours: those with the prefix; without one, all but the server's own."""
        statement = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY datname"
        with self._lock, self._refusals():
            rows = self._admin().execute(statement, [self.access.prefix]).fetchall()
        return tuple(name for (name,) in rows if name not in ("postgres", "template0", "template1", self.access.maintenance))

    @contextmanager
    def connect(self, database: str = "") -> Iterator[psycopg.Connection]:
        """The administrator's own connection to a database, closed at the end; every statement is its own transaction."""
        with self._refusals(), _connect(self.access.admin_dsn(database)) as connection:
            yield connection

    def close(self) -> None:
        """Closes the administrator's connection; the next operation opens another."""
        with self._lock:
            if self._connection is not None and self._connection_pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _terminate(self, database: str) -> None:
        """Ends every connection to a database and waits until they are gone; what the function says of each is not trusted."""
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        deadline = time.monotonic() + _TERMINATE_TIMEOUT_S
        while time.monotonic() < deadline:
            with self._lock, self._refusals():
                if not self._admin().execute(statement, [self.access.physical(database)]).fetchall():
                    return
            time.sleep(_TERMINATE_POLL_S)
        hint = "is a migration or a seed still running?"
        raise DatabaseError(f"database {database}: a connection does not end in {_TERMINATE_TIMEOUT_S:g} s", hint=hint)

    def _name(self, database: str) -> sql.Identifier:
        return sql.Identifier(self.access.physical(database))

    def _run(self, statement: str, *parts: sql.Composable) -> None:
        with self._lock, self._refusals():
            self._admin().execute(sql.SQL(statement).format(*parts))

    def _admin(self) -> psycopg.Connection:
        if self._connection_pid != os.getpid():
            self._connection = None  # a fork must leave its parent's connection alone
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = _connect(self.admin_dsn)
            self._connection_pid = os.getpid()
        return self._connection

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise DatabaseError(_first_line(error), hint=_hint(error)) from error


def _connect(dsn: str) -> psycopg.Connection:
    return psycopg.connect(
        dsn,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="harness",
        options=f"-c statement_timeout={STATEMENT_TIMEOUT_S * 1000}",
    )


def _first_line(error: psycopg.Error) -> str:
    text = str(error).strip() or type(error).__name__
    return f"the database server refused: {text.splitlines()[0]}"


def _hint(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.DiskFull):
        return "the server's storage is full; HARNESS_SHM=off places it on the disk"
    if isinstance(error, psycopg.errors.ObjectInUse):
        return "something is connected to it; only a frozen database can be cloned"
    if isinstance(error, psycopg.errors.DuplicateDatabase):
        return "each clone needs a name of its own"
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "the administrator's role needs CREATEDB"
    return ""
