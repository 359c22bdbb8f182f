"""A defect that ZAP and a probe both find is one finding; two defects stay two."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import harness.probes
from harness.engines.zap.alerts import read_alerts
from harness.engines.zap.model import Alert
from harness.engines.zap.own_rules import OWN_RULES
from harness.engines.zap.reading import report_of
from harness.findings.history import Observed, accept, history
from harness.findings.merge import merged
from harness.model.finding import Confidence, Finding, Request, Symptom
from harness.model.waiver import Examined, FindingState
from harness.model.weakness import Place
from harness.probes.audits.headers import audit
from harness.probes.checks import finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.pages import Cookie
from harness.probes.injection.injection import _FILE, _SQL
from harness.probes.injection.interpreters import _MARKUP
from harness.probes.injection.redirects import _REDIRECT
from harness.probes.scene.scene import Asker
from harness.probes.sessions.cookies import judged
from harness.probes.tour import Visit, What
from tests.zap import recorded

TEMPLATES = ("/api/echo", "/api/notes", "/api/notes/{id}", "/search", "/file", "/go", "/users", "/login")
ALERTS = recorded.report_alerts(report_of(recorded.report("vuln-traditional-json-plus"))) + recorded.report_alerts(
    report_of(recorded.report("hard-traditional-json-plus"))
)


def recorded_alert(plugin: str, path: str = "") -> Alert:
    return next(alert for alert in ALERTS if alert.plugin == plugin and path in alert.url)


def of_zap(*alerts: Alert, role: str = "partner", public: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    return read_alerts(alerts, TEMPLATES, stage="zap", role=role, user="p1", public=public).findings


def probed(weakness: object, operation: str, parameter: str, role: str = "partner") -> Finding:
    place = Place(operation, parameter, role)
    return finding_of(weakness, place, "t", "o", (Request("GET", "/"),), Symptom(status=(500,)))  # type: ignore[arg-type]


def headers() -> dict[str, Finding]:
    """What the probe says of a platform that sends no header at all but its server's name."""
    answer = Answer(200, (("content-type", "text/html"), ("server", "Werkzeug/3.1.9")), b"<html>")
    visits = [Visit(What.PAGE, "", Asker("", ""), Request("GET", path), answer) for path in ("/", "/about", "/login")]
    return {finding.rule: finding for finding in audit(visits)}


SAME = [
    ("40018", "/users", lambda: probed(_SQL, "GET /users", "id")),
    ("6", "/file", lambda: probed(_FILE, "GET /file", "name")),
    ("40012", "/search", lambda: probed(_MARKUP, "GET /search", "q")),
    ("20019", "/go", lambda: probed(_REDIRECT, "GET /go", "next", role="")),
    ("10020", "", lambda: headers()["headers.framing"]),
    ("10021", "", lambda: headers()["headers.nosniff"]),
    ("10036", "", lambda: headers()["headers.discloses-server"]),
    ("10038", "", lambda: headers()["headers.csp"]),
]


@pytest.mark.parametrize(("plugin", "path", "ours"), SAME, ids=[plugin for plugin, *_ in SAME])
def test_a_recorded_alert_and_what_a_probe_finds_there_are_one_finding(plugin: str, path: str, ours: object) -> None:
    mine: Finding = ours()  # type: ignore[operator]
    both = merged((mine, *of_zap(recorded_alert(plugin, path))))
    assert [set(each.engines) for each in both] == [{"probes", "zap"}]
    assert both[0].fingerprint == mine.fingerprint
    assert set(both[0].found_by) == {mine.rule, f"zap.{plugin}"}


@pytest.mark.parametrize(("plugin", "rule"), [("10010", "cookies.without-httponly"), ("10054", "cookies.without-samesite")])
def test_a_cookie_of_the_log_in_is_one_finding_and_one_of_another_answer_its_own(plugin: str, rule: str) -> None:
    ours = [each for each in judged(Cookie("sid", "x", {"secure": ""}), "POST", "/login", "partner") if each.rule == rule]
    elsewhere = recorded_alert(plugin)
    at_log_in = replace(elsewhere, method="POST", url="http://h/login")
    both = merged((*ours, *of_zap(elsewhere, at_log_in, public=frozenset(("POST /login",)))))
    assert sorted((each.operation, each.engines) for each in both) == [("", ("zap",)), ("POST /login", ("probes", "zap"))]


