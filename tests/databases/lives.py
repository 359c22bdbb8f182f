"""Looks at what a server leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def postgres_of(folder: Path) -> list[int]:
    """Processes that run in that folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(f"/proc/{process.pid}/cwd").readlink().is_relative_to(folder):
                found.append(process.pid)
        except OSError:
            continue
    return found


def leftovers(shm: Path) -> list[str]:
    """What is left under a place of servers, without the folder itself."""
    return sorted(path.name for base in shm.glob("power100-harness-*") for path in base.iterdir())
