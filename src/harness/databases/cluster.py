"""A fresh data directory: unpacked from an archive that is kept between runs, or made by `initdb` when there is none.

`initdb` takes 1.3 s, unpacking 30 MB into memory 0.04 s. The archive is one file, replaced by rename, so it is there
or it is not; one that does not unpack, or whose server does not start, is thrown away and made again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness.databases.binaries import Binaries
from harness.databases.place import lasting_folder
from harness.databases.server import ADMIN
from harness.model.errors import PreflightError

INITDB = (
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--auth=trust",
    "--wal-segsize=1",
    f"--username={ADMIN}",
    "--no-instructions",
)
# Over TCP only with a password. The socket lies in a folder that only the server's user (and root) can enter.
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
# One statement a line, run once before the archive is made; a database that is created later does not inherit the extension.
FIRST_SQL = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;\n"
_TIMEOUT_S = 120
_ERROR_CHARACTERS = 400


@dataclass(frozen=True)
class ClusterMaker:
    """Makes data directories of one PostgreSQL for one user."""

    binaries: Binaries
    user: tuple[int, int] | None

    def make(self, data: Path, *, cache: Path | None = None, trust_archive: bool = True) -> bool:
        """Fills `data`; whether it came from the archive (and might therefore be bad).

        Args:
            data: is made; its folder exists and is only ours.
            cache: where archives are kept (default: a folder of ours on the disk).
            trust_archive: False makes a new archive whatever is there.

        Raises:
            PreflightError: `initdb` fails.
        """
        folder = cache or lasting_folder("clusters")
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{self._key()}.tar"
        if trust_archive and shutil.which("tar") and archive.is_file() and self._unpack(archive, data):
            return True
        shutil.rmtree(data, ignore_errors=True)
        self._initdb(data)
        self._pack(data, archive)
        return False

    def _key(self) -> str:
        recipe = repr((self.binaries.digest, str(self.binaries.bin), INITDB, HBA, FIRST_SQL, self.user))
        return f"{self.binaries.version}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"

    def _make_folder(self, data: Path) -> None:
        data.mkdir(mode=0o700)
        if self.user:
            os.chown(data, *self.user)

    def _unpack(self, archive: Path, data: Path) -> bool:
        self._make_folder(data)
        with archive.open("rb") as packed:
            done = self._run(["tar", "-xf", "-", "-C", str(data)], stdin=packed.fileno())
        return done.returncode == 0 and (data / "PG_VERSION").is_file()

    def _initdb(self, data: Path) -> None:
        self._make_folder(data)
        self._demand([str(self.binaries.bin / "initdb"), *INITDB, "-D", str(data)], b"")
        (data / "pg_hba.conf").write_text(HBA, encoding="ascii")
        if "pg_stat_statements" in self.binaries.libraries():
            self._demand(
                [str(self.binaries.bin / "postgres"), "--single", "-c", "fsync=off", "-D", str(data), "postgres"],
                FIRST_SQL.encode(),
            )

    def _pack(self, data: Path, archive: Path) -> None:
        """Keeps the directory for the next start; a failure costs that start a second, so it is no error."""
        if shutil.which("tar") is None:
            return
        handle, draft = tempfile.mkstemp(prefix=".draft-", dir=archive.parent)
        os.close(handle)
        done = subprocess.run(["tar", "-cf", draft, "-C", str(data), "."], capture_output=True, timeout=_TIMEOUT_S, check=False)
        if done.returncode == 0:
            Path(draft).rename(archive)
        Path(draft).unlink(missing_ok=True)

    def _demand(self, command: list[str], given: bytes) -> None:
        done = self._run(command, given=given)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()[-_ERROR_CHARACTERS:]
            raise PreflightError(
                f"{Path(command[0]).name} ended with {done.returncode}: {said}", hint="is there room where its data goes?"
            )

    def _run(
        self, command: list[str], *, given: bytes | None = None, stdin: int | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                command,
                input=given,
                stdin=stdin,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                user=self.user[0] if self.user else None,
                group=self.user[1] if self.user else None,
                extra_groups=[] if self.user else None,
            )
        except PermissionError as error:
            raise PreflightError(
                f"{command[0]} cannot be run as user {self.user[0] if self.user else os.getuid()}: {error.strerror}",
                hint="root must be allowed to change its user (CAP_SETUID); or run the harness as a plain user",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise PreflightError(f"{command[0]} was not done in {_TIMEOUT_S} s") from error
