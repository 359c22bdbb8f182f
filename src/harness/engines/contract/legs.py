"""Runs one job in a worker process and collects what it says; whatever the worker does, this ends in time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import IO

from harness.engines.contract.job import Ended, Job, LoggedOut, Said, Scenario, Secrets, SignInWanted, Trouble
from harness.engines.contract.worker import hang_seconds

SignIn = Callable[[str], Secrets | None]
_POLL_SECONDS = 0.5
_END_SECONDS = 5.0
_QUOTED_CHARACTERS = 600


@dataclass
class LegResult:
    """Everything that one worker said. `ended` is the worker's last word, or what became of it."""

    role: str
    phases: tuple[str, ...]
    scenarios: list[Scenario] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    logged_out: list[LoggedOut] = field(default_factory=list)
    ended: Ended = field(default_factory=Ended)

    @property
    def cases(self) -> int:
        """Requests that were sent and counted."""
        return sum(tally.cases for scenario in self.scenarios for tally in scenario.tallies)


def run_leg(job: Job, sign_in: SignIn, progress: Callable[[LegResult], None] | None = None) -> LegResult:
    """Runs the job in a process of its own.

    Args:
        sign_in: gets a new credential for the role; its argument is the role's new password, "" where that has not changed.
        progress: told after every scenario.
    """
    result = LegResult(job.role, job.phases)
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as errors, ours, theirs:
        worker = _start(theirs, errors)
        theirs.close()
        line = Connection(os.dup(ours.fileno()))
        try:
            line.send(job)
            _listen(line, worker, result, sign_in, progress, deadline=time.monotonic() + job.seconds + hang_seconds(job))
        except (EOFError, OSError):
            result.ended = Ended(_last_words(worker, errors))
        finally:
            line.close()
            _end(worker)
    return result


def _start(end: socket.socket, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness.engines.contract.worker", str(end.fileno())],
        pass_fds=(end.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        # The order of sets of names must not differ between two runs of one seed.
        # Nor may a proxy of the environment get what is meant for the target.
        env={**{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}, "PYTHONHASHSEED": "0"},
    )


def _listen(
    line: Connection,
    worker: subprocess.Popen[bytes],
    result: LegResult,
    sign_in: SignIn,
    progress: Callable[[LegResult], None] | None,
    deadline: float,
) -> None:
    while time.monotonic() < deadline:
        if not line.poll(_POLL_SECONDS):
            if worker.poll() is not None:
                raise EOFError
            continue
        said: Said = line.recv()
        if isinstance(said, SignInWanted):
            line.send(sign_in(said.password))
        else:
            _take(result, said)
        if progress is not None and isinstance(said, Scenario):
            progress(result)
        if isinstance(said, Ended):
            return
    result.ended = Ended("the engine hung and was ended")


def _take(result: LegResult, said: Said) -> None:
    match said:
        case Scenario():
            result.scenarios.append(said)
        case Trouble():
            result.troubles.append(said)
        case LoggedOut():
            result.logged_out.append(said)
        case Ended():
            result.ended = said


def _last_words(worker: subprocess.Popen[bytes], errors: IO[bytes]) -> str:
    with suppress(subprocess.TimeoutExpired):
        worker.wait(_END_SECONDS)
    errors.seek(0)
    text = errors.read().decode("utf-8", "replace").strip()
    return f"the engine's process ended with {worker.poll()}: {text[-_QUOTED_CHARACTERS:]}"


def _end(worker: subprocess.Popen[bytes]) -> None:
    try:
        worker.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait(_END_SECONDS)
