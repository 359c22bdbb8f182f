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
_NOTHING_RUNS = 4  # what doctor says where no target runs


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
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    elapsed_s = time.perf_counter() - started
    if done.returncode not in (0, _NOTHING_RUNS):
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr[-400:]}")
    return elapsed_s
