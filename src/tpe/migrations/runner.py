"""Runs and lists the revisions from Python: what ``tpe migrate`` calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

CONNECT_TIMEOUT_S = 5


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


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(conninfo: str, revision: str = "head") -> str:
    """Apply revisions up to ``revision`` (an id, ``head`` or ``+n``); give the one that the database is at then."""
    with _connection(conninfo) as connection:
        command.upgrade(_config(connection), revision)
        return _current(connection) or "base"


def downgrade(conninfo: str, revision: str = "-1") -> str:
    """Take revisions back down to ``revision`` (an id, ``base`` or ``-n``); give the one that the database is at then."""
    with _connection(conninfo) as connection:
        command.downgrade(_config(connection), revision)
        return _current(connection) or "base"


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
