"""Whole scans by a real daemon, and everything that can go wrong in the middle of one: never a pass, always by its cause."""

from __future__ import annotations

import dataclasses
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from harness.engines.engine import StageJob, StageOutcome
from harness.engines.process import Stop
from harness.engines.zap import scanning
from harness.engines.zap.daemon import Daemon
from harness.engines.zap_engine import ZapEngine
from harness.evidence.folder import RunFolder
from harness.evidence.stored import StoredRun
from harness.model.errors import EngineError
from harness.model.evidence import FindingsPayload
from harness.model.finding import Symptom
from harness.model.ledger import RowState
from harness.model.run import StageState
from harness.runner.request import Chosen, request_of
from harness.targets.arena import ArenaPlan
from tests.runner.tiny import Outcome, TinyProject
from tests.zap import assembly, shop_project
from tests.zap.shop_project import ADMIN, ADMIN_WITH_PAGES, BUYER
from tests.zap.test_client import Reply
from tests.zap.test_client import daemon as page


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    made = f"Aa1{secrets.token_hex(8)}"
    monkeypatch.setenv("SHOP_SECRET", made)
    return made


@pytest.fixture
def shared(zap: Daemon, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """The daemon of all tests, as one that runs already."""
    monkeypatch.setenv("HARNESS_ZAP_ADDRESS", zap.address)
    monkeypatch.setenv("HARNESS_ZAP_KEY", zap.key)
    return zap


def stage(project: TinyProject, *, stop: Stop | None = None, say: object = None, timeout_s: float = 100.0) -> StageOutcome:
    """The stage alone, in this process."""
    request = request_of(Chosen(), ("test",), project.folder)
    folder = project.folder / "run" / "stages" / "1-zap"
    (folder / "raw").mkdir(parents=True)
    job = StageJob(
        stage=request.project.stage("zap"),
        target=request.target,
        root=request.root,
        folder=folder,
        run=RunFolder(project.folder / "run"),
        seed=7,
        size="small",
        timeout_s=timeout_s,
        stop=stop or Stop(),
        progress=say if callable(say) else lambda _text: None,
        limits=request.project.limits.load,
        arena=ArenaPlan(request.target_file, folder / "raw"),
        environment={},
    )
    return ZapEngine().run(job)


def payload(project: TinyProject, outcome: StageOutcome) -> FindingsPayload:
    found = StoredRun(project.folder / "run").payload(outcome.evidence[0])
    assert isinstance(found, FindingsPayload)
    return found


def last_run(project: TinyProject) -> StoredRun:
    return project.runs()[-1]


def verify(project: TinyProject, *arguments: str) -> Outcome:
    return project.run("verify", *arguments)


# -- what a scan gives


@pytest.mark.usefixtures("shared")
def test_a_genuine_alert_travels_to_the_report_and_the_rules_that_are_missing_are_named(tmp_path: Path, secret: str) -> None:
    project = shop_project.make(tmp_path / "project", SHOP_ECHO="1")
    outcome = verify(project)
    assert outcome.code == 1, outcome.stderr
    run = last_run(project)
    assert {(f.rule, f.operation, f.parameter, f.role, f.cwe, f.owasp) for f in run.findings} == {
        ("zap.999001", "GET /search", "q", role, 79, "A05:2025") for role in ("buyer", "admin")
    }
    assert {f.confidence for f in run.findings} == {"high"}, "a second, different request showed it again"
    gate = run.verdict.gates[0]
    assert any("40018 SQL Injection" in line and "40012 Cross Site Scripting (Reflected)" in line for line in gate.details)
    report = (run.folder / "report/index.html").read_text(encoding="utf-8")
    assert "Markup is echoed" in report
    assert "&lt;i&gt;echo-4f1d&lt;/i&gt;" in report
    assert "<i>echo-4f1d</i>" not in report

    replayed = project.run("replay", run.findings[0].fingerprint)
    assert replayed.code == 1, replayed.stderr
    for path in run.folder.rglob("*"):
        if path.is_file():
            assert secret not in path.read_text(encoding="utf-8", errors="replace"), path


@pytest.mark.usefixtures("shared")
def test_a_scan_that_finds_nothing_is_unknown_for_the_rules_that_are_missing_by_name(tmp_path: Path) -> None:
    project = shop_project.make(tmp_path / "project", roles=BUYER)
    outcome = verify(project)
    assert outcome.code == 3, outcome.stderr
    run = last_run(project)
    assert run.findings == ()
    for rule in ("6 Path Traversal", "40018 SQL Injection", "90035 Server Side Template Injection"):
        assert rule in run.verdict.gates[0].reason
    assert "10038" in run.verdict.gates[0].reason, "a passive rule"
    row = next(row for row in run.ledger.rows if row.row == "7.3.1")
    assert row.state is RowState.UNKNOWN
    assert "zap: scan as buyer could not run" in row.reason


@pytest.mark.usefixtures("shared")
def test_a_scan_that_has_all_that_its_profile_demands_is_whole(tmp_path: Path) -> None:
    project = shop_project.make(tmp_path / "project", only_our_rule=True)
    outcome = stage(project)
    assert (outcome.state, outcome.reason) == (StageState.RAN, "")
    found = payload(project, outcome)
    assert found.findings == ()
    buyer, admin = found.scans
    assert (buyer.role, buyer.log_in) == ("buyer", "ZAP logged in 1 times, 0 failed")
    assert (admin.role, admin.log_in) == ("admin", "with a session of ours: 5 operations answered that ask for one")
    assert buyer.left_out == {
        "POST /logout": "it ends sessions or destroys what the scan needs, by the target file or by its own form",
        "DELETE /orders/{id}": "it deletes what the rest of the scan needs; not its address, which is aimed at as "
        "GET /orders/{id}",
    }
    assert [(rule.rule, rule.state, rule.requests > 0) for rule in buyer.rules] == [("999001", "Complete", True)]
    assert buyer.statuses["200"] > 3
    assert buyer.parameters == len(("username", "password", "username", "password", "q", "note", "id"))
    assert [(r.operations, r.reached, r.logged_in, r.roles) for r in found.reach] == [
        (7, 7, True, ("buyer",)),
        (5, 5, True, ("admin",)),
    ]
    assert [r.parameters for r in found.reach] == [buyer.parameters, admin.parameters]
    assert {(scan.version, scan.armed_with) for scan in found.scans} == {(assembly.VERSION, "1 active and 0 passive rules")}
    assert "1 active and 0 passive rules" in found.observations[0].text


@pytest.mark.usefixtures("shared")
def test_the_pages_behind_a_form_are_scanned_with_a_session_of_their_own(tmp_path: Path, secret: str) -> None:
    project = shop_project.make(tmp_path / "project", only_our_rule=True, roles=ADMIN_WITH_PAGES, SHOP_DESK_ECHO="1")
    outcome = stage(project)
    assert (outcome.state, outcome.reason) == (StageState.RAN, "")
    found = payload(project, outcome)
    (scan,) = found.scans
    assert "3 of 3 pages behind the log-in form were reached" in scan.notes
    assert [(reach.operations, reach.reached) for reach in found.reach] == [(7, 7)]
    (finding,) = found.findings
    assert (finding.rule, finding.operation, finding.parameter) == ("zap.999001", "GET /desk/find", "word")
    assert finding.severity_reason == "confirmed by a second, different request"
    assert finding.symptom == Symptom(), "a request as this role, sent alone, only leads to the log-in"
    assert "POST /desk/logout" in scan.left_out
    assert "GET /desk/find" in found.examined[0].operations
    for path in (project.folder / "run").rglob("*"):
        assert not path.is_file() or secret not in path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("variables", "roles", "why"),
    [
        ({"SHOP_FORGETS_AFTER": "25"}, ADMIN_WITH_PAGES, "the session of the pages was over at the end: /desk answers 303"),
        ({}, ADMIN_WITH_PAGES.replace("/desk/login", "/about"), "the form at /about lets nobody in"),
    ],
    ids=["over", "no form"],
)
def test_pages_that_were_not_scanned_as_the_role_are_a_gap(
    tmp_path: Path, variables: dict[str, str], roles: str, why: str
) -> None:
    project = shop_project.make(tmp_path / "project", only_our_rule=True, roles=roles, **variables)
    outcome = stage(project)
    assert outcome.state is StageState.PARTIAL
    assert why in outcome.reason


