"""The life of a planted hole, by the commands that people type: found, waived, expired, mended, back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from harness.evidence.stored import StoredRun
from harness.model.waiver import FindingState
from tests.runner import tiny
from tests.runner.tiny import TinyProject

PROBE = """
from harness.model.evidence import Reach
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.waiver import Examined

def test_the_page_says_no_hello(live_target, record):
    record.reach(Reach("probes", 1, 1, True, requests=1))
    record.examined(Examined("probes", ("page.greets",), ("GET /",)))
    with live_target.client() as http:
        greets = "hello" in http.get("/").text
    if greets:
        record.finding(Finding("page.greets", "The page greets", Severity.HIGH, Confidence.HIGH, "security", ("probes",),
            "GET", "/", steps=(Request("GET", "/"),), symptom=Symptom(body_contains="hello")))
    assert not greets
"""
ALERT = """
from harness.engines.zap.alerts import read_alerts
from harness.engines.zap.model import Alert
from harness.model.evidence import Reach
from harness.model.waiver import Examined

def test_the_scan_raises_no_alert(live_target, record):
    record.reach(Reach("zap", 1, 1, True, requests=1))
    record.examined(Examined("zap", ("zap.10021",), ("", "GET /"), ("",)))
    with live_target.client() as http:
        sniffed = "x-content-type-options" not in http.get("/").headers
    alert = Alert("10021", "X-Content-Type-Options Header Missing", 1, 2, "GET", live_target.base_url + "/",
        "x-content-type-options", cwe=693, tags=("OWASP_2025_A02",))
    for finding in read_alerts((alert,) if sniffed else (), ("/",), stage="security").findings:
        record.finding(finding)
    assert not sniffed
