"""The reviewer's section: three answers, the news first, and what was not tested said as such."""

from __future__ import annotations

import json
from dataclasses import replace

from harness.model.evidence import ContractPayload, DatabasePayload, FindingsPayload, Kind, OracleRecord, Reach
from harness.model.finding import Severity
from harness.model.run import StageRecord, StageState
from harness.model.waiver import FindingState, History
from harness.report import html, sarif
from harness.report.views.security import PLAN, ROWS_MAX, SecurityView, security_view
from tests.gates import build
from tests.report import samples


def view_of(run=None, **changes) -> SecurityView:
    view = security_view(replace(run or samples.failed(), **changes))
    assert view is not None
    return view


def test_the_first_answer_counts_what_is_new_or_came_back_since_the_base():
    states = samples.failed().history
    new, real, untested = view_of().answers
    assert new.figure == str(len(states.of(FindingState.NEW)) + len(states.of(FindingState.REGRESSED)))
    assert "since run 20261101T020304Z-a1b2c3" in new.text
    assert "1 came back, 1 fixed, 1 not looked at again" in new.text
    assert (new.tone, real.tone, untested.tone) == ("fail", "fail", "unknown")


def test_without_a_base_the_answer_says_so():
    run = samples.failed()
    assert "no base is committed" in view_of(run, history=replace(run.history, base_run="")).answers[0].text


def test_a_stage_that_did_not_run_is_said_to_be_untested():
    run = samples.passed()
    stages = (*run.manifest.stages, StageRecord("zap", "zap", StageState.SKIPPED, "no ZAP was found"))
    view = view_of(run, manifest=replace(run.manifest, stages=stages))
    assert ("stage zap", "skipped: no ZAP was found") in view.untested
    assert "no ZAP was found" in view.answers[2].text
    assert view.answers[2].tone == "unknown"


def test_what_was_tested_names_engine_stage_operations_and_roles():
    rows = {(row.engine, row.stage): row for row in view_of(samples.passed()).tested}
    assert {stage for _, stage in rows} >= {"contract", "authorization", "security"}
    assert all(" of " in row.operations for row in rows.values())


def test_what_was_tested_counts_the_parameters_of_each_engine_and_says_where_nobody_counted():
    names = ("GET /x", "GET /y")
    contract = ContractPayload("d", names, {"GET /y": "why"}, (), (), (), parameters={"GET /x": 3, "GET /y": 5})
    oracles = (OracleRecord("injection", "places", 41), OracleRecord("leaks", "requests", 7))
    database = DatabasePayload((), oracles, 0, 0, 0, (), (), "", ())
    scans = FindingsPayload((), (Reach("tour", 2, 2, True, parameters=1_912), Reach("zap", 2, 2, True)))
    kinds = ((Kind.CONTRACT, contract), (Kind.DATABASE, database), (Kind.FINDINGS, scans))
    data = replace(samples.passed(), items=tuple(build.item(kind.value, kind, payload) for kind, payload in kinds))
    rows = {row.engine: row.parameters for row in view_of(data).tested}
    assert rows == {"schemathesis": "3", "witness": "41", "tour": "1,912", "zap": "–"}
    page = str(html.render(data)["index.html"])
    assert '<th class="num">Parameters</th>' in page
    assert '<td class="num">1,912</td>' in page


def test_risks_count_what_stands_and_not_what_is_waived_or_fixed():
    states = samples.failed().history
    standing = states.of(FindingState.NEW, FindingState.REGRESSED, FindingState.KNOWN)
    assert sum(count for _, count, _ in view_of().risks) == len(standing)
    critical = next(count for severity, count, _ in view_of().risks if severity == Severity.CRITICAL)
    assert critical == sum(status.severity is Severity.CRITICAL for status in standing)


def test_ten_thousand_findings_are_cut_and_counted():
    view = view_of(samples.many(10_000))
    assert len(view.news) == ROWS_MAX
    assert len(view.news) + view.news_more + len(view.others) + view.others_more >= 10_000


def test_a_run_that_looked_for_nothing_has_no_section_unless_the_plan_is_the_reviewers():
    run = samples.empty()
    assert security_view(run) is None
    assert security_view(replace(run, manifest=replace(run.manifest, plan=PLAN))) is not None


def test_the_answers_stand_on_the_first_screen_of_the_reviewers_plan_alone():
    run = samples.failed()
    assert "What was not tested?" not in str(html.render(run)["index.html"])
    reviewed = replace(run, manifest=replace(run.manifest, plan=PLAN))
    page = str(html.render(reviewed)["index.html"])
    assert page.index("What was not tested?") < page.index("Look at this first")


def test_sarif_says_what_is_new_and_what_is_waived_and_why():
    run = samples.failed()
    results = {r["partialFingerprints"][sarif.FINGERPRINT]: r for r in json.loads(sarif.render(run))["runs"][0]["results"]}
    (waived,) = run.history.of(FindingState.ACCEPTED)
    assert "until 2026-12-01" in results[waived.fingerprint]["suppressions"][0]["justification"]
    new = run.history.of(FindingState.NEW)[0]
    assert results[new.fingerprint]["baselineState"] == "new"
    assert "suppressions" not in results[new.fingerprint]
    bare = json.loads(sarif.render(replace(run, history=History(""))))["runs"][0]["results"]
    assert all("baselineState" not in result for result in bare)
