"""A PostgreSQL in a container, through testcontainers: pinned image, loopback only, data in memory."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from harness.databases.server import OWN_ROLE, DatabaseServer, admin, set_up_roles
from harness.databases.settings import COMMON, arguments
from harness.model.errors import PreflightError

IMAGE_VARIABLE = "HARNESS_POSTGRES_IMAGE"
IMAGE = "postgres:18.1-alpine3.22"
LABEL = "org.power100.harness"
_ENGINE_TIMEOUT_S = 10
_DATA_BYTES = "size=2g"
_CONTAINER_DATA = "/var/lib/postgresql/data"


def image_name() -> str:
    """The image to use: `HARNESS_POSTGRES_IMAGE`, else the pinned official one."""
    return os.environ.get(IMAGE_VARIABLE, IMAGE)


def usable() -> str | None:
    """Why Docker cannot be used (no client, no engine, no image), or `None` where it can."""
    if shutil.which("docker") is None and not Path("/var/run/docker.sock").exists():
        return "no docker on this machine"
    if not _docker("version", "--format", "{{.Server.Version}}"):
        return "no docker engine answers"
    if not _docker("image", "inspect", "--format", "{{.Id}}", image_name()):
        return f"the engine does not have the image {image_name()}"
    return None


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=_ENGINE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@contextmanager
def docker_server(folder: Path) -> Iterator[DatabaseServer]:
    """A server in a container that is removed at the end.

    Raises:
        PreflightError: no engine, no image, or the container does not start.
    """
    if reason := usable():
        raise PreflightError(
            f"docker was asked for, but {reason}", hint="start an engine and pull the image, or use --database embedded"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _sweep()
    container = _container(secrets.token_hex(16))
    try:
        try:
            container.start()
        except Exception as error:
            raise PreflightError(f"the container did not start: {error}", hint=f"docker run {image_name()}") from error
        yield _server(container)
    finally:
        container.stop()


def _container(password: str):  # type: ignore[no-untyped-def]
    os.environ.setdefault("TC_POOLING_INTERVAL", "0.05")
    os.environ.setdefault("TC_MAX_TRIES", "1200")  # times the interval: 60 s
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # its image would have to be pulled; we sweep by label
    if Path("/.dockerenv").exists():
        os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(image_name(), username=OWN_ROLE, password=password, dbname="postgres", driver=None)
    container.ports["5432/tcp"] = ("127.0.0.1", None)  # the default is every interface
    container.with_tmpfs_mount(_CONTAINER_DATA, _DATA_BYTES)
    container.with_command(["postgres", *arguments({**COMMON, "listen_addresses": "*"})])
    container.with_kwargs(labels={LABEL: str(os.getpid())})
    return container


def _server(container) -> DatabaseServer:  # type: ignore[no-untyped-def]
    dsn = f"postgresql://{OWN_ROLE}:{container.password}@127.0.0.1:{container.get_exposed_port(5432)}/postgres"
    set_up_roles(dsn, container.password)
    try:
        with admin(dsn) as connection:
            row = connection.execute("SHOW server_version").fetchone()
    except psycopg.Error as error:
        raise PreflightError(f"the container's PostgreSQL does not answer: {error}") from error
    version = str(row[0]).split()[0] if row else "unknown"
    return DatabaseServer("docker", version, f"container of {image_name()}", dsn)


def _sweep() -> None:
    """Removes containers of ours whose harness is dead."""
    listed = _docker("ps", "-a", "--filter", f"label={LABEL}", "--format", '{{.ID}} {{.Label "' + LABEL + '"}}')
    for line in listed.splitlines():
        identifier, _, owner = line.partition(" ")
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _docker("rm", "-f", "-v", identifier)
