"""The harness's side of a kept process: start it, look at it, stop it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.model.errors import HarnessError

_KEEPER = Path(__file__).with_name("keeper.py")
_START_TIMEOUT_S = 15.0
_STOP_MARGIN_S = 10.0  # the keeper's own work after the grace period: killing, reaping, removing folders


class ProcessError(HarnessError):
    """A command could not be started."""


class KeptProcess:
    """A running command with everything that it starts; it dies with this process, even with SIGKILL.

    Safe to use from several threads. A fork of this process may look at it, but must not stop it.
    """

    def __init__(self, keeper: subprocess.Popen[bytes], stop_timeout_s: float) -> None:
        self._keeper = keeper
        self._stop_timeout_s = stop_timeout_s
        self._lock = threading.RLock()
        self._unread = b""
        self._exit: int | None = None
        self._ended = False
        self.pid = 0

    def alive(self) -> bool:
        """Whether the command still runs."""
        return not self._done(0.0)

    @property
    def exit_code(self) -> int | None:
        """How the command ended (negative: by that signal); None while it runs, or where nobody could tell."""
        self._done(0.0)
        return self._exit

    def wait(self, timeout_s: float) -> bool:
        """Waits for the end of the command and of all that it started; False when `timeout_s` passed before."""
        return self._done(timeout_s)

    def stop(self) -> int | None:
        """Ends the command (its stop signal, the grace period, then SIGKILL to all that is left); its exit code."""
        with self._lock:
            if self._keeper.stdin is not None and not self._keeper.stdin.closed:
                self._keeper.stdin.close()
            if not self._done(self._stop_timeout_s):
                self._keeper.kill()  # the command gets its death signal
            self._keeper.wait(_STOP_MARGIN_S)
            if self._keeper.stdout is not None:
                self._keeper.stdout.close()
            self._ended = True
            return self._exit

    def _done(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while not self._ended:
                answer = self._answer(max(0.0, deadline - time.monotonic()))
                if answer is None:
                    return False
                self._ended = "exit" in answer or not answer
                self._exit = answer.get("exit", self._exit)
            return True

    def _answer(self, timeout_s: float) -> dict[str, Any] | None:
        """The keeper's next line; an empty one when the keeper is gone, None when the time is over."""
        assert self._keeper.stdout is not None
        descriptor = self._keeper.stdout.fileno()
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                return None
            read = os.read(descriptor, 65536)
            if not read:
                return {}
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _await_start(self, command: Sequence[str]) -> None:
        answer = self._answer(_START_TIMEOUT_S)
        if answer and "pid" in answer:
            self.pid = int(answer["pid"])
            return
        reason = "it did not answer in time" if answer is None else answer.get("error", "its keeper ended")
        self.stop()
        raise ProcessError(f"cannot start {command[0]}: {reason}", hint="is it installed, and is the folder right?")


def keep(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    environ: Mapping[str, str],
    user: tuple[int, int] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals = signal.SIGKILL,
    grace_s: float = 10.0,
    remove: Sequence[Path] = (),
    hold: Sequence[int] = (),
) -> KeptProcess:
    """Starts a command in a session of its own.

    Args:
        command: the argument list.
        folder: where it runs.
        log: gets its standard output and error, appended.
        environ: its whole environment.
        user: user and group id to run as; None stays the same. Changing them takes root.
        stop_signal: asks the command's process group to end, at `stop()` and when this process is gone.
        death_signal: what the command itself gets in the rare case that its keeper is killed.
        grace_s: seconds between the stop signal and SIGKILL.
        remove: files and folders that are removed after its end, whoever ended it.
        hold: descriptors that stay open until then (such as that of a lock).

    Raises:
        ProcessError: when the command cannot be started.
    """
    order = {
        "command": list(command),
        "folder": str(folder),
        "log": str(log),
        "uid": user[0] if user else None,
        "gid": user[1] if user else None,
        "stop_signal": int(stop_signal),
        "death_signal": int(death_signal),
        "grace_s": grace_s,
        "remove": [str(path) for path in remove],
    }
    with log.open("ab") as errors:
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_KEEPER), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env=dict(environ),
            pass_fds=tuple(hold),
        )
    kept = KeptProcess(keeper, grace_s + _STOP_MARGIN_S)
    kept._await_start(command)
    return kept
