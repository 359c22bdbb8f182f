"""A PostgreSQL in a container, through testcontainers: the image pinned, published on the loopback only, its data in memory.

The reaper of testcontainers needs an image of its own from a registry, so it is off; a process of ours removes the container when
this one is gone, and whatever that misses is swept by its label at the next start. The log is written to a folder of ours that is
mounted into the container.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg

from harness.databases.access import Access
from harness.databases.engine import IMAGE_VARIABLE, Engine, local_image, wanted_images
from harness.databases.place import Instance, choose_place, is_held, sweep, take_instance
from harness.databases.reaper import remove_labelled
from harness.databases.server import ADMIN, ROLE, DatabaseServer, new_password, prepare_roles, server_version
from harness.databases.settings import LOG_NAME, as_arguments, record_settings, server_settings
from harness.evidence.redaction import redact
from harness.model.errors import PreflightError
from harness.processes import KeptProcess, keep

LABEL = "org.power100.harness.instance"  # its value is host:lock, so that only this machine sweeps it
_REAPER = Path(__file__).with_name("reaper.py")
_DATA_MOUNT = "/pgdata"  # not the image's own place: the official one refuses a mount there since 18
_LOG_MOUNT = "/pglog"
_DATA_SIZE = "size=2g"
_START_TIMEOUT_S = 60
_POLL_S = 0.05
_PULL_TIMEOUT_S = 300
_LOG_TIMEOUT_S = 2.0
_STOP_GRACE_S = 15.0
_CONNECT_TIMEOUT_S = 10
_QUOTED_CHARACTERS = 600
_MAJOR_UNTIL_KNOWN = 18  # of the images that we name; another one of an older version is told by HARNESS_POSTGRES_IMAGE's tag


class ContainerServer(DatabaseServer):
    """A server in a container of ours."""

    provider = "docker"

    def __init__(
        self, container: Any, reaper: KeptProcess, access: Access, *, version: str, notes: tuple[str, ...], log_path: Path | None
    ) -> None:
        self._wrapped = container.get_wrapped_container()
        location = f"container {self._wrapped.short_id} of {container.image}"
        super().__init__(access, version=version, location=location, notes=notes, log_path=log_path)
        self._container = container
        self._reaper = reaper

    @property
    def container_id(self) -> str:
        """The engine's id of the container."""
        return str(self._wrapped.id)

    def stop(self) -> None:
        """Removes the container with its data."""
        self.close()
        self._reaper.stop()  # removes it by its label; then the log folder goes
        self._container.get_docker_client().client.close()

    def pause(self) -> None:
        """Freezes every process of the container."""
        self._wrapped.pause()

    def resume(self) -> None:
        """Lets them go on."""
        self._wrapped.unpause()


def open_container(engine: Engine, *, statement_record: bool = True) -> ContainerServer:
    """Starts a server in a container.

    Raises:
        PreflightError: the image cannot be had, or the container does not start; nothing is left behind.
    """
    _set_up_testcontainers(engine)
    image = engine.held_image() or _pull(wanted_images()[0])
    place = choose_place()
    sweep(place.base)
    _sweep_containers(engine)
    with ExitStack() as undo:
        instance = take_instance(place.base)
        undo.callback(instance.discard)
        reaper = _start_reaper(engine, instance)
        undo.callback(reaper.stop)
        server = _start(image, instance, reaper, statement_record)
        instance.release()  # the reaper's keeper holds the lock from now on
        undo.pop_all()
        return server


def _set_up_testcontainers(engine: Engine) -> None:
    """Its settings are read when it is imported."""
    os.environ.setdefault("DOCKER_HOST", engine.address)
    os.environ.setdefault("TC_POOLING_INTERVAL", str(_POLL_S))
    os.environ.setdefault("TC_MAX_TRIES", str(int(_START_TIMEOUT_S / _POLL_S)))  # its timeout is the product of the two
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    if Path("/.dockerenv").exists():  # else it takes the gateway's address, where nothing is published
        os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")


def _pull(image: str) -> str:
    import docker
    from docker.errors import DockerException
    from requests import RequestException

    name, _, tag = image.rpartition(":")
    try:
        docker.from_env(timeout=_PULL_TIMEOUT_S).images.pull(name, tag=tag)
    except (DockerException, RequestException) as error:
        hint = f"python -m harness.databases.image makes {local_image()} here" if local_image() else f"set {IMAGE_VARIABLE}"
        raise PreflightError(f"the engine does not hold {image} and cannot pull it: {_short(error)}", hint=hint) from error
    return image