def test_the_plan_of_each_role_lies_in_the_run_without_secrets_and_with_real_ids(
    shared: Daemon, tmp_path: Path, secret: str
) -> None:
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True)
    stage(project)
    text = (project.folder / "run/stages/1-zap/raw/buyer/plan.yaml").read_text(encoding="utf-8")
    assert secret not in text
    plan = yaml.safe_load(text)
    urls = [request["url"].rpartition("/")[2] for request in plan["jobs"][0]["requests"] if "/orders/" in request["url"]]
    assert urls == ["1"]
    assert "logout" not in str(plan["jobs"])
    assert plan["env"]["contexts"][0]["authentication"]["verification"]["method"] == "poll"
    handed_over = Path(shared.client().core.zap_home_path) / "transfer"
    assert [path.name for path in handed_over.glob("buyer-*.yaml")]
    for path in handed_over.iterdir():
        assert secret not in path.read_text(encoding="utf-8"), "a daemon that goes on keeps no password"


@pytest.mark.usefixtures("shared")
def test_without_attacks_the_scan_is_not_whole(tmp_path: Path) -> None:
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True)
    project.change("targets/shop.toml", "active_scan = true", "active_scan = false")
    outcome = stage(project)
    assert outcome.state is StageState.PARTIAL
    assert "shop does not allow active_scan" in outcome.reason
    (scan,) = payload(project, outcome).scans
    assert scan.rules == ()


