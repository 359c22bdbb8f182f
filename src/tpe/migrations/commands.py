"""``tpe migrate``: what each of its actions does and prints."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from typing import Final

import psycopg
from alembic.util import CommandError as RevisionError
from sqlalchemy.exc import SQLAlchemyError

from tpe.migrations import runner
from tpe.migrations.backup import take_backup
from tpe.migrations.runner import CONNECT_TIMEOUT_S, MigrationError
from tpe.migrations.schema import differences, model, read_schema
from tpe.profiles import read_database_settings
from tpe.settings import DatabaseSettings

DIFFERENCES_SHOWN_MAX: Final = 20
WIDTH: Final = 120
INDENT: Final = " " * 7


class RefusedError(Exception):
    """The command line asks for what must not be done."""


def run(options: argparse.Namespace) -> Iterator[str]:
    """Do the action and give what to print; MigrationError when it cannot be done, RefusedError when it must not."""
    if options.action == "history":
        yield from _history()
    elif options.action == "sql":
        yield from _sql(options.revision)
    else:
        yield from _on_database(options, read_database_settings(options.profile))


def _on_database(options: argparse.Namespace, settings: DatabaseSettings) -> Iterator[str]:
    conninfo = settings.database_conninfo
    try:
        if options.action == "check":
            yield from _check(conninfo)
        elif options.action == "schema":
            yield from _schema(conninfo)
        else:
            yield from _back_up(options, settings)
            move = runner.upgrade if options.action == "up" else runner.downgrade
            yield move(conninfo, options.revision or ("head" if options.action == "up" else "-1"))
    except RevisionError as error:
        raise RefusedError(str(error)) from error
    except (SQLAlchemyError, psycopg.Error) as error:
        raise MigrationError(f"the database refused: {str(error).splitlines()[0]}") from error


def _back_up(options: argparse.Namespace, settings: DatabaseSettings) -> Iterator[str]:
    if options.backup is not None:
        at = runner.current(settings.database_conninfo)
        yield f"backup {take_backup(settings.database_conninfo, options.backup, at)}"
    elif settings.NODE_ENV == "production" and not options.without_backup:
        raise RefusedError(
            "in production a backup comes first; nothing was migrated\n"
            "hint: --backup FOLDER, or --without-backup when another backup was just taken"
        )


def _history() -> Iterator[str]:
    for item in runner.history():
        yield f"{item.revision}  {item.summary}"
        for paragraph in item.description.split("\n\n")[1:]:
            yield textwrap.fill(paragraph, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _sql(revision: str | None) -> Iterator[str]:
    known = [item.revision for item in runner.history()]
    if revision is not None and revision not in known:
        raise RefusedError(f"there is no revision {revision}; this build knows {', '.join(known)}")
    for name in [revision] if revision else known:
        yield runner.upgrade_sql(name)


def _schema(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        return read_schema(connection)


def _check(conninfo: str) -> Iterator[str]:
    current, head = runner.current(conninfo), runner.head()
    yield f"database {current}, build {head}"
    if current != head:
        raise MigrationError("the database is not at this build's revision\nhint: tpe migrate up")
    if drift := differences(model(), _schema(conninfo)):
        shown = "\n  ".join(drift[:DIFFERENCES_SHOWN_MAX])
        raise MigrationError(
            f"the database is not what the revisions make, in {len(drift)} places:\n  {shown}\n"
            "hint: put it right by hand, or, after a new revision: tpe migrate schema > src/tpe/migrations/schema.txt"
        )
    yield "no drift"
