"""Where an embedded server's data goes: into memory where there is room, else onto the disk; and who may remove it.

Each server has a folder of its own under `<place>/power100-harness-<uid>/`, with a lock beside it that its keeper holds while it
lives. A folder whose lock nobody holds was left by a crash of the machine's kind, and is swept at the next start.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import PreflightError

SHM_VARIABLE = "HARNESS_SHM"
SHM_FREE_MB_MIN = 512  # the medium template, a few clones of it and 256 MB of write-ahead log
_SHM = "/dev/shm"
_OFF = ("", "off", "disk", "none")
_MEGABYTE = 1 << 20
_TAKE_ATTEMPTS = 5


@dataclass(frozen=True)
class Place:
    """A folder for data, what the report calls it, and what should be known about the choice."""

    base: Path
    location: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Instance:
    """The folder of one server, held by a lock until every holder of the descriptor `lock` is gone."""

    folder: Path
    lock_path: Path
    lock: int

    def discard(self) -> None:
        """Removes the folder and gives the lock up; for a server that did not start."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock_path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Closes our descriptor of the lock; the keeper has its own."""
        with suppress(OSError):
            os.close(self.lock)


def choose_place(free_mb_min: int = SHM_FREE_MB_MIN) -> Place:
    """Memory where it is large enough (`HARNESS_SHM` names another folder, or `off`), else the disk with the reason as a note.

    Raises:
        PreflightError: the folder belongs to somebody else.
    """
    shm = os.environ.get(SHM_VARIABLE, _SHM)
    if shm.lower() in _OFF:
        return Place(own_folder(disk_root()), "disk", (f"{SHM_VARIABLE}=off: the disk is used",))
    reason = _unfit(Path(shm), free_mb_min)
    if reason:
        return Place(own_folder(disk_root()), "disk", (f"{shm} {reason}: the disk is used",))
    return Place(own_folder(Path(shm)), shm)


def disk_root() -> Path:
    """A folder on the disk that every user may enter and that survives a restart, where there is one."""
    lasting = Path("/var/tmp")
    return lasting if os.access(lasting, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def lasting_folder(name: str) -> Path:
    """A folder of ours on the disk that is kept between runs."""
    folder = own_folder(disk_root()) / name
    folder.mkdir(mode=0o711, exist_ok=True)
    return folder


def take_instance(base: Path) -> Instance:
    """A fresh folder under `base`, locked before it exists so that no sweep takes it."""
    for _ in range(_TAKE_ATTEMPTS):
        name = f"run-{secrets.token_hex(4)}"
        lock_path = base / f"{name}.lock"
        lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if lock_path.exists():  # else a sweep took it between the two lines above
            (base / name).mkdir(mode=0o711)
            (base / name).chmod(0o711)
            return Instance(base / name, lock_path, lock)
        os.close(lock)
    raise PreflightError(f"no folder could be made in {base}", hint=f"remove {base}")


def is_held(lock_path: Path) -> bool:
    """Whether somebody holds that lock."""
    try:
        lock = os.open(lock_path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def sweep(base: Path) -> int:
    """Removes the folders of servers that nobody keeps any more; how many."""
    swept = 0
    for lock_path in base.glob("run-*.lock"):
        with suppress(OSError):
            lock = os.open(lock_path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                folder = lock_path.with_suffix("")
                _end_postmaster(folder / "data")
                shutil.rmtree(folder, ignore_errors=True)
                lock_path.unlink(missing_ok=True)
                swept += 1
            finally:
                os.close(lock)
    return swept


def _end_postmaster(data: Path) -> None:
    """Ends a server whose keeper was killed and that survived its own death signal; told by the folder it runs in."""
    with suppress(OSError, ValueError, IndexError):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        if Path(f"/proc/{pid}/cwd").resolve() == data.resolve():
            os.kill(pid, signal.SIGQUIT)
            deadline = time.monotonic() + 5
            while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                time.sleep(0.02)


def _unfit(shm: Path, free_mb_min: int) -> str:
    if not shm.is_dir():
        return "does not exist"
    if not os.access(shm, os.W_OK | os.X_OK):
        return "cannot be written"
    free_mb = shutil.disk_usage(shm).free // _MEGABYTE
    return f"too small ({free_mb} MB free, {free_mb_min} MB wanted)" if free_mb < free_mb_min else ""


def own_folder(root: Path) -> Path:
    """Our folder in a place that everybody can write to; nobody else may have made it for us.

    Raises:
        PreflightError: somebody did.
    """
    base = root / f"power100-harness-{os.getuid()}"
    base.mkdir(mode=0o711, exist_ok=True)
    status = base.lstat()
    if not base.is_dir() or base.is_symlink() or status.st_uid != os.getuid():
        raise PreflightError(f"{base} belongs to somebody else", hint="remove it, or set HARNESS_SHM to another folder")
    base.chmod(0o711)  # whatever the umask was: an unprivileged server has to reach its own folder inside
    return base