@pytest.mark.parametrize(
    "other",
    [
        probed(_SQL, "GET /users", "name"),
        probed(_SQL, "GET /search", "id"),
        probed(_SQL, "GET /users", "id", role="admin"),
        probed(_FILE, "GET /users", "id"),
    ],
    ids=["another parameter", "another route", "another role", "another defect"],
)
def test_two_defects_stay_two(other: Finding) -> None:
    assert len(merged((other, *of_zap(recorded_alert("40018", "/users"))))) == 2


def test_an_operation_that_is_open_to_everybody_has_no_role_for_either() -> None:
    zaps = of_zap(recorded_alert("40018", "/users"), public=frozenset(("GET /users",)))
    assert len(merged((probed(_SQL, "GET /users", "id", role=""), *zaps))) == 1


def test_a_parameter_of_the_path_is_named_without_the_quotes_of_zap() -> None:
    alert = recorded_alert("30003", "/api/notes/1")
    assert alert.parameter == "«id»"
    assert of_zap(alert)[0].parameter == "id"


def test_a_bare_status_shows_nothing_of_the_inside() -> None:
    alert = Alert("90022", "Application Error Disclosure", 1, 2, "GET", "http://h/users", evidence="HTTP/1.1 500 X")
    shown = replace(alert, evidence="Traceback (most recent call last)")
    assert [each.rule for each in (*of_zap(alert), *of_zap(shown))] == ["zap.90022", "exposure.internals"]


@pytest.mark.parametrize("plugin", sorted(OWN_RULES))
def test_every_rule_of_the_table_is_one_of_the_probes(plugin: str) -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in Path(harness.probes.__file__).parent.rglob("*.py"))
    family, _, name = OWN_RULES[plugin].rule.partition(".")
    made = {
        "headers": rf'"{name}",|"{name.removeprefix("discloses-")}"',
        "cookies": f'"{name.removeprefix("without-")}',
    }
    assert re.search(made.get(family, f'"{OWN_RULES[plugin].rule}"'), texts, re.I)


def test_what_a_probe_found_is_not_fixed_because_zap_does_not_see_it() -> None:
    ours, zaps = probed(_SQL, "GET /users", "id"), of_zap(recorded_alert("40018", "/users"))
    by_zap = Examined("zap", ("zap.40018",), ("GET /users",), ("partner",))
    by_probes = replace(by_zap, rules=("injection.*",))

    def state(found: tuple[Finding, ...], *tried: Examined) -> FindingState:
        base = accept(Observed(merged(found), (), "2026-11-01T00:00:00Z"), None, "run-1")
        seen = Observed((), tried, "2026-11-24T00:00:00Z")
        return history(seen, base, (), date(2026, 11, 24)).statuses[0].state

    assert state((ours,), by_zap) is FindingState.NOT_OBSERVED
    assert state((ours,), by_probes) is FindingState.FIXED
    assert state(zaps, by_zap) is FindingState.FIXED
    assert state(zaps, replace(by_zap, rules=("zap.40022",))) is FindingState.NOT_OBSERVED
    assert state((ours, *zaps), by_zap) is FindingState.FIXED


def test_a_base_remembers_every_check_that_ever_found_it() -> None:
    ours, zaps = probed(_SQL, "GET /users", "id"), of_zap(recorded_alert("40018", "/users"))
    base = accept(Observed((ours,), (), "2026-11-01T00:00:00Z"), None, "run-1")
    assert base.findings[0].checks == ()
    base = accept(Observed(zaps, (), "2026-11-02T00:00:00Z"), base, "run-2")
    assert base.findings[0].found_by == ("injection.sql", "zap.40018")
    assert zaps[0].confidence is Confidence.LOW
