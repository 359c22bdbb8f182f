"""The same traps against a real daemon: it has no rules, but its interface, its refusals and its deaths are real."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.engines.zap.alerts import read_alerts
from harness.engines.zap.honesty import gaps
from harness.engines.zap.model import ScanFacts
from harness.engines.zap.reading import api_alerts, rule_states, scan_counts
from harness.model.errors import EngineError
from harness.model.finding import Severity
from tests.zap import daemon
from tests.zap.daemon import Daemon
from tests.zap.test_client import Reply
from tests.zap.test_client import daemon as page


@pytest.fixture(scope="module")
def zap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    if why := daemon.missing():
        pytest.skip(f"no real ZAP: {why}")
    try:
        daemon.assemble()
    except EngineError as error:
        pytest.skip(f"no real ZAP: {error.message}")
    with daemon.running(tmp_path_factory.mktemp("zap")) as running:
        yield running


def test_it_says_its_version(zap: Daemon) -> None:
    assert zap.client().core.version == daemon.VERSION


def test_a_wrong_key_is_refused_by_name(zap: Daemon) -> None:
    with pytest.raises(EngineError, match="bad_api_key"):
        _ = zap.client(key="not the key").core.version


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


def test_a_scan_without_rules_reads_finished_and_is_not_whole(zap: Daemon) -> None:
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
    assert "no active rule ran" in gaps(facts)
    assert "1 wanted rules were not in the scan: 40012" in gaps(facts)


def test_one_that_was_stopped_ends_our_call_in_time_and_lives_on(zap: Daemon) -> None:
    with frozen(zap.process.pid):
        started = time.monotonic()
        with pytest.raises(EngineError, match="did not answer"):
            _ = zap.client(timeout_s=1).core.version
        assert time.monotonic() - started < 5
    assert zap.client().core.version == daemon.VERSION


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_one_that_was_killed_is_an_error_and_leaves_no_process(zap: Daemon, tmp_path: Path) -> None:
    with daemon.running(tmp_path) as other:
        os.kill(other.process.pid, signal.SIGKILL)
        assert other.process.wait(10)
        with pytest.raises(EngineError, match="gave no answer"):
            _ = other.client(timeout_s=5).core.version
    assert not Path(f"/proc/{other.process.pid}").exists()
    assert zap.client().core.version == daemon.VERSION