def _label(lock_path: Path) -> str:
    return f"{platform.node()}:{lock_path}"


def _sweep_containers(engine: Engine) -> None:
    """Removes containers of ours on this machine whose lock nobody holds."""
    for container in engine.get("/containers/json?all=1") or []:
        label = container.get("Labels", {}).get(LABEL, "")
        node, _, lock = label.partition(":")
        if lock and node == platform.node() and not is_held(Path(lock)):
            remove_labelled(engine.address, f"{LABEL}={label}")


def _start_reaper(engine: Engine, instance: Instance) -> KeptProcess:
    log = instance.folder / "reaper.log"
    reaper = keep(
        [sys.executable, "-I", "-S", str(_REAPER), engine.address, f"{LABEL}={_label(instance.lock_path)}"],
        folder=Path("/"),
        log=log,
        environ={"PATH": os.environ.get("PATH", os.defpath)},
        grace_s=_STOP_GRACE_S,
        remove=(instance.folder, instance.lock_path),
        hold=(instance.lock,),
    )
    deadline = time.monotonic() + _LOG_TIMEOUT_S
    while not log.read_text() and not reaper.wait(_POLL_S) and time.monotonic() < deadline:
        continue
    return reaper


def _start(image: str, instance: Instance, reaper: KeptProcess, record: bool) -> ContainerServer:
    from docker.errors import DockerException
    from requests import RequestException
    from testcontainers.core.exceptions import ContainerStartException

    access = Access("127.0.0.1", 0, ADMIN, ROLE, new_password(), new_password())
    container = _container(image, instance, access, record)
    try:
        container.start()
        return _server(container, access, instance, reaper, record)
    except (DockerException, RequestException, ContainerStartException, TimeoutError, psycopg.Error) as error:
        raise PreflightError(
            f"{image} did not start: {_short(error)} {_container_log(container)}".strip(),
            hint=f"is it a PostgreSQL image of version 15 or newer? {IMAGE_VARIABLE} names another one",
        ) from error


def _container(image: str, instance: Instance, access: Access, record: bool) -> Any:
    from testcontainers.community.postgres import PostgresContainer

    log_folder = instance.folder / "log"
    log_folder.mkdir()
    log_folder.chmod(0o777)  # the server's user in the container is not known before; only who knows the folder's name gets here
    settings = server_settings(_major(image)) | {"listen_addresses": "*"}
    if record:
        settings |= record_settings(_LOG_MOUNT)
    container: Any = PostgresContainer(
        image, username=access.admin, password=access.admin_password, dbname="postgres", driver=None
    )
    container.ports.clear()
    container.ports["5432/tcp"] = ("127.0.0.1", None)  # the default is every interface
    container.with_tmpfs_mount(_DATA_MOUNT, _DATA_SIZE)
    container.with_env("PGDATA", f"{_DATA_MOUNT}/data")
    container.with_volume_mapping(log_folder, _LOG_MOUNT, "rw")
    container.with_command(["postgres", *as_arguments(settings)])
    container.with_kwargs(labels={LABEL: _label(instance.lock_path)})
    return container


def _major(image: str) -> int:
    number = image.rpartition(":")[2].partition(".")[0].partition("-")[0]
    return int(number) if number.isdigit() else _MAJOR_UNTIL_KNOWN


def _server(container: Any, access: Access, instance: Instance, reaper: KeptProcess, record: bool) -> ContainerServer:
    reached = Access(_host(container), container.get_exposed_port(5432), ADMIN, ROLE, access.admin_password, access.role_password)
    with psycopg.connect(reached.admin_dsn(), autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
        prepare_roles(connection, reached)
        version = server_version(connection)
        if record:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    log_path = instance.folder / "log" / LOG_NAME if record else None
    notes: tuple[str, ...] = ()
    if log_path and not _appears(log_path):
        log_path, notes = None, ("the container's log cannot be read from here: there is no statement record",)
    return ContainerServer(container, reaper, reached, version=version, notes=notes, log_path=log_path)


def _host(container: Any) -> str:
    host = str(container.get_container_host_ip())
    return "127.0.0.1" if host == "localhost" else host


def _appears(path: Path) -> bool:
    deadline = time.monotonic() + _LOG_TIMEOUT_S
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return path.exists()


def _container_log(container: Any) -> str:
    from docker.errors import DockerException

    with suppress(DockerException):
        wrapped = container._container
        return redact(wrapped.logs(tail=20).decode(errors="replace").strip()[-_QUOTED_CHARACTERS:]) if wrapped else ""
    return ""


def _short(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return redact(text.splitlines()[0][:_QUOTED_CHARACTERS])
