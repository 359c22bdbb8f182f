"""What must hold before the first stage: tools, document, database, a target that starts, log-ins that work."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.databases import open_server
from harness.engines.browser import INSTALL_COMMAND, find_browser
from harness.events import Event, Prepared
from harness.evidence.redaction import remember_secret
from harness.model.errors import PreflightError
from harness.model.plan import Stage
from harness.model.target import Target
from harness.probes.document import Document
from harness.runner.capabilities import lacking
from harness.runner.request import RunRequest
from harness.targets import sign_in
from harness.targets.arena import Arena, ArenaPlan

_PASSWORD_BYTES = 18


@dataclass(frozen=True)
class Prepared_:
    """What the stages stand on."""

    arena: ArenaPlan = field(repr=False)
    database: dict[str, str]
    notes: tuple[str, ...]
    build: str = ""


def runnable(request: RunRequest) -> tuple[Stage, ...]:
    """The stages of the plan that this target can feed."""
    stages = (request.project.stage(name) for name in request.plan.stages)
    return tuple(stage for stage in stages if not lacking(request.target, stage))


def check_tools(request: RunRequest) -> None:
    """Fails where a tool is missing that a stage cannot do without: today that is the browser.

    Raises:
        PreflightError: with the one command that mends it.
    """
    if any(stage.engine == "playwright" for stage in runnable(request)) and find_browser() is None:
        raise PreflightError("no browser was found, and the plan walks flows in one", hint=f"as root: {INSTALL_COMMAND}")


def check_document(target: Target) -> None:
    """Fails where the committed document is not an OpenAPI document with operations.

    Raises:
        PreflightError: naming the file.
    """
    if target.document is not None and not Document.load(target.document).operations:
        raise PreflightError(
            f"{target.document}: an OpenAPI document without operations", hint="name another one in the target file"
        )


@contextmanager
def prepared(request: RunRequest, folder: Path, say: Callable[[Event], None]) -> Iterator[Prepared_]:
    """Opens the database, makes the template, starts the target once and tries each log-in; closes all of it at the end.

    Raises:
        PreflightError, TargetError: with a hint; nothing is left running.
    """
    check_tools(request)
    check_document(request.target)
    password = f"Aa1{secrets.token_urlsafe(_PASSWORD_BYTES)}"  # lower, upper and digit, as the platform demands
    remember_secret(password)
    with _database(request, folder, password, say) as (arena_plan, database, notes):
        started = time.monotonic()
        with Arena(arena_plan).fresh("preflight") as live:
            for role in request.target.roles:
                for user in role.users:
                    sign_in(live, role, user)
        say(Prepared(f"target starts, {_users(request.target)} users can log in", time.monotonic() - started))
        yield Prepared_(arena_plan, database, notes)
