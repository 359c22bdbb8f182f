"""Runs an engine's program with a deadline; it and all that it started die with the harness."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.processes import KeptProcess, keep

_POLL_S = 0.2
_GRACE_S = 10.0  # between the polite signal and SIGKILL


@dataclass
class Stop:
    """Whether the run was asked to stop: by which signal, "" while it goes on."""

    signal: str = ""


@dataclass(frozen=True)
class Ended:
    """How a program ended. `code` is negative for a signal, as `subprocess` has it; `None` where nobody could tell."""

    code: int | None
    duration_s: float
    timed_out: bool = False
    interrupted: bool = False


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    timeout_s: float,
    stop: Stop,
    poll: Callable[[float], None] = lambda _elapsed_s: None,
) -> Ended:
    """Runs `argv` until it ends, the time is over, or the run is stopped; its output goes to `log`.

    Args:
        poll: called a few times a second with the seconds since the start.

    Returns:
        How it ended. No process that it started is left.
    """
    started = time.monotonic()
    process = keep(argv, folder=cwd, log=log, environ=env, stop_signal=signal.SIGINT, grace_s=_GRACE_S)
    try:
        ended = _watch(process, started, timeout_s, stop, poll)
    finally:
        code = process.stop()
    return Ended(
        code, time.monotonic() - started, timed_out=not ended and not stop.signal, interrupted=not ended and bool(stop.signal)
    )


def _watch(process: KeptProcess, started: float, timeout_s: float, stop: Stop, poll: Callable[[float], None]) -> bool:
    """Whether the program ended by itself."""
    elapsed_s = 0.0
    while not stop.signal and elapsed_s <= timeout_s:
        if process.wait(_POLL_S):
            return True
        elapsed_s = time.monotonic() - started
        poll(elapsed_s)
    return False