def test_without_a_zap_the_plan_is_unknown_and_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_ZAP", str(tmp_path / "gone"))
    project = shop_project.make(tmp_path / "project")
    outcome = verify(project)
    assert outcome.code == 3
    assert "no ZAP: HARNESS_ZAP names" in outcome.stderr
    assert "get one: " in outcome.stderr
    row = next(row for row in last_run(project).ledger.rows if row.row == "7.3.1")
    assert (row.state, "no ZAP: HARNESS_ZAP names" in row.reason) == (RowState.UNKNOWN, True)


def test_a_scan_profile_that_does_not_exist_stops_the_run_before_anything_starts(tmp_path: Path) -> None:
    project = shop_project.make(tmp_path / "project")
    outcome = verify(project, "--scan-profile", "basline")
    assert outcome.code == 2
    assert 'did you mean "baseline"?' in outcome.stderr
    assert project.runs() == []


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("writes", [True, False])
def test_a_target_that_allows_no_writes_gets_none(tmp_path: Path, writes: bool) -> None:
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True, SHOP_FORM="1")
    project.change("targets/shop.toml", "writes = true", f"writes = {str(writes).lower()}")
    outcome = stage(project)
    assert (outcome.state, outcome.reason) == (StageState.RAN, "")
    (scan,) = payload(project, outcome).scans
    written = project.folder / "written"
    assert (written.is_file() and "POST /contact" in written.read_text().splitlines()) is writes
    assert written.exists() is writes, "log-ins are not counted"
    assert ("POST /orders" in scan.left_out) is not writes
    assert any(note.startswith("the target allows no writes: no ") for note in scan.notes) is not writes


# -- what the target is left with

RESET = """[commands]
reset = ["{python}", "-c", "open('resets', 'a').write('.')"]"""


def with_reset(folder: Path, command: str = RESET) -> TinyProject:
    """A project whose target keeps its data, and is put back by its own command."""
    project = shop_project.make(folder, roles=BUYER, only_our_rule=True)
    project.change("targets/shop.toml", "[commands]", command)
    return project


@pytest.mark.usefixtures("shared")
def test_a_target_that_keeps_its_data_is_reset_before_each_use_and_after_the_scan(tmp_path: Path) -> None:
    project = with_reset(tmp_path / "project")
    assert stage(project).state is StageState.RAN
    assert (project.folder / "resets").read_text() == "...", "to find requests, for the one role, and at the end"


