"""Makes the database that every clone is taken from: migrated and seeded once, by the target's own commands and SQL files."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from harness.evidence.redaction import redact
from harness.model.errors import PreflightError
from harness.model.target import Target
from harness.processes import ProcessError, keep
from harness.targets.accounts import account_sql, with_accounts
from harness.targets.live import environment, fill

COMMAND_TIMEOUT_S = 300.0
_CONNECT_TIMEOUT_S = 10
_LOG_LINES_QUOTED = 5


@dataclass(frozen=True)
class Seeding:
    """How a database is filled."""

    dsn: str = field(repr=False)
    size: str
    seed: int
    password: str = field(repr=False)
    folder: Path  # gets the logs


def fill_database(target: Target, seeding: Seeding) -> dict[str, float]:
    """Fills an empty database: schema files, `migrate`, seed files, `seed`, accounts by SQL; the seconds that each took.

    Accounts that sign up are not made here: they need the running target.

    Raises:
        PreflightError: a command failed or took too long (the last lines of its log are quoted), or a statement was refused.
    """
    took: dict[str, float] = {}
    for name, step in _steps(target, seeding):
        started = time.monotonic()
        step()
        took[name] = time.monotonic() - started
    return took


def _steps(target: Target, seeding: Seeding) -> Iterator[tuple[str, Callable[[], None]]]:
    commands, accounts = target.commands, account_sql(with_accounts(target, seeding.password), seeding.password)
    if target.schema_files:
        yield "schema", lambda: _run_files(target.schema_files, seeding.dsn)
    if commands.migrate:
        yield "migrate", lambda: run_command(target, "migrate", seeding)
    if target.seed_files:
        yield "seed files", lambda: _run_files(target.seed_files, seeding.dsn)
    if commands.seed:
        yield "seed", lambda: run_command(target, "seed", seeding)
    if accounts:
        yield "accounts", lambda: _run_texts(accounts, seeding.dsn)


def _run_files(files: Sequence[Path], dsn: str) -> None:
    try:
        texts = [(path.name, path.read_text(encoding="utf-8")) for path in files]
    except (OSError, UnicodeDecodeError) as error:
        raise PreflightError(f"an SQL file of the target cannot be read: {error}") from None
    _run_texts(texts, dsn)


def _run_texts(texts: Sequence[tuple[str, str]], dsn: str) -> None:
    """Runs each text, in a transaction of its own; it may hold many statements."""
    with psycopg.connect(
        dsn, connect_timeout=_CONNECT_TIMEOUT_S, options=f"-c statement_timeout={COMMAND_TIMEOUT_S:.0f}s"
    ) as one:
        for name, text in texts:
            try:
                one.execute(text.encode())
            except psycopg.Error as error:
                raise PreflightError(f"{name}: {redact(str(error).strip())}", hint=_hint_for(text)) from None
            one.commit()


def _hint_for(text: str) -> str:
    if re.search(r"^\\|^COPY .* FROM stdin", text, re.M):
        return "psql's own commands (\\connect, COPY … FROM stdin) are not understood: write the dump with pg_dump --inserts"
    return "it is run on the new, empty database, as the role that the target connects as"


def run_command(target: Target, name: str, seeding: Seeding) -> None:
    """Runs `migrate`, `seed` or `reset`.

    Raises:
        PreflightError: it failed or took too long; the last lines of its log are quoted.
    """
    command = fill(getattr(target.commands, name), {"size": seeding.size, "seed": str(seeding.seed)})
    seeding.folder.mkdir(parents=True, exist_ok=True)
    log = seeding.folder / f"{name}.log"
    extra: Mapping[str, str] = {target.password_variable: seeding.password} if target.password_variable else {}
    try:
        process = keep(command, folder=target.folder, log=log, environ=environment(target, "", seeding.dsn, extra))
    except ProcessError as error:
        raise PreflightError(f"{target.name}: {name}: {error.message}", hint="check commands in the target's file") from error
    ended = process.wait(COMMAND_TIMEOUT_S)
    code = process.stop()
    if not ended:
        raise PreflightError(f"{target.name}: {name} was not done in {COMMAND_TIMEOUT_S:g} s", hint=f"its log is {log}")
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_LOG_LINES_QUOTED:]
        raise PreflightError(f"{target.name}: {name} ended with {code}: {redact(' | '.join(lines))}", hint=" ".join(command))
