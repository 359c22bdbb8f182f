"""A PostgreSQL of our own, started from a package's programs: no Docker, no privileges, in some 0.2 s."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.databases.binaries import Binaries, RunAs, find_binaries, reachable, run_as
from harness.databases.server import OWN_ROLE, DatabaseServer, set_up_roles
from harness.databases.settings import settings
from harness.model.errors import PreflightError
from harness.processes import KeptProcess, keep

SHM_VARIABLE = "HARNESS_SHM"
SHM_BYTES_MIN = 512 * 1024 * 1024  # a small platform's data, its clones and the log, with room to spare
_HOST = "127.0.0.1"
_START_TIMEOUT_S = 30.0
_STOP_GRACE_S = 5.0
_POLL_S = 0.003
_READY_LINE = 7  # of postmaster.pid, from 0: src/include/utils/pidfile.h
_INITDB_TIMEOUT_S = 120
_PORT_TRIES = 3
_PREFIX = "power100-pg-"
_OWNER_FILE = "owner.pid"
_HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class _Place:
    folder: Path
    location: str
    notes: tuple[str, ...]


@contextmanager
def embedded_server(folder: Path, cache: Path | None = None) -> Iterator[DatabaseServer]:
    """A server that is gone at the end, with its data.

    Args:
        folder: gets the server's start-up log.
        cache: keeps the initialised data directory for the next start (`None`: made anew, 1.2 s).

    Raises:
        PreflightError: there are no programs, or the server does not start.
    """
    who = run_as()
    binaries = reachable(find_binaries(), who)
    place = _place()
    try:
        _own(place.folder, who)
        data = place.folder / "data"
        _initialise(binaries, who, data, cache)
        folder.mkdir(parents=True, exist_ok=True)
        process, port = _start(binaries, who, place.folder, data, folder / "postgres.log")
    except BaseException:
        shutil.rmtree(place.folder, ignore_errors=True)
        raise
    try:
        password = secrets.token_hex(16)
        set_up_roles(f"postgresql://{OWN_ROLE}@/postgres?host={place.folder}&port={port}", password)
        dsn = f"postgresql://{OWN_ROLE}:{password}@{_HOST}:{port}/postgres"
        yield DatabaseServer("embedded", binaries.version, place.location, dsn, place.notes)
    finally:
        process.stop()


def _place() -> _Place:
    """A private folder on /dev/shm where that has room, else on disk, with a note that says so."""
    shm = Path(os.environ.get(SHM_VARIABLE, "/dev/shm"))
    _sweep(shm)
    _sweep(Path(tempfile.gettempdir()))
    free = shutil.disk_usage(shm).free if shm.is_dir() and os.access(shm, os.W_OK) else 0
    if free >= SHM_BYTES_MIN:
        return _Place(_private(shm), str(shm), ())
    note = f"{shm} has {free >> 20} MB free, wanted {SHM_BYTES_MIN >> 20}: the database is on disk, and slower"
    return _Place(_private(Path(tempfile.gettempdir())), "disk", (note,))


def _private(parent: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    (folder / _OWNER_FILE).write_text(str(os.getpid()), encoding="ascii")
    return folder


def _sweep(parent: Path) -> None:
    """Removes folders of ours whose owner is dead: a machine that lost power left them."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            owner = int((folder / _OWNER_FILE).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _own(folder: Path, who: RunAs) -> None:
    folder.chmod(0o700)
    if who.ids:
        os.chown(folder, *who.ids)


def _initialise(binaries: Binaries, who: RunAs, data: Path, cache: Path | None) -> None:
    """Fills the data directory: from the cache where it holds one that was made whole, else by initdb."""
    # The path is part of the key: a data directory remembers where its programs' libraries are.
    key = hashlib.sha256(f"{binaries.version}{binaries.folder}{_HBA}".encode()).hexdigest()[:12]
    kept = cache / f"initdb-{binaries.version}-{key}" if cache else None
    if kept and (kept / "PG_VERSION").is_file():
        shutil.copytree(kept, data)
    else:
        _initdb(binaries, who, data)
        (data / "pg_hba.conf").write_text(_HBA, encoding="ascii")
        if kept:
            _keep(data, kept)
    if who.ids:
        for path in (data, *data.rglob("*")):
            os.chown(path, *who.ids)
    data.chmod(0o700)


def _initdb(binaries: Binaries, who: RunAs, data: Path) -> None:
    command = [binaries.program("initdb"), "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", OWN_ROLE]
    command += ["--wal-segsize=1", "-D", data]
    user = {"user": who.ids[0], "group": who.ids[1], "extra_groups": []} if who.ids else {}
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=_INITDB_TIMEOUT_S, check=False, **user)  # type: ignore[call-overload]
    if done.returncode:
        raise PreflightError(
            f"initdb ended with {done.returncode}: {done.stderr.strip()[-400:]}", hint="is there room on the disk?"
        )


def _keep(data: Path, kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".initdb-", dir=kept.parent))
    shutil.copytree(data, draft / "data")
    try:
        (draft / "data").rename(kept)
    except OSError:  # made by somebody else in the meantime
        pass
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _start(binaries: Binaries, who: RunAs, place: Path, data: Path, log: Path) -> tuple[KeptProcess, int]:
    for attempt in range(1, _PORT_TRIES + 1):
        port = _free_port()
        command = [str(binaries.program("postgres")), "-D", str(data), *settings(port, place)]
        process = keep(
            command,
            folder=Path("/"),
            log=log,
            environ={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"},
            user=who.ids,
            stop_signal=signal.SIGQUIT,
            death_signal=signal.SIGQUIT,
            grace_s=_STOP_GRACE_S,
            remove=(place,),
        )
        if _ready(process, data):
            return process, port
        process_log = log.read_text(encoding="utf-8", errors="replace")[-600:]
        if attempt == _PORT_TRIES or ("could not bind" not in process_log and "Address already in use" not in process_log):
            process.stop()
            raise PreflightError(f"PostgreSQL {binaries.version} did not start: {process_log.strip()}", hint=f"its log is {log}")
    raise AssertionError("unreachable: the last attempt returns or raises")


def _ready(process: KeptProcess, data: Path) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            lines = (data / "postmaster.pid").read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            lines = []
        if len(lines) > _READY_LINE and lines[_READY_LINE].strip() == "ready":
            return True
        if process.wait(_POLL_S):
            return False
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