"""
ANSWERS = "        self.send_response(200)\n"
NOSNIFF = ANSWERS + '        self.send_header("X-Content-Type-Options", "nosniff")\n'
HOLES = {"what a probe finds": (PROBE, 'b"hello"', 'b"bye"'), "what ZAP raises": (ALERT, ANSWERS, NOSNIFF)}
REASON = "the greeting goes with the next release"


@pytest.fixture
def project(tmp_path: Path) -> TinyProject:
    made = tiny.make(tmp_path / "project")
    made.write("suites/security/test_security.py", PROBE)
    return made


def verify(project: TinyProject) -> tuple[int, StoredRun]:
    code = project.run("verify").code
    return code, project.runs()[-1]


def state(run: StoredRun) -> list[FindingState]:
    return [status.state for status in run.history.statuses]


@pytest.mark.parametrize(("suite", "bad", "good"), HOLES.values(), ids=HOLES)
def test_a_hole_is_found_waived_expires_fails_again_is_mended_and_comes_back_as_regressed(
    project: TinyProject, suite: str, bad: str, good: str
) -> None:
    project.write("suites/security/test_security.py", suite)
    code, found = verify(project)
    assert (code, state(found)) == (1, [FindingState.NEW])
    fingerprint = found.findings[0].fingerprint
    shown = project.run("replay", fingerprint)
    assert (shown.code, "the defect is still there" in shown.stdout) == (1, True), shown.stderr

    told = project.run(
        "findings", "waive", fingerprint[:8], "--reason", REASON, "--owner", "ana", "--approver", "bo", "--days", "60"
    )
    assert told.code == 0, told.stderr
    code, waived = verify(project)
    assert (code, state(waived)) == (0, [FindingState.ACCEPTED])

    told = project.run("judge", waived.folder.name, "--today", "2099-01-01")
    assert told.code == 1
    assert "its waiver expired" in told.stdout + told.stderr
    assert project.run("judge", waived.folder.name).code == 0, "as of its own end the run is what it was"

    (project.folder / "security/waivers.toml").unlink()
    assert project.run("findings", "diff", "--accept-base").code == 0
    assert project.run("findings", "diff").code == 0, "nothing is new against itself"

    project.change("server.py", bad, good)
    replayed = project.run("replay", fingerprint, "--run", found.folder.name)
    assert (replayed.code, "the defect does not show any more" in replayed.stdout) == (0, True), replayed.stderr
    code, mended = verify(project)
    assert (code, state(mended)) == (0, [FindingState.FIXED])
    assert project.run("findings", "diff", "--accept-base").code == 0

    project.change("server.py", good, bad)
    code, back = verify(project)
    assert (code, state(back)) == (1, [FindingState.REGRESSED])
    assert project.run("findings", "diff").code == 1

    rows = list(csv.DictReader((back.folder / "findings.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["state"], row["fingerprint"]) for row in rows] == [("regressed", fingerprint)]
    sarif = json.loads((back.folder / "report/findings.sarif").read_text(encoding="utf-8"))
    assert sarif["runs"][0]["results"][0]["baselineState"] == "new"
    assert "regressed" in (back.folder / "report/index.html").read_text(encoding="utf-8")


def test_a_wrong_waiver_file_stops_the_run_before_anything_starts(project: TinyProject) -> None:
    project.write("security/waivers.toml", "[[waivers]]\nfingerprint = 'x'\n")
    outcome = project.run("verify")
    assert outcome.code == 2
    assert "security/waivers.toml" in outcome.stderr
    assert project.runs() == []


def test_a_base_that_is_something_else_stops_the_run_before_anything_starts(project: TinyProject) -> None:
    project.write("security/known.json", '{"format": "another/1"}')
    outcome = project.run("verify")
    assert outcome.code == 2
    assert project.runs() == []


def test_a_waiver_is_refused_where_the_owner_approves_it_and_the_file_stays_as_it_was(project: TinyProject) -> None:
    _, found = verify(project)
    refused = project.run(
        "findings", "waive", found.findings[0].fingerprint, "--reason", REASON, "--owner", "ana", "--approver", "Ana"
    )
    assert refused.code == 2
    assert "owns it and approves it" in refused.stderr
    assert not (project.folder / "security/waivers.toml").exists()
    given = ("--reason", REASON, "--owner", "ana", "--approver", "ben")
    for when, why in (("--expires", "soon"), ("--expires", "2026-12-01xyz"), ("--days", "99999999999")):
        wrong = project.run("findings", "waive", found.findings[0].fingerprint, *given, when, why)
        assert (wrong.code, f"{when} {why} is no day" in wrong.stderr) == (2, True)
    assert project.run("findings", "waive", "", "--owner", "ana").code == 2
    shown = project.run("findings", "show", found.findings[0].fingerprint)
    assert "harness replay" in shown.stdout
    listed = project.run("findings", "list", "--json", "--state", "new")
    assert [entry["rule"] for entry in json.loads(listed.stdout)] == ["page.greets"]


def test_a_run_that_was_changed_afterwards_is_no_base(project: TinyProject) -> None:
    _, run = verify(project)
    table = run.folder / "findings.csv"
    table.write_text(table.read_text(encoding="utf-8") + "more\n", encoding="utf-8")
    refused = project.run("findings", "diff", "--accept-base")
    assert refused.code == 3
    assert not (project.folder / "security/known.json").exists()


def test_the_run_that_is_accepted_is_the_one_that_was_named(project: TinyProject) -> None:
    _, first = verify(project)
    project.change("server.py", 'b"hello"', 'b"bye"')
    _, latest = verify(project)
    known = project.folder / "security/known.json"
    for given in ((first.folder.name, "--accept-base"), ("--accept-base", first.folder.name, "--run", latest.folder.name)):
        refused = project.run("findings", "diff", *given)
        assert (refused.code, known.exists()) == (2, False)
        assert f"hint: {'to name a run: ' if given[0] == first.folder.name else ''}harness findings diff" in refused.stderr
        assert f"--accept-base {first.folder.name}" in refused.stderr
    assert project.run("findings", "diff", "--accept-base", first.folder.name).code == 0
    assert json.loads(known.read_text(encoding="utf-8"))["run"] == first.folder.name
    assert project.run("findings", "diff", "--accept-base").code == 0
    assert json.loads(known.read_text(encoding="utf-8"))["run"] == latest.folder.name


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (("list", "latest"), "harness findings list --run latest"),
        (("diff", "latest"), "harness findings diff --run latest"),
        (("show", "3fa4c1d2", "--accept-base"), "harness findings diff --accept-base RUN"),
    ],
)
def test_what_an_action_would_not_read_is_refused(project: TinyProject, given: tuple[str, ...], hint: str) -> None:
    refused = project.run("findings", *given)
    assert refused.code == 2
    assert hint in refused.stderr
