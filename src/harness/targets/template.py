"""Makes the database that every clone is taken from: migrated and seeded once by the target's own commands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.redaction import redact
from harness.model.errors import PreflightError
from harness.model.target import Target
from harness.processes import ProcessError, keep
from harness.targets.live import environment, fill

COMMAND_TIMEOUT_S = 300.0
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
    """Runs the target's `migrate` and `seed` on an empty database; the seconds that each took.

    Raises:
        PreflightError: a command failed or took too long; the last lines of its log are quoted.
    """
    took: dict[str, float] = {}
    for name, command in (("migrate", target.commands.migrate), ("seed", target.commands.seed)):
        if command:
            started = time.monotonic()
            _run(target, name, fill(command, {"size": seeding.size, "seed": str(seeding.seed)}), seeding)
            took[name] = time.monotonic() - started
    return took


def _run(target: Target, name: str, command: list[str], seeding: Seeding) -> None:
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
