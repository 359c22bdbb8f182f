"""Alerts and scans in the report: what was tested and what was not stands there, and nothing of the target's runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser

from harness.engines.zap.alerts import read_alerts
from harness.engines.zap.model import Alert
from harness.model.evidence import FindingsPayload, Kind, Reach, RuleRecord, ScanRecord
from harness.report import html, markdown
from harness.report.model import ReportInput
from harness.report.views.first import facts
from harness.report.views.security import PLAN, security_view
from harness.report.views.security_scans import RULES_MAX, scan_rows
from tests.report import samples
from tests.report.test_html_in_a_browser import open_report

HOSTILE = samples.HOSTILE


def scan(**changes: object) -> ScanRecord:
    known = ScanRecord(
        engine="zap",
        profile="ci",
        role="partner",
        requests=3266,
        statuses={"200": 1224, "401": 3},
        version="2.17.0",
        active_rules=52,
        passive_rules=61,
        rules=(
            RuleRecord("40012", "Cross Site Scripting (Reflected)", "Complete", 42, 1),
            RuleRecord("40018", "SQL Injection", "Skipped", 0, 0),
        ),
        rules_missing=("6 Path Traversal",),
        parameters=25,
        log_in="ZAP logged in 2 times, 0 failed",
        left_out={"POST /logout": "it ends sessions"},
        notes=("there is no browser for it: no spiderClient",),
        alive_before=True,
        alive_after=False,
        gaps=("the target was not seen alive after the scan",),
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def report_of(*scans: ScanRecord, alerts: tuple[Alert, ...] = ()) -> ReportInput:
    run = samples.failed()
    read = read_alerts(alerts, ("/api/{id}",), stage="zap", role="partner", user="one")
    payload = FindingsPayload(read.findings, (Reach("zap", 15, 9, False, (), 3266, "logged out"),), read.observations, (), scans)
    items = (*run.items, samples.item_of("zap", Kind.FINDINGS, payload))
    manifest = replace(run.manifest, plan=PLAN)
    return replace(run, manifest=manifest, items=items, findings=(*run.findings, *read.findings))


def test_the_report_says_what_each_scan_did_and_what_it_did_not() -> None:
    page = str(html.render(report_of(scan()))["index.html"])
    for text in (
        "zap as partner: 3,266 requests, 1 of 2 rules complete, 1 demanded ones missing",
        "6 Path Traversal",
        "POST /logout",
        "200: 1,224, 401: 3",
        "before: yes; after: no",
        "ZAP logged in 2 times, 0 failed",
    ):
        assert text in page, text


def test_rules_that_did_not_come_to_their_end_stand_first_and_a_long_list_is_cut_and_counted() -> None:
    (row,) = scan_rows(report_of(scan()))
    assert [rule.name for rule in row.rules] == ["40018 SQL Injection", "40012 Cross Site Scripting (Reflected)"]
    many = tuple(RuleRecord(str(n), "r", "Complete", 1, 0) for n in range(RULES_MAX + 5))
    (row,) = scan_rows(report_of(scan(rules=many)))
    assert (len(row.rules), row.rules_more) == (RULES_MAX, 5)


def test_a_gap_of_every_role_stands_in_full_once_among_what_was_tested() -> None:
    missing, cut = "2 wanted rules were not in the scan: 1, 2", "the scan came to 7 % and was cut off"
    scans = (scan(role="buyer", gaps=(missing,)), scan(role="seller", gaps=(missing, cut)))
    reach = tuple(Reach("zap", 2, 2, True, (each.role,)) for each in scans)
    data = replace(report_of(), items=(samples.item_of("zap", Kind.FINDINGS, FindingsPayload((), reach, scans=scans)),))
    view = security_view(data)
    assert view is not None
    assert [row.gap for row in view.tested] == [missing, f"{cut}; 1 gap as above"]


def test_hostile_text_in_alerts_and_scans_does_not_run(browser: Browser, tmp_path: Path) -> None:
    known = {"plugin": HOSTILE, "name": HOSTILE, "risk": 3, "confidence": 3, "parameter": HOSTILE, "attack": HOSTILE}
    alert = Alert(
        method="GET",
        url=f"http://h/api/{HOSTILE}",
        evidence=HOSTILE,
        description=HOSTILE,
        solution=HOSTILE,
        other=HOSTILE,
        tags=(HOSTILE,),
        body=HOSTILE,
        message="1",
        active=True,
        **known,  # type: ignore[arg-type]
    )
    hostile = scan(
        profile=HOSTILE,
        role=HOSTILE,
        rules=(RuleRecord(HOSTILE, HOSTILE, HOSTILE, 1, 1),),
        rules_missing=(HOSTILE,),
        log_in=HOSTILE,
        left_out={HOSTILE: HOSTILE},
        notes=(HOSTILE,),
        gaps=(HOSTILE,),
        statuses={HOSTILE: 1},
    )
    opened = open_report(browser, tmp_path, report_of(hostile, alerts=(alert, replace(alert, risk=0))))
    page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.wait_for_timeout(300)
    assert page.title().startswith("FAIL")
    assert page.evaluate("document.scripts.length") == 0
    assert page.locator("section#security img[src='x']").count() == 0
    assert opened.messages == []
    page.close()


def test_the_first_lines_say_which_scanner_it_was_and_how_many_rules_it_had() -> None:
    both = report_of(scan(), scan(role="admin"))
    assert [text for name, text in facts(both) if name == "Scanner"] == ["zap 2.17.0, 52 active and 61 passive rules"]
    assert "Scanner `zap 2.17.0, 52 active and 61 passive rules`" in markdown.render(both)
    silent = report_of(scan(version="", active_rules=None))
    assert dict(facts(silent))["Scanner"] == "zap of a version not told, nobody counted its rules"
    assert "Scanner" not in dict(facts(samples.failed()))
