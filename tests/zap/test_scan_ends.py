"""What ends a scan in the middle: never a pass, always by its cause."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.engines.process import Stop
from harness.engines.zap import scanning
from harness.engines.zap.daemon import Daemon
from harness.model.errors import EngineError
from harness.model.run import StageState
from tests.zap import shop_project
from tests.zap.scans import stage, zap_processes
from tests.zap.shop_project import BUYER
from tests.zap.test_client import Reply
from tests.zap.test_client import daemon as page


def test_a_zap_that_is_killed_in_mid_scan_is_said_to_be_gone(
    installation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_ZAP", str(installation))
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True, SHOP_SLOW_S="0.3")
    killed: list[int] = []

    def kill(text: str) -> None:
        if text.startswith("buyer:") and not killed:
            killed.extend(zap_processes(tmp_path))
            os.kill(killed[0], signal.SIGKILL)

    outcome = stage(project, say=kill)
    assert killed
    assert outcome.state is StageState.PARTIAL
    assert "ZAP ended by itself with -9" in outcome.reason
    assert zap_processes(tmp_path) == []


def test_a_zap_that_hangs_in_mid_scan_ends_the_scan_in_our_time(
    shared: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "CALL_TIMEOUT_S", 1.0)
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True, SHOP_SLOW_S="0.2")
    assert shared.process is not None
    pid = shared.process.pid
    waker = threading.Timer(12.0, os.kill, (pid, signal.SIGCONT))

    def freeze(text: str) -> None:
        if text.startswith("buyer:"):
            os.kill(pid, signal.SIGSTOP)

    waker.start()
    started = time.monotonic()
    try:
        outcome = stage(project, say=freeze)
    finally:
        waker.cancel()
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - started < 30
    assert outcome.state is StageState.PARTIAL
    assert "did not answer" in outcome.reason
    shared.client().ascan.stop_all_scans()


def test_a_zap_that_runs_out_of_memory_in_mid_scan_is_found_out_by_its_log_and_the_next_scan_is_not(
    shared: Daemon, tmp_path: Path
) -> None:
    """A thread that meets that error is gone, and the plan ends all the same: here the log alone has the line."""
    log = Path(shared.client().core.zap_home_path) / "zap.log"
    said: list[str] = []

    def run_out(text: str) -> None:
        if text.startswith("buyer:") and not said:
            said.append('2026-11-30 04:09:08,811 [ZAP-Scanner] ERROR - Exception in thread "ZAP-Scanner"')
            said.append("java.lang.OutOfMemoryError: Java heap space")
            with log.open("a", encoding="utf-8") as end:
                end.write("\n".join(("", *said, "")))

    outcome = stage(shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True), say=run_out)
    assert outcome.state is StageState.PARTIAL
    assert outcome.reason.startswith("ZAP ran out of memory: java.lang.OutOfMemoryError: Java heap space")
    assert stage(shop_project.make(tmp_path / "next", roles=BUYER, only_our_rule=True)).state is StageState.RAN


@pytest.mark.usefixtures("shared")
def test_a_scan_without_time_left_is_cut_off_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_GRACE_S", 5.0)
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True, SHOP_SLOW_S="0.4")
    with deadline(monkeypatch, 3.0):
        outcome = stage(project)
    assert outcome.state is StageState.PARTIAL
    assert "the scan was cut off after the time of its scan profile ci" in outcome.reason


@contextmanager
def deadline(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[None]:
    """Scans that have so much time, whatever their profile says."""
    real = scanning.scan

    def hurried(order: scanning.ScanOrder) -> scanning.ScanDone:

        return real(dataclasses.replace(order, deadline=time.monotonic() + seconds))

    monkeypatch.setattr("harness.engines.zap.rounds.scan", hurried)
    yield


@pytest.mark.usefixtures("shared")
def test_the_run_s_stop_ends_the_scan(tmp_path: Path) -> None:
    stop = Stop()

    def interrupt(text: str) -> None:
        if text.startswith("buyer:"):
            stop.signal = "SIGINT"

    project = shop_project.make(tmp_path / "project", only_our_rule=True, SHOP_SLOW_S="0.3")
    outcome = stage(project, stop=stop, say=interrupt)
    assert outcome.state is StageState.PARTIAL
    assert "buyer: stopped by SIGINT" in outcome.reason
    assert "admin: not scanned: stopped by SIGINT" in outcome.reason


@pytest.mark.usefixtures("shared")
def test_a_wrong_key_and_another_program_at_the_address_are_errors_that_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_ZAP_KEY", "not the key")
    with pytest.raises(EngineError, match="bad_api_key"):
        stage(shop_project.make(tmp_path / "key"))
    with page(Reply(body="<html>a shop</html>")) as address:
        monkeypatch.setenv("HARNESS_ZAP_ADDRESS", address)
        with pytest.raises(EngineError, match="is no ZAP"):
            stage(shop_project.make(tmp_path / "address"))