@pytest.mark.usefixtures("shared")
def test_it_is_reset_too_where_the_scan_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = with_reset(tmp_path / "stopped")
    stop = Stop()

    def interrupt(text: str) -> None:
        if text.startswith("buyer:"):
            stop.signal = "SIGINT"

    assert stage(stopped, stop=stop, say=interrupt).state is StageState.PARTIAL
    assert (stopped.folder / "resets").read_text() == "..."

    monkeypatch.setenv("HARNESS_ZAP_KEY", "not the key")
    refused = with_reset(tmp_path / "refused")
    with pytest.raises(EngineError, match="bad_api_key"):
        stage(refused)
    assert (refused.folder / "resets").read_text() == "..", "to find requests, and at the end"


@pytest.mark.usefixtures("shared")
def test_a_reset_that_fails_after_the_scan_is_a_gap_and_what_was_found_stands(tmp_path: Path) -> None:
    count = "import sys; resets = open('resets', 'a'); resets.write('.'); sys.exit(resets.tell() > 2)"
    project = with_reset(tmp_path / "project", RESET.replace("open('resets', 'a').write('.')", count))
    outcome = stage(project)
    assert outcome.state is StageState.PARTIAL
    assert outcome.reason.startswith("after the scan the target's data was not put back: shop: reset")
    (scan,) = payload(project, outcome).scans
    assert scan.gaps == ()


# -- what goes wrong in the middle


@pytest.mark.usefixtures("shared")
def test_a_target_that_dies_in_mid_scan_is_seen_dead(tmp_path: Path) -> None:
    project = shop_project.make(tmp_path / "project", roles=BUYER, only_our_rule=True, SHOP_DIES_AFTER="22")
    outcome = stage(project)
    assert outcome.state is StageState.PARTIAL
    assert "not seen alive after the scan" in outcome.reason
    assert payload(project, outcome).examined == (), "nothing is called fixed by such a scan"


@pytest.mark.usefixtures("shared")
def test_a_session_that_ends_in_mid_scan_is_found_out(tmp_path: Path) -> None:
    project = shop_project.make(tmp_path / "project", roles=ADMIN, only_our_rule=True, SHOP_FORGETS_AFTER="20")
    outcome = stage(project)
    assert outcome.state is StageState.PARTIAL
    assert "the session of admin was over at the end: /me answers 401" in outcome.reason
    assert "/me Expected : 200 Received : 401" in outcome.reason, "the plan's own proof"
    found = payload(project, outcome)
    assert [reach.logged_in for reach in found.reach] == [False]
    assert found.examined == (), "nothing is called fixed by a scan that went on as nobody"


@pytest.mark.usefixtures("shared")
def test_a_wrong_password_is_found_out_although_zap_keeps_the_session_of_the_scan_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = shop_project.make(tmp_path / "good", roles=BUYER, only_our_rule=True)
    assert stage(good).state is StageState.RAN
    real = scanning.entry_of

    def mistyped(door, role, user, *rest):  # type: ignore[no-untyped-def]
        entry = real(door, role, user, *rest)
        entry.context["users"][0]["credentials"]["password"] = "not the password"
        return entry

    monkeypatch.setattr(scanning, "entry_of", mistyped)
    bad = shop_project.make(tmp_path / "bad", roles=BUYER, only_our_rule=True)
    outcome = stage(bad)
    assert outcome.state is StageState.PARTIAL
    assert "somebody logged in [0 < 1]" in outcome.reason, "the plan's own proof"
    (scan,) = payload(bad, outcome).scans
    assert "no log-in was proved: whatever was sent may have been sent as nobody" in scan.gaps
    assert "5 of 7 operations were not reached" in scan.gaps


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


def zap_processes(folder: Path) -> list[int]:
    """Daemons that log into the folder."""
    found = []
    for process in psutil.process_iter(("cmdline",)):
        arguments = process.info["cmdline"] or []
        if "org.zaproxy.zap.ZAP" in arguments and any(name.startswith(str(folder)) for name in _files(process)):
            found.append(process.pid)
    return found


def _files(process: psutil.Process) -> Iterator[str]:
    for number in (1, 2):
        yield str(Path(f"/proc/{process.pid}/fd/{number}").readlink())


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
