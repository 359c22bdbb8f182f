"""Runs a program with a deadline, in a process group of its own that dies with the harness."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_S = 0.2
_GRACE_S = 10.0  # between the polite signal and SIGKILL
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass
class Stop:
    """Whether the run was asked to stop: by which signal, "" while it goes on."""

    signal: str = ""


@dataclass(frozen=True)
class Ended:
    """How a program ended. `code` is negative for a signal, as `subprocess` has it."""

    code: int
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
        How it ended. No process of its group is left.
    """
    started = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    try:
        timed_out, interrupted = _watch(process, started, timeout_s, stop, poll)
    finally:
        end_group(process, _GRACE_S)
    return Ended(process.returncode, time.monotonic() - started, timed_out, interrupted)


def _watch(
    process: subprocess.Popen[bytes], started: float, timeout_s: float, stop: Stop, poll: Callable[[float], None]
) -> tuple[bool, bool]:
    elapsed_s = 0.0
    while not stop.signal and elapsed_s <= timeout_s:
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            elapsed_s = time.monotonic() - started
            poll(elapsed_s)
        else:
            return False, False
    return not stop.signal, bool(stop.signal)


def end_group(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ends a program and everything that it started: SIGINT, then, after `grace_s` seconds, SIGKILL."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGINT)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGTERM)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def die_with_parent() -> None:
    """In the child, between fork and exec: asks Linux to end it when the harness dies, even by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
