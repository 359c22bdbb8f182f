"""Runs one command and ends it, with all that it started, when told to or when the process that asked for it is gone.

Run as a script by `harness.processes.kept` under `python -I -S` (standard library only, so that it starts in some 20 ms):
the order is JSON in the first argument, the environment is the command's. It answers with JSON lines on standard output
(`{"pid": …}` or `{"error": …}`, then `{"exit": …}`) and reads standard input: a line asks it to stop, and so does its end.

Why a process of its own: a death signal (`PR_SET_PDEATHSIG`) alone is bound to the thread that forked, reaches only the first
process, and removes nothing; a process that is killed cannot clean up. Should the keeper itself be killed, the command gets
that death signal all the same.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

PARENT_POLL_S = 0.25  # a fork of the parent may hold our standard input open, so its end alone is not trusted
KILL_WAIT_S = 5.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Keeps the process that the first argument orders; the exit status is 0 once it is gone."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    parent = os.getppid()
    wake = _wake_on_signals()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        child = _start(order)
    except (OSError, subprocess.SubprocessError) as error:
        _say({"error": f"{type(error).__name__}: {error}"})
        _remove(order["remove"])
        return 1
    _say({"pid": child.pid})
    _watch(child, parent, wake)
    code = _end(child, order["stop_signal"], order["grace_s"])
    _remove(order["remove"])
    _say({"exit": code})
    return 0


def _wake_on_signals() -> int:
    """A descriptor that becomes readable when a child ends or somebody asks us to stop."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return read_end


def _start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    keeper = os.getpid()

    def die_with_keeper() -> None:  # after the change of user, which clears the death signal
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, order["death_signal"], 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)

    user = {} if order["uid"] is None else {"user": order["uid"], "group": order["gid"], "extra_groups": []}
    with open(order["log"], "ab") as log:  # noqa: PTH123  (pathlib would double the time to start)
        return subprocess.Popen(
            order["command"],
            cwd=order["folder"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_keeper,
            **user,
        )


def _watch(child: subprocess.Popen[bytes], parent: int, wake: int) -> None:
    """Returns when the child ended, when we are asked to stop, or when the parent is gone."""
    while child.poll() is None and os.getppid() == parent:
        readable, _, _ = select.select([0, wake], [], [], PARENT_POLL_S)
        if 0 in readable:
            return
        if wake in readable and any(number != signal.SIGCHLD for number in os.read(wake, 64)):
            return


def _end(child: subprocess.Popen[bytes], stop_signal: int, grace_s: float) -> int:
    if child.poll() is None:
        kept = [child.pid, *_descendants(child.pid)]
        _signal_group(child.pid, stop_signal)
        _signal_each(kept, signal.SIGCONT)  # a paused process does not see the signal before
    _wait(child, grace_s)
    deadline = time.monotonic() + KILL_WAIT_S
    while (left := _descendants(os.getpid())) and time.monotonic() < deadline:
        _signal_group(child.pid, signal.SIGKILL)
        _signal_each(left, signal.SIGKILL)
        _wait(child, 0.01)
        _reap(left, child.pid)
    return _wait(child, 0.0)


def _wait(child: subprocess.Popen[bytes], timeout_s: float) -> int:
    with suppress(subprocess.TimeoutExpired):
        return child.wait(timeout_s)
    return -signal.SIGKILL


def _reap(pids: list[int], not_this: int) -> None:
    for pid in pids:
        if pid != not_this:
            with suppress(OSError):  # not our own child: its parent or the system reaps it
                os.waitpid(pid, os.WNOHANG)


def _descendants(root: int) -> list[int]:
    """Every living descendant of a process, from `/proc`; where that does not exist, the group alone is signalled."""
    parents: dict[int, int] = {}
    with suppress(FileNotFoundError):
        for name in os.listdir("/proc"):  # noqa: PTH208
            if name.isdigit() and (parent := _parent(name)) is not None:
                parents[int(name)] = parent
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found[1:]


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _signal_each(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _remove(paths: list[str]) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108


def _say(what: dict[str, Any]) -> None:
    with suppress(OSError):  # nobody listens any more
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
