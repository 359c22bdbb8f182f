"""A target that somebody started by hand with `harness target up`: what is known of it, so that other verbs can reach it.

The file holds a password and is readable by its owner only; it goes when the target does.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.errors import PreflightError
from harness.model.target import Target
from harness.targets.accounts import with_accounts
from harness.targets.live import LiveTarget

_FOLDER = ".cache/targets"


@dataclass(frozen=True)
class Kept:
    """What `target up` wrote down."""

    base_url: str
    password: str = field(repr=False)
    pid: int


def kept_file(root: Path, target: str) -> Path:
    """Where the state of a target is kept."""
    return root / _FOLDER / f"{target}.json"


def write_kept(root: Path, target: str, kept: Kept) -> Path:
    """Writes the state down, readable by its owner only."""
    path = kept_file(root, target)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"base_url": kept.base_url, "password": kept.password, "pid": kept.pid}, file)
    return path


def read_kept(root: Path, target: str) -> Kept | None:
    """The state of a target that was started by hand and whose keeper still runs; a stale file is removed."""
    path = kept_file(root, target)
    if not path.is_file():
        return None
    kept = Kept(**json.loads(path.read_text(encoding="utf-8")))
    if not Path(f"/proc/{kept.pid}").exists():
        path.unlink()
        return None
    return kept


def running(root: Path, target: Target, option: str) -> LiveTarget:
    """The running target: at the address of its file, or as `harness target up` started it.

    Args:
        option: what names it on a command line (` --target NAME`), for the hint.

    Raises:
        PreflightError: nothing runs.
    """
    if target.base_url:
        return LiveTarget(target, target.base_url.rstrip("/"))
    kept = read_kept(root, target.name)
    if kept is None:
        raise PreflightError(f"{target.name} is not running", hint=f"start it in another terminal: harness target up{option}")
    return LiveTarget(with_accounts(target, kept.password), kept.base_url)
