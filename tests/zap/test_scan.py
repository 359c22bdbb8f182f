"""Whole scans by a real daemon: what they give, and what keeps them from being whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.engines.process import Stop
from harness.engines.zap import scanning
from harness.engines.zap.daemon import Daemon
from harness.model.errors import EngineError
from harness.model.finding import Symptom
from harness.model.ledger import RowState
from harness.model.run import StageState
from tests.runner.tiny import TinyProject
from tests.zap import assembly, shop_project
from tests.zap.scans import last_run, payload, stage, verify
from tests.zap.shop_project import ADMIN, ADMIN_WITH_PAGES, BUYER

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
