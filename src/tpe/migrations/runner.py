"""Runs and lists the revisions from Python: what ``tpe migrate`` calls."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

CONNECT_TIMEOUT_S: Final = 5
LOCK_ATTEMPTS: Final = 40
LOCK_PAUSE_S: Final = 0.5
"""A revision that does not get its lock within LOCK_TIMEOUT (online.py) gives way for this long, then tries again."""
MIGRATION_LOCK: Final = 4_120_117
"""Key of the advisory lock that keeps two migrations of one database apart."""


class MigrationError(Exception):
    """A migration that could not be done; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RevisionInfo:
    """A revision in the order of application: its id and its written description (first line and rest)."""

    revision: str
    summary: str
    description: str


@contextmanager
def _connection(conninfo: str) -> Iterator[Connection]:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S), poolclass=NullPool
    )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _config(connection: Connection | None = None, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output)
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(conninfo: str, revision: str = "head") -> str:
    """Apply revisions up to ``revision`` (an id, ``head`` or ``+n``); give the one that the database is at then.

    Each revision is applied whole or not at all, those that build indexes beside the traffic excepted: these may be run
    again. MigrationError when another migration runs, or a lock is not to be had in LOCK_ATTEMPTS.
    """
    with _alone(conninfo) as connection:
        return _move(connection, lambda: command.upgrade(_config(connection), revision))


def downgrade(conninfo: str, revision: str = "-1") -> str:
    """Take revisions back down to ``revision`` (an id, ``base`` or ``-n``); as ``upgrade`` otherwise."""
    with _alone(conninfo) as connection:
        return _move(connection, lambda: command.downgrade(_config(connection), revision))


@contextmanager
def _alone(conninfo: str) -> Iterator[Connection]:
    with _connection(conninfo) as connection:
        held = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({MIGRATION_LOCK})").scalar_one()
        connection.commit()
        if not held:
            raise MigrationError("another migration of this database is running\nhint: wait for it, then: tpe migrate check")
        yield connection  # the lock goes with the connection


def _move(connection: Connection, work: Callable[[], None]) -> str:
    for _ in range(LOCK_ATTEMPTS):
        try:
            work()
        except OperationalError as error:
            connection.rollback()
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            threading.Event().wait(LOCK_PAUSE_S)
        else:
            return _current(connection) or "base"
    raise MigrationError(
        f"a revision did not get its lock in {LOCK_ATTEMPTS} attempts; nothing of it is applied\n"
        "hint: end the long transaction that holds it (pg_stat_activity), then run the same again"
    )


def upgrade_sql(revision: str) -> str:
    """Give the SQL that brings a database from the revision before ``revision`` to it."""
    script = ScriptDirectory.from_config(_config()).get_revision(revision)
    output = io.StringIO()
    command.upgrade(_config(output=output), f"{script.down_revision or 'base'}:{script.revision}", sql=True)
    return output.getvalue()


def current(conninfo: str) -> str:
    """Give the revision that the database is at, ``base`` when there is none."""
    with _connection(conninfo) as connection:
        return _current(connection) or "base"


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Give the newest revision that this build knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or "base"


def history() -> list[RevisionInfo]:
    """Give every revision with its description, oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    found = [RevisionInfo(s.revision, s.doc, (s.longdoc or s.doc).strip()) for s in scripts]
    return found[::-1]
