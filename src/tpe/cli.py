"""The command line: ``tpe serve|migrate|seed|openapi|variables``.

Exit codes: 0 done, 1 it could not be done, 2 the command line or a setting is wrong. Answers go to standard output,
everything else to standard error.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import SecretStr, ValidationError

from tpe.settings import Settings

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
    _profile_argument(serve)
    serve.set_defaults(command=_serve)

    migrate = commands.add_parser("migrate", help="move the database's schema")
    _migrate_arguments(migrate)
    migrate.set_defaults(command=_migrate)

    sizes = "; ".join(size.description for size in SIZES.values())
    seed = commands.add_parser(
        "seed", help="fill an empty database with invented data", description=f"Fill an empty, migrated database. Sizes: {sizes}."
    )
    seed.add_argument("--size", choices=tuple(SIZES), default="small", help="how much (default: small)")
    seed.add_argument("--seed", type=int, default=1, help="the same number gives the same rows (default: 1)")
    _profile_argument(seed)
    seed.set_defaults(command=_seed)

    openapi = commands.add_parser("openapi", help="print the OpenAPI document as YAML")
    openapi.add_argument("--write", type=Path, metavar="FILE", help="write it to FILE instead")
    openapi.set_defaults(command=_openapi)

    variables = commands.add_parser("variables", help="print the table of all variables as Markdown")
    variables.add_argument("--write", type=Path, metavar="FILE", help="write it to FILE instead")
    variables.set_defaults(command=_variables)
    return parser


def _profile_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile", type=_file, metavar="FILE", help="variables that the environment may outrank, without secrets"
    )


def _migrate_arguments(parser: argparse.ArgumentParser) -> None:
    _profile_argument(parser)
    parser.add_argument(
        "action",
        choices=("up", "down", "history", "check", "sql", "schema"),
        help="up and down move the schema; history lists the revisions and why; check compares the database with this build;"
        " sql prints what a revision runs; schema prints what the database holds",
    )
    parser.add_argument(
        "revision", nargs="?", help="where to (default: up to head, down by one); for sql: of which (default: all)"
    )
    backup = parser.add_mutually_exclusive_group()
    backup.add_argument("--backup", type=Path, metavar="FOLDER", help="write the database to a file in FOLDER first")
    backup.add_argument("--without-backup", action="store_true", help="move the schema in production though no backup is taken")


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("must be between 0 and 65535")
    return port


def _serve(options: argparse.Namespace) -> int:
    from tpe.profiles import read_settings

    settings = read_settings(options.profile)  # before the rest is imported: a refusal comes at once
    gc.disable()
    from tpe.server import serve

    gc.freeze()  # what is imported lives as long as the process: looking for garbage in it costs a third of start and end
    gc.enable()
    port = settings.PORT if options.port is None else options.port
    try:
        return serve(settings, options.host, port)
    except OSError as error:
        raise CommandError(f"cannot listen on {options.host}:{port}: {error.strerror}") from error


def _migrate(options: argparse.Namespace) -> int:
    from tpe.migrations.commands import RefusedError, run
    from tpe.migrations.runner import MigrationError

    try:
        for line in run(options):
            print(line)
    except RefusedError as error:
        raise CommandError(str(error), WRONG) from error
    except MigrationError as error:
        raise CommandError(str(error)) from error
    return DONE


def _seed(options: argparse.Namespace) -> int:
    from tpe.profiles import read_database_settings
    from tpe.seed.load import SeedError, seed_database

    conninfo = read_database_settings(options.profile).database_conninfo
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
    return _print_or_write(text, options.write)


def _variables(options: argparse.Namespace) -> int:
    from tpe.variables import documented_variables

    return _print_or_write(documented_variables(), options.write)


def _print_or_write(text: str, path: Path | None) -> int:
    if path is None:
        print(text, end="")
    else:
        path.write_text(text, encoding="utf-8")
    return DONE
