"""A PostgreSQL of our own, started from a package's programs: no Docker, no privileges, 0.2 s to the first query."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import psycopg

from harness.databases.access import Access
from harness.databases.binaries import find_binaries, reachable, server_user
from harness.databases.cluster import ClusterMaker
from harness.databases.place import Instance, Place, choose_place, disk_root, own_folder, sweep, take_instance
from harness.databases.server import ADMIN, ROLE, DatabaseServer, new_password, prepare_roles, server_version
from harness.databases.settings import LOG_NAME, as_arguments, record_settings, server_settings
from harness.evidence.redaction import redact
from harness.model.errors import PreflightError
from harness.processes import KeptProcess, keep

HOST = "127.0.0.1"
_START_TIMEOUT_S = 30.0
_STOP_GRACE_S = 5.0
_POLL_S = 0.003
_READY_LINE = 7  # of postmaster.pid, from 0 (src/include/utils/pidfile.h)
_ATTEMPTS = 5
_QUOTED_CHARACTERS = 600
_CONNECT_TIMEOUT_S = 10


class EmbeddedServer(DatabaseServer):
    """A server that is our own process, with its data in a folder that goes with it."""

    provider = "embedded"

    def __init__(self, process: KeptProcess, access: Access, *, version: str, place: Place, log_path: Path | None) -> None:
        super().__init__(access, version=version, location=place.location, notes=place.notes, log_path=log_path)
        self._process = process

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._process.pid

    def stop(self) -> None:
        """Ends the server at once and removes its data."""
        self.close()
        self._process.stop()

    def pause(self) -> None:
        """Stops the postmaster and every process of its own with SIGSTOP."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets them go on with SIGCONT."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            postmaster = psutil.Process(self.pid)
            for process in (postmaster, *postmaster.children(recursive=True)):  # the postmaster first: it starts no more of them
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)


@dataclass(frozen=True)
class _Site:
    """What stays the same in every attempt to start."""

    maker: ClusterMaker
    place: Place
    log: Path
    record: bool
    cache: Path | None


@dataclass(frozen=True)
class _Failure:
    reason: str
    port_taken: bool
    from_archive: bool


def open_embedded(
    folder: Path, *, statement_record: bool = True, cache: Path | None = None, notes: tuple[str, ...] = ()
) -> EmbeddedServer:
    """Starts a server.

    Args:
        folder: gets the log of the start, `postgres.log`.
        statement_record: whether statements can be recorded.
        cache: keeps what makes the next start faster (default: a folder of ours on the disk).
        notes: what the reader of the report should know besides.

    Raises:
        PreflightError: there is no PostgreSQL, or it does not start; the end of its log is quoted, nothing is left behind.
    """
    user = server_user()
    binaries = reachable(find_binaries()) if user else find_binaries()
    place = choose_place()
    place = replace(place, notes=(*place.notes, *notes))
    for base in {place.base, own_folder(disk_root())}:
        sweep(base)
    folder.mkdir(parents=True, exist_ok=True)
    return _open(_Site(ClusterMaker(binaries, user), place, folder / "postgres.log", statement_record, cache))


def _open(site: _Site) -> EmbeddedServer:
    trust_archive, reason = True, ""
    for _ in range(_ATTEMPTS):
        outcome = _attempt(site, trust_archive)
        if isinstance(outcome, EmbeddedServer):
            return outcome
        reason = outcome.reason
        if not outcome.port_taken and not outcome.from_archive:
            break
        trust_archive = outcome.port_taken  # else the archive is bad: make another
    binaries = site.maker.binaries
    raise PreflightError(
        f"PostgreSQL {binaries.version} in {binaries.bin} did not start: {reason}", hint=f"its log is {site.log}"
    )


def _attempt(site: _Site, trust_archive: bool) -> EmbeddedServer | _Failure:
    with ExitStack() as undo:
        instance = take_instance(site.place.base)
        undo.callback(instance.discard)
        from_archive = _fill(site, instance, trust_archive)
        site.log.unlink(missing_ok=True)
        port = _free_port()
        process = _launch(site, instance, port)
        undo.callback(process.stop)
        failure = _readiness(process, instance)
        if not failure:
            try:
                server = _server(site, instance, process, port)
            except psycopg.Error as error:
                failure = str(error)
            else:
                instance.release()  # the keeper holds the lock from now on
                undo.pop_all()
                return server
        said = f"{failure} {_tail(site.log)} {_tail(instance.folder / 'log' / LOG_NAME)}"
        return _Failure(said.strip(), "could not bind" in said, from_archive)


def _fill(site: _Site, instance: Instance, trust_archive: bool) -> bool:
    for name in ("log", "socket"):
        path = instance.folder / name
        path.mkdir(mode=0o700)
        if site.maker.user:
            os.chown(path, *site.maker.user)
    return site.maker.make(instance.folder / "data", cache=site.cache, trust_archive=trust_archive)


def _launch(site: _Site, instance: Instance, port: int) -> KeptProcess:
    binaries = site.maker.binaries
    settings = server_settings(binaries.major)
    settings |= {"listen_addresses": HOST, "port": str(port), "unix_socket_directories": str(instance.folder / "socket")}
    if site.record:
        settings |= record_settings(instance.folder / "log", binaries.libraries())
    return keep(
        [str(binaries.bin / "postgres"), "-D", str(instance.folder / "data"), *as_arguments(settings)],
        folder=instance.folder,
        log=site.log,
        environ={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        user=site.maker.user,
        stop_signal=signal.SIGQUIT,  # at once: nothing of the data is wanted any more
        death_signal=signal.SIGQUIT,
        grace_s=_STOP_GRACE_S,
        remove=(instance.folder, instance.lock_path),
        hold=(instance.lock,),
    )


def _readiness(process: KeptProcess, instance: Instance) -> str:
    """Waits until the server accepts connections; why it does not, or nothing."""
    state = instance.folder / "data" / "postmaster.pid"
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(OSError, UnicodeDecodeError):
            lines = state.read_text(encoding="ascii").splitlines()
            if len(lines) > _READY_LINE and lines[_READY_LINE].strip() == "ready":
                return ""
        if process.wait(_POLL_S):
            return f"it ended with {process.exit_code}."
    return f"it was not ready in {_START_TIMEOUT_S:g} s."


def _server(site: _Site, instance: Instance, process: KeptProcess, port: int) -> EmbeddedServer:
    access = Access(HOST, port, ADMIN, ROLE, new_password(), new_password())
    with psycopg.connect(
        host=str(instance.folder / "socket"),
        port=port,
        user=ADMIN,
        dbname="postgres",
        autocommit=True,
        connect_timeout=_CONNECT_TIMEOUT_S,
    ) as connection:
        prepare_roles(connection, access)
        version = server_version(connection)
    log_path = instance.folder / "log" / LOG_NAME if site.record else None
    return EmbeddedServer(process, access, version=version, place=site.place, log_path=log_path)


def _tail(path: Path) -> str:
    with suppress(OSError):
        return redact(path.read_text(encoding="utf-8", errors="replace").strip()[-_QUOTED_CHARACTERS:])
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
