"""The command line: ``tpe serve|migrate|seed|openapi``.

Exit codes: 0 done, 1 it could not be done, 2 the command line or a setting is wrong. Answers go to standard output,
everything else to standard error.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import SecretStr, ValidationError

from tpe.settings import DatabaseSettings, Settings

DONE, FAILED, WRONG = 0, 1, 2
SEED_PASSWORD_VARIABLE = "TPE_SEED_PASSWORD"


class CommandError(Exception):
    """A command that could not be done; the text is for the one who typed it."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def run() -> None:
    """Parse the command line, do it, exit."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` say; give the exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ValidationError as error:
        print("tpe: settings are missing or wrong:", file=sys.stderr)
        for item in error.errors(include_input=False, include_url=False):
            print(f"  {'.'.join(str(part) for part in item['loc'])}: {item['msg']}", file=sys.stderr)
        print("hint: set them in the environment", file=sys.stderr)
        return WRONG
    except CommandError as error:
        print(f"tpe: {error}", file=sys.stderr)
        return error.code


def _parser() -> argparse.ArgumentParser:
    from tpe.seed.plan import SIZES

    parser = argparse.ArgumentParser(prog="tpe", description="The reference platform of The Power100 Experience.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve the API and the pages until SIGTERM")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=_port, help="port to listen on, 0 for a free one (default: PORT)")
    serve.set_defaults(command=_serve)

    migrate = commands.add_parser("migrate", help="move the database's schema")
    migrate.add_argument("action", choices=("up", "down", "history", "check"))
    migrate.add_argument("revision", nargs="?", help="where to (default: up to head, down by one)")
    migrate.set_defaults(command=_migrate)

    sizes = "; ".join(size.description for size in SIZES.values())
    seed = commands.add_parser(
        "seed", help="fill an empty database with invented data", description=f"Fill an empty, migrated database. Sizes: {sizes}."
    )
    seed.add_argument("--size", choices=tuple(SIZES), default="small", help="how much (default: small)")
    seed.add_argument("--seed", type=int, default=1, help="the same number gives the same rows (default: 1)")
    seed.set_defaults(command=_seed)

    openapi = commands.add_parser("openapi", help="print the OpenAPI document as YAML")
    openapi.add_argument("--write", type=Path, metavar="FILE", help="write it to FILE instead")
    openapi.set_defaults(command=_openapi)
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("must be between 0 and 65535")
    return port


def _serve(options: argparse.Namespace) -> int:
    from tpe.server import serve

    settings = Settings()  # type: ignore[call-arg]  # the environment gives what is missing
    port = settings.PORT if options.port is None else options.port
    try:
        return serve(settings, options.host, port)
    except OSError as error:
        raise CommandError(f"cannot listen on {options.host}:{port}: {error.strerror}") from error


def _migrate(options: argparse.Namespace) -> int:
    from alembic.util import CommandError as RevisionError
    from sqlalchemy.exc import SQLAlchemyError

    from tpe.migrations import runner

    if options.action == "history":
        for item in runner.history():
            print(f"{item.revision}  {item.summary}")
        return DONE
    conninfo = DatabaseSettings().database_conninfo
    try:
        if options.action == "check":
            return _migrate_check(runner.current(conninfo), runner.head())
        if options.action == "up":
            print(runner.upgrade(conninfo, options.revision or "head"))
        else:
            print(runner.downgrade(conninfo, options.revision or "-1"))
    except RevisionError as error:
        raise CommandError(str(error), WRONG) from error
    except SQLAlchemyError as error:
        raise CommandError(f"the database refused: {str(error).splitlines()[0]}") from error
    return DONE


def _migrate_check(current: str, head: str) -> int:
    print(f"database {current}, build {head}")
    if current != head:
        raise CommandError("the database is not at this build's revision\nhint: tpe migrate up")
    return DONE


def _seed(options: argparse.Namespace) -> int:
    from tpe.seed.load import SeedError, seed_database

    conninfo = DatabaseSettings().database_conninfo
    password = os.environ.get(SEED_PASSWORD_VARIABLE, "")
    if not password:
        raise CommandError(f"{SEED_PASSWORD_VARIABLE} is not set: it becomes the password of the demo accounts", WRONG)
    try:
        report = seed_database(conninfo, size=options.size, seed=options.seed, password=password)
    except SeedError as error:
        raise CommandError(str(error)) from error
    for table, rows in report.rows.items():
        print(f"{table:<28}{rows:>9,}")
    print(f"{'seconds':<28}{report.seconds:>9.2f}")
    return DONE


def _openapi(options: argparse.Namespace) -> int:
    from tpe.app import create_app
    from tpe.infra.documentation import document_text, served_document

    # The document depends on no setting; the key signs nothing and is gone with the process.
    text = document_text(served_document(create_app(Settings(JWT_SECRET=SecretStr(secrets.token_urlsafe(48))))))
    if options.write is None:
        print(text, end="")
    else:
        options.write.write_text(text, encoding="utf-8")
    return DONE
