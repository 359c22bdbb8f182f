"""Kept processes: they end when told, and cannot outlive whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.processes import KeptProcess, keep
from harness.processes.kept import ProcessError

SLEEPER = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
# Starts a child in a session of its own, as a daemon would, and tells its pid.
PARENT = (
    "import subprocess, sys, time; "
    f"p = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], start_new_session=True); print(p.pid, flush=True); time.sleep(60)"
)


def start(folder: Path, code: str, grace_s: float = 2.0, remove: tuple[Path, ...] = ()) -> KeptProcess:
    command = [sys.executable, "-c", code]
    return keep(command, folder=folder, log=folder / "log", environ=os.environ, grace_s=grace_s, remove=remove)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def first_line(path: Path) -> str:
    assert within(10, lambda: path.exists() and "\n" in path.read_text())
    return path.read_text().splitlines()[0]


def test_the_exit_code_is_the_commands(tmp_path: Path) -> None:
    kept = start(tmp_path, "import sys; print('bye'); sys.exit(7)")
    assert kept.wait(10)
    assert not kept.alive()
    assert kept.exit_code == 7
    assert kept.stop() == 7
    assert (tmp_path / "log").read_text() == "bye\n"


def test_a_running_command_is_alive_and_ends_when_told(tmp_path: Path) -> None:
    kept = start(tmp_path, SLEEPER)
    assert kept.alive()
    assert kept.exit_code is None
    assert not kept.wait(0.05)
    assert kept.stop() == -signal.SIGTERM
    assert not running(kept.pid)
    assert kept.stop() == -signal.SIGTERM


def test_a_command_that_ignores_the_signal_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    kept = start(tmp_path, STUBBORN, grace_s=0.3)
    first_line(tmp_path / "log")
    began = time.monotonic()
    assert kept.stop() == -signal.SIGKILL
    assert 0.25 < time.monotonic() - began < 5
    assert not running(kept.pid)


def test_a_paused_command_can_be_stopped(tmp_path: Path) -> None:
    kept = start(tmp_path, SLEEPER)
    os.kill(kept.pid, signal.SIGSTOP)
    began = time.monotonic()
    assert kept.stop() == -signal.SIGTERM
    assert time.monotonic() - began < 5  # its grace is 10 s, and a paused one would take all of it


def test_what_the_command_left_in_another_session_dies_too(tmp_path: Path) -> None:
    kept = start(tmp_path, PARENT)
    grandchild = int(first_line(tmp_path / "log"))
    assert running(grandchild)
    kept.stop()
    assert within(5, lambda: not running(grandchild))


def test_folders_are_removed_at_the_end(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").write_text("x")
    start(tmp_path, SLEEPER, remove=(data,)).stop()
    assert not data.exists()


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="cannot start no-such-command: FileNotFoundError"):
        keep(["no-such-command"], folder=tmp_path, log=tmp_path / "log", environ={"PATH": "/usr/bin"})


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_everything_dies_with_the_process_that_started_it(tmp_path: Path, how: signal.Signals) -> None:
    """The starter also leaves a fork of itself behind, which holds its descriptors open."""
    data = tmp_path / "data"
    data.mkdir()
    script = textwrap.dedent(f"""
        import os, signal, sys, time
        from pathlib import Path
        from harness.processes import keep
        signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
        folder = Path({str(tmp_path)!r})
        parent = [sys.executable, "-c", {PARENT!r}]
        kept = keep(parent, folder=folder, log=folder / "log", environ=os.environ, remove=[folder / "data"])
        fork = os.fork()
        if fork:
            print(kept.pid, fork, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    ) as starter:
        assert starter.stdout is not None
        child, fork = (int(word) for word in starter.stdout.readline().split())
        grandchild = int(first_line(tmp_path / "log"))
        starter.send_signal(how)
        try:
            assert within(8, lambda: not running(child) and not running(grandchild))
            assert within(5, lambda: not data.exists())
        finally:
            os.kill(fork, signal.SIGKILL)


def test_a_killed_keeper_takes_the_command_with_it(tmp_path: Path) -> None:
    kept = start(tmp_path, SLEEPER)
    keeper = psutil.Process(kept.pid).parent()
    assert keeper is not None
    keeper.kill()
    assert within(5, lambda: not running(kept.pid))
    assert not kept.alive()
    assert kept.exit_code is None
