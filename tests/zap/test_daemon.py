"""A real daemon without stock rules: its interface, its refusals and its deaths are real."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.engines.zap import daemon as module
from harness.engines.zap.alerts import read_alerts
from harness.engines.zap.client import Zap
from harness.engines.zap.daemon import Daemon, opened, settings_file
from harness.engines.zap.honesty import gaps
from harness.engines.zap.model import ScanFacts
from harness.engines.zap.reading import api_alerts, rule_states, scan_counts
from harness.engines.zap.source import SourceKind, ZapSource, installed
from harness.model.errors import EngineError
from harness.model.finding import Severity
from tests.zap import assembly, recorded
from tests.zap.test_client import Reply
from tests.zap.test_client import daemon as page


def test_it_says_its_version(zap: Daemon) -> None:
    assert zap.client().core.version == assembly.VERSION


def test_a_wrong_key_is_refused_by_name(zap: Daemon) -> None:
    with pytest.raises(EngineError, match="bad_api_key"):
        _ = Zap(zap.address, "not the key").core.version


def test_an_unknown_scan_and_a_missing_add_on_are_errors(zap: Daemon) -> None:
    with pytest.raises(EngineError, match="does_not_exist"):
        zap.client().ascan.status("999")
    with pytest.raises(EngineError, match="no_implementor"):
        zap.client().openapi.import_url("http://127.0.0.1:1/")


def test_an_alert_travels_the_whole_way_to_a_finding(zap: Daemon) -> None:
    client = zap.client()
    with page(Reply(body="hello")) as address:
        client.core.access_url(f"{address}/things/17?q=x")
        message = client.core.messages(baseurl=address)[0]["id"]
        client.alert.add_alert(message, "A hole", "3", "3", "It is open.", param="q", cweid="79")
        alerts = api_alerts(client.alert.alerts(baseurl=address))
    (finding,) = read_alerts(alerts, ("/things/{id}",), stage="zap", role="partner").findings
    assert (finding.operation, finding.parameter, finding.cwe, finding.severity) == ("GET /things/{id}", "q", 79, Severity.HIGH)


def test_a_scan_without_the_wanted_rules_reads_finished_and_is_not_whole(zap: Daemon) -> None:
    client = zap.client()
    with page(Reply(body="hello")) as address:
        client.core.access_url(f"{address}/")
        scan = client.ascan.scan(f"{address}/")
        deadline = time.monotonic() + 60
        while client.ascan.status(scan) != "100" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert client.ascan.status(scan) == "100"
        requests, progress = scan_counts(client.ascan.scans, scan)
        rules = rule_states(client.ascan.scan_progress(scan))
    facts = ScanFacts(requests, progress, rules, ("40012",), {200: 3}, 1, 1, alive_before=True, alive_after=True)
    assert [rule.rule for rule in rules] == [assembly.RULE]
    assert "1 wanted rules were not in the scan: 40012" in gaps(facts)


def test_one_that_was_stopped_ends_our_call_in_time_and_lives_on(zap: Daemon) -> None:
    assert zap.process is not None
    with frozen(zap.process.pid):
        started = time.monotonic()
        with pytest.raises(EngineError, match="did not answer"):
            _ = zap.client(timeout_s=1).core.version
        assert time.monotonic() - started < 5
    assert zap.client().core.version == assembly.VERSION


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_running_one_is_taken_as_it_is_and_lives_on(zap: Daemon, tmp_path: Path) -> None:
    with opened(ZapSource(SourceKind.RUNNING, zap.address, key=zap.key), tmp_path) as same:
        assert same.client().core.version == assembly.VERSION
    assert zap.client().core.version == assembly.VERSION
    with (
        pytest.raises(EngineError, match="bad_api_key"),
        opened(ZapSource(SourceKind.RUNNING, zap.address, key="not the key"), tmp_path),
    ):
        pass


def test_one_whose_port_was_taken_takes_another_and_one_that_was_killed_leaves_no_process(
    zap: Daemon, installation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its port is in use ZAP ends with 0; the second port is free."""
    taken = int(zap.address.rpartition(":")[2])
    ports = iter((taken, module.free_port()))
    monkeypatch.setattr(module, "free_port", lambda: next(ports))
    with opened(installed(installation), tmp_path, memory_mb=256) as other:
        assert other.address != zap.address
        assert other.process is not None
        home = Path(other.client().core.zap_home_path)
        assert home.is_dir()
        os.kill(other.process.pid, signal.SIGKILL)
        assert other.process.wait(10)
        assert "ended by itself with -9" in other.gone()
        with pytest.raises(EngineError, match="gave no answer"):
            _ = other.client(timeout_s=5).core.version
    assert not Path(f"/proc/{other.process.pid}").exists()
    assert not home.parent.exists(), "plans with passwords were handed to it"
    assert other.key not in (tmp_path / "zap.log").read_text(encoding="utf-8")
    assert zap.client().core.version == assembly.VERSION


def test_its_heap_is_bounded_and_its_key_is_in_no_argument(zap: Daemon) -> None:
    assert zap.process is not None
    words = Path(f"/proc/{zap.process.pid}/cmdline").read_bytes().decode().split("\0")
    assert "-Xmx512m" in words
    assert zap.key
    assert not [word for word in words if zap.key in word]


def test_its_settings_keep_it_from_ending_itself_and_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = settings_file(tmp_path, "the key")
    assert path.stat().st_mode & 0o777 == 0o600
    assert {"api.key=the key", "insights.exitAuto=false"} <= set(path.read_text(encoding="utf-8").splitlines())


def test_one_that_ended_itself_is_said_to_be_gone_in_its_own_words(tmp_path: Path) -> None:
    """What the recorded daemon said when that setting was as delivered: it ends with 0."""
    said = recorded.FOLDER / "api/insights-self-shutdown.txt"
    program = tmp_path / "zap.sh"
    program.write_text(f"#!/bin/sh\ngrep ZAP-Insights '{said}'\n", encoding="utf-8")
    program.chmod(0o755)
    ended = r"ended by itself with 0: .*Shutting down ZAP due to High Level Insight"
    with pytest.raises(EngineError, match=ended), opened(installed(program), tmp_path):
        pass


def test_one_whose_heap_is_too_small_is_said_to_have_run_out_of_memory(installation: Path, tmp_path: Path) -> None:
    """It ends with 0 then."""
    with (
        pytest.raises(EngineError, match=r"ran out of memory: java\.lang\.OutOfMemoryError: .* \(options\.memory_mb"),
        opened(installed(installation), tmp_path, memory_mb=16),
    ):
        pass


def test_a_program_that_is_no_zap_is_an_error_with_its_words(tmp_path: Path) -> None:
    program = tmp_path / "zap.sh"
    program.write_text("#!/bin/sh\necho no java here\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(EngineError, match=r"ended by itself with 0: .*no java here"), opened(installed(program), tmp_path):
        pass
