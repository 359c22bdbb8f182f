"""Chooses who provides the PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

from harness.databases.embedded import open_embedded
from harness.databases.engine import IMAGE_VARIABLE, Engine, find_engine
from harness.databases.external import DSN_VARIABLE, open_external
from harness.databases.server import DatabaseServer
from harness.model.errors import PreflightError
from harness.model.plan import DatabaseProvider

PROVIDERS: tuple[DatabaseProvider, ...] = get_args(DatabaseProvider)


def open_server(
    provider: str, folder: Path, *, external_dsn: str = "", statement_record: bool = True, cache: Path | None = None
) -> DatabaseServer:
    """A running server; leave its context to be rid of it.

    Args:
        provider: `docker`, `embedded`, `external`, or `auto`: docker where an engine answers and holds the image, else embedded.
        folder: gets the log of the start.
        external_dsn: the address of an external server (default: `HARNESS_POSTGRES_DSN`).
        statement_record: whether statements can be recorded.
        cache: keeps what makes the next start faster (default: a folder of ours on the disk).

    Raises:
        PreflightError: no server can be had that way; with the next step.
    """
    if provider == "external":
        return open_external(external_dsn or os.environ.get(DSN_VARIABLE, ""))
    if provider not in PROVIDERS:
        raise PreflightError(f'unknown provider of databases "{provider}"', hint=f"one of {', '.join(PROVIDERS)}")
    if provider == "embedded":
        return open_embedded(folder, statement_record=statement_record, cache=cache)
    engine = find_engine()
    if provider == "auto" and (not isinstance(engine, Engine) or engine.held_image() is None):
        return open_embedded(folder, statement_record=statement_record, cache=cache, notes=_unheard(engine))
    if not isinstance(engine, Engine):
        raise PreflightError(f"the databases were to be in Docker, but {engine}", hint="start one, or use --database embedded")
    from harness.databases.container import open_container  # here: it loads the Docker client, 0.3 s

    return open_container(engine, statement_record=statement_record)


def _unheard(engine: Engine | str) -> tuple[str, ...]:
    """Who names an image expects a container, and should know why there is none."""
    image = os.environ.get(IMAGE_VARIABLE, "")
    if not image:
        return ()
    reason = engine if isinstance(engine, str) else f"the engine does not hold {image}"
    return (f"{IMAGE_VARIABLE} is set, but {reason}: PostgreSQL is embedded",)
