"""A target starts, is watched while it starts, and is gone afterwards with all that it started."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.model.errors import PreflightError, TargetError
from harness.model.target import Commands
from harness.targets import live as live_module
from harness.targets.live import Launch, start, started
from tests.databases.lives import running, within
from tests.targets_runtime.conftest import SHOP, shop

Launcher = Callable[..., Launch]


def test_a_started_target_answers_and_is_gone_afterwards(launch: Launcher) -> None:
    with started(shop(), launch()) as live:
        assert live.alive()
        with live.client() as http:
            assert http.get("/health").json()["pid"] == live.pid
        assert live.log_path is not None
        assert live.log_path.name == "target.log"
    assert not live.alive()
    assert not running(live.pid)
    assert live.stop() == -signal.SIGTERM


def test_its_environment_holds_its_variables_a_secret_each_and_none_of_ours(
    launch: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_ARENA", "holds secrets")
    monkeypatch.setenv("COVERAGE_PROCESS_START", "/nowhere")
    target = dataclasses.replace(shop(), database_variable="SHOP_DATABASE")
    with started(target, launch(dsn="postgresql://made@up/here", extra={"EXTRA": "yes"})) as live, live.client() as http:
        seen = http.get("/environment").json()
    assert (seen["SHOP_DATABASE"], seen["EXTRA"], seen["SHOP_URL"]) == ("postgresql://made@up/here", "yes", live.base_url)
    assert len(seen["SHOP_KEY"]) == len(seen["OTHER_KEY"]) == 96
    assert seen["SHOP_KEY"] != seen["OTHER_KEY"]
    assert {seen["SHOP_KEY"], seen["OTHER_KEY"]} <= set(live.secrets)
    assert not [name for name in seen if name.startswith(("HARNESS_", "COVERAGE_"))]


def test_a_slow_start_is_waited_for(launch: Launcher) -> None:
    with started(shop("slow"), launch()) as live:
        assert live.alive()


def test_any_answer_below_500_is_health(launch: Launcher) -> None:
    with started(shop("no-health"), launch()) as live:
        assert live.alive()


def test_a_target_that_ends_is_quoted_without_its_secrets(launch: Launcher) -> None:
    began = time.monotonic()
    with pytest.raises(TargetError, match="shop ended with 3 before it answered") as caught:
        start(shop("ends"), launch())
    assert time.monotonic() - began < 8
    assert "the key <redacted> is refused | last words" in str(caught.value)
    assert "hint: its log is" in str(caught.value)


@pytest.mark.parametrize(("mode", "said"), [("hangs", "thinking"), ("unhealthy", "did not become healthy at /health in 2.5 s")])
def test_a_target_that_does_not_become_healthy_in_time_is_stopped(launch: Launcher, mode: str, said: str) -> None:
    opened: list[int] = []
    keep = live_module.keep

    def noting(*args: object, **options: object) -> object:
        process = keep(*args, **options)  # type: ignore[arg-type]
        opened.append(process.pid)
        return process

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(live_module, "keep", noting)
        with pytest.raises(TargetError, match="did not become healthy") as caught:
            start(shop(mode, start_timeout_s=2.5), launch())
    assert said in str(caught.value)
    assert len(opened) == 1
    assert not running(opened[0])


def test_a_command_that_does_not_exist_is_named(launch: Launcher) -> None:
    with pytest.raises(TargetError, match="shop: cannot start no-such-program") as caught:
        start(shop(commands=Commands(start=("no-such-program", "{port}"))), launch())
    assert "hint: check commands and folder" in str(caught.value)


def test_no_start_command_is_said(launch: Launcher) -> None:
    with pytest.raises(TargetError, match="gives no start command"):
        start(shop(commands=Commands()), launch())


def test_a_fixed_port_is_used_and_a_taken_one_refused(launch: Launcher) -> None:
    port = live_module.free_port()
    with started(shop(), launch(port=port)) as live:
        assert live.base_url == f"http://127.0.0.1:{port}"
        with pytest.raises(PreflightError, match=f"port {port} is in use"):
            start(shop(), launch(port=port))


def test_a_free_port_that_somebody_takes_first_is_tried_again(launch: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    free = live_module.free_port()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        ports = iter([holder.getsockname()[1], free])
        monkeypatch.setattr(live_module, "free_port", lambda: next(ports))
        with started(shop(), launch()) as live:
            assert live.base_url.endswith(f":{free}")


def test_another_process_that_answers_in_its_place_is_noticed(launch: Launcher) -> None:
    """The target that we start hangs, and an earlier one answers at the port."""
    with started(shop(), launch()) as other:
        port = other.base_url.rpartition(":")[2]
        command = ("{python}", str(SHOP), "hangs", "{host}", port, "{port}")
        impostor = dataclasses.replace(shop(), commands=Commands(start=command))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(live_module, "free_port", lambda: int(port))
            with pytest.raises(TargetError, match="something else answers at"):
                start(impostor, launch(label="second"))
        assert other.alive()


def test_a_dead_target_is_not_alive(launch: Launcher) -> None:
    with started(shop(), launch()) as live:
        os.kill(live.pid, signal.SIGKILL)
        assert within(5, lambda: not live.alive())
        assert live.stop() == -signal.SIGKILL


def test_a_stubborn_target_is_killed_after_the_grace_period(launch: Launcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_STOP_GRACE_S", 0.3)
    with started(shop("stubborn"), launch()) as live:
        pass
    assert live.stop() == -signal.SIGKILL
    assert not running(live.pid)


def test_what_the_target_left_behind_is_gone_too(launch: Launcher) -> None:
    with started(shop("daemon"), launch()) as live:
        assert live.log_path is not None
        child = int(live.log_path.read_text().split()[1])
        assert running(child)
    assert within(5, lambda: not running(child))


def test_a_restarted_target_has_the_same_address(launch: Launcher) -> None:
    with started(shop(), launch()) as live:
        before, address = live.pid, live.base_url
        live.restart()
        assert (live.base_url, live.alive()) == (address, True)
        assert live.pid != before
        assert not running(before)


def test_the_target_dies_with_the_harness(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from harness.targets.live import Launch, start
        from tests.targets_runtime.conftest import shop
        live = start(shop("daemon"), Launch(folder=Path({str(tmp_path)!r})))
        print(live.pid, live.log_path, flush=True)
        time.sleep(60)
    """)
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root) as harness:
        assert harness.stdout is not None
        pid, log = harness.stdout.readline().split()
        child = int(Path(log).read_text().split()[1])
        harness.send_signal(signal.SIGKILL)
    assert within(8, lambda: not running(int(pid)) and not running(child))


def test_a_target_with_an_address_is_only_looked_at(launch: Launcher) -> None:
    with started(shop(), launch()) as server:
        attached = dataclasses.replace(shop(), base_url=server.base_url, commands=Commands())
        with started(attached, launch()) as live:
            assert (live.pid, live.alive()) == (0, True)
            with pytest.raises(TargetError, match="was not started by the harness"):
                live.restart()
        assert server.alive()
    with pytest.raises(PreflightError, match="shop does not answer at"), started(attached, launch()):
        pass
