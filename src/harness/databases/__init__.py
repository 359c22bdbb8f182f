"""A PostgreSQL for the target: in Docker, embedded, or the user's own; all with the statement record ready."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.databases.docker import docker_server, usable
from harness.databases.embedded import embedded_server
from harness.databases.external import DSN_VARIABLE, external_server
from harness.databases.server import DatabaseServer, clone_database, drop_database, own_dsn

__all__ = ["DatabaseServer", "clone_database", "drop_database", "open_server", "own_dsn"]


@contextmanager
def open_server(provider: str, folder: Path, *, cache: Path | None = None) -> Iterator[DatabaseServer]:
    """A running server, gone at the end.

    Args:
        provider: `docker`, `embedded`, `external` (its address in `HARNESS_POSTGRES_DSN`), or `auto`: docker where an engine
            answers and has the image, else embedded.
        folder: gets logs.
        cache: a folder that outlives the run, for what makes the next start faster.

    Raises:
        PreflightError: it cannot be had; with the next step.
    """
    chosen = provider if provider != "auto" else ("docker" if usable() is None else "embedded")
    if chosen == "docker":
        with docker_server(folder) as server:
            yield server
    elif chosen == "external":
        with external_server(os.environ.get(DSN_VARIABLE, "")) as server:
            yield server
    else:
        with embedded_server(folder, cache) as server:
            yield server
