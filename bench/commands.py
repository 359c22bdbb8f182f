"""How long the commands take that people type: median of several starts, as a process of its own each time."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

Figure = tuple[str, float, str, str]

_ROOT = Path(__file__).resolve().parents[1]
_STARTS = 7


def figures() -> list[Figure]:
    """Seconds of `--help`, `doctor` (with no target running) and `list gates`."""
    return [_figure(*arguments) for arguments in (("--help",), ("doctor",), ("list", "gates"))]


def _figure(*arguments: str) -> Figure:
    command = [str(Path(sys.executable).parent / "harness"), *arguments]
    return (
        f"harness {' '.join(arguments)}",
        statistics.median(_once(command) for _ in range(_STARTS)),
        "s",
        f"median of {_STARTS} starts",
    )


def _once(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=_ROOT, capture_output=True, check=False)
    return time.perf_counter() - started
