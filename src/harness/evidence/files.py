"""Files written whole or not at all, and their digests."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

SUMS_FILE = "SHA256SUMS"
_CHUNK_BYTES = 1 << 20


def write_atomic(path: Path, content: str | bytes) -> Path:
    """Writes beside the file and renames, so that a reader sees the old one or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    draft.replace(path)
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def write_sums(folder: Path) -> Path:
    """`SHA256SUMS` over every file below `folder`, in the format of sha256sum(1)."""
    names = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path.name != SUMS_FILE)
    lines = [f"{digest_of(path)}  {path.relative_to(folder).as_posix()}" for path in names]
    return write_atomic(folder / SUMS_FILE, "\n".join(lines) + "\n")


def read_sums(folder: Path) -> dict[str, str]:
    """Digest by relative file name; empty where the run was never sealed."""
    path = folder / SUMS_FILE
    if not path.is_file():
        return {}
    rows = (line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines() if "  " in line)
    return {name: digest for digest, name in rows}
