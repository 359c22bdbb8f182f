"""The sections' views: what is counted, drawn, sorted and left out."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from harness.gates.view import Item
from harness.model.evidence import (
    AuthorizationPayload,
    Cell,
    CoverageNumbers,
    CoveragePayload,
    Outcome,
    TestResult,
    TestsPayload,
    Whose,
)
from harness.model.finding import Confidence, Request, Symptom
from harness.model.load import LoadResult
from harness.model.waiver import History
from harness.report.model import ReportInput
from harness.report.reproduction import command_of
from harness.report.text import line
from harness.report.views import authorization, charts
from harness.report.views.authorization import kind_of, matrix_views
from harness.report.views.contract import contract_views
from harness.report.views.coverage import coverage_views
from harness.report.views.findings import CARDS_MAX, CARDS_PER_RULE_MAX, findings_view, symptom_text
from harness.report.views.gates import DETAILS_MAX, DETAILS_SHOWN, gate_views
from harness.report.views.ledger import ledger_view
from harness.report.views.load import load_views
from harness.report.views.run import run_view
from harness.report.views.tests import artefact, flow_views, suite_views
from tests.report import samples

CELL = Cell("GET /x/{id}", "partner", "one", Whose.ANOTHER, permitted=False, tried=True, allowed=False, status=404, twin="t")


def alone() -> ReportInput:
    """The failed run, compared with nothing."""
    return replace(samples.failed(), history=History(""))


def only(payload: object) -> ReportInput:
    run = samples.passed()
    return replace(run, items=(Item(run.items[0].evidence, payload),))


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (CELL, authorization.DENIED),
        (replace(CELL, twin=""), authorization.UNTRIED),  # a broken operation refuses everybody
        (replace(CELL, allowed=True), authorization.HOLE),
        (replace(CELL, allowed=None), authorization.UNTRIED),
        (replace(CELL, tried=False), authorization.UNTRIED),
        (replace(CELL, permitted=True, allowed=True), authorization.ALLOWED),
        (replace(CELL, permitted=True), authorization.FRUITLESS),
    ],
)
def test_a_cell_says_whether_what_must_hold_did(cell: Cell, kind: authorization.Kind):
    assert kind_of(cell) is kind


def test_two_users_of_one_cell_show_the_worse_of_them():
    cells = (CELL, replace(CELL, user="two", allowed=True, status=200))
    view = matrix_views(only(AuthorizationPayload(cells, ())))[0]
    assert view.rows[0].cells[0].kind is authorization.HOLE
    assert "as two" in view.rows[0].cells[0].hint
    assert dict((kind.name, count) for kind, count in view.counts) == {
        "hole": 1,
        "fruitless": 0,
        "untried": 0,
        "allowed": 0,
        "denied": 1,
    }


def test_an_operation_without_an_object_fills_all_columns_of_its_role():
    cells = (
        CELL,
        replace(CELL, whose=Whose.OWN, permitted=True, allowed=True),
        replace(CELL, operation="GET /me", whose=Whose.NONE),
    )
    view = matrix_views(only(AuthorizationPayload(cells, ())))[0]
    assert view.columns[0].whose == ("own", "another's")
    assert [cell.span for cell in view.rows[0].cells] == [1, 1]
    assert [cell.span for cell in view.rows[1].cells] == [2]


def test_every_matrix_row_fills_every_column():
    for view in matrix_views(samples.failed()):
        columns = sum(len(column.whose) for column in view.columns)
        assert {sum(cell.span for cell in row.cells) for row in view.rows} == {columns}


def test_a_contract_cell_says_why_it_is_not_well():
    view = contract_views(samples.failed())[0]
    rows = {row.operation: row for row in view.rows}
    leads = dict(zip(view.roles, rows["GET /api/partner-portal/leads"].cells, strict=True))
    assert leads["partner"].tone == "fail"
    assert "3 cases broke the contract" in leads["partner"].hint
    assert leads["not logged in"].symbol == "⊘"
    assert rows["GET /api/health/ready"].untested == "the target ended before it was reached"
    assert view.reach == "14 of 15 operations tested"


def test_a_coverage_number_that_a_format_lacks_is_not_measured():
    numbers = CoverageNumbers((70, 100), (699, 1000), None, (0, 0))
    bars = coverage_views(only(CoveragePayload(numbers, None, (), (), False, ("unit",))))[0].bars
    shown = {bar.name: (bar.text, bar.tone) for bar in bars}
    assert shown == {
        "lines": ("70 %", "pass"),
        "statements": ("69.9 %", "fail"),
        "functions": ("not measured", "unknown"),
        "branches": ("not measured", "unknown"),
    }


def test_findings_are_sorted_by_severity_and_grouped_by_rule():
    view = findings_view(alone())
    assert [group.severity for group in view.groups] == ["critical", "high", "medium", "low"]
    assert view.groups[0].rules[0].rule == "authorization.read-of-another"
    assert view.total == len(alone().findings)


def test_every_finding_is_shown_in_full_in_short_or_counted():
    view = findings_view(samples.many(10_000))
    rules = [rule for group in view.groups for rule in group.rules]
    assert sum(len(rule.cards) + len(rule.rows) + rule.left_out for rule in rules) == 10_000
    assert sum(len(rule.cards) for rule in rules) == CARDS_MAX
    assert max(len(rule.cards) for rule in rules) <= CARDS_PER_RULE_MAX


def test_a_defect_that_shows_as_several_roles_stands_on_one_card_that_names_them():
    first = replace(alone().findings[0], role="partner")
    twice = (first, replace(first, role="admin"))
    rule = findings_view(replace(alone(), findings=twice)).groups[0].rules[0]
    assert len(rule.cards) == 1
    assert dict(rule.cards[0].labels)["roles"] == "partner, admin"
    assert rule.count == 2


def test_a_guess_is_shown_as_not_judged():
    run = alone()
    guess = replace(run.findings[0], confidence=Confidence.LOW)
    card = findings_view(replace(run, findings=(guess,))).groups[0].rules[0].cards[0]
    assert card.judged is False


def test_a_card_holds_the_requests_as_they_are_sent_and_the_command():
    card = findings_view(alone()).groups[0].rules[0].cards[0]
    assert card.steps[1].who == "partner one"
    assert card.steps[1].text == "GET /api/partner-portal/leads/4711\nAccept: application/json"
    assert card.command == f"harness replay {card.fingerprint}"
    assert card.symptom == "status 200"


def test_a_finding_says_what_it_is_against_the_base_and_a_waived_one_stands_last():
    run = samples.failed()
    critical = findings_view(run).groups[0].rules
    waived = next(status for status in run.history.statuses if status.state == "accepted")
    assert critical[0].rule == "authorization.write-of-another"
    card = next(card for rule in critical for card in rule.cards if card.fingerprint == waived.fingerprint)
    assert (card.state, card.state_tone) == ("accepted", "await")
    assert card.note == line(waived.note, 300)
    first = [rule.cards[0].state for rule in critical if rule.cards]
    assert "accepted" not in first[:-1]


def test_a_body_is_shown_below_the_headers():
    finding = replace(alone().findings[0], steps=(Request("POST", "/x", body='{"a":1}'),))
    card = findings_view(replace(alone(), findings=(finding,))).groups[0].rules[0].cards[0]
    assert card.steps[0].text == 'POST /x\n\n{"a":1}'
    assert card.steps[0].who == "nobody"
    assert command_of(finding) == card.command


@pytest.mark.parametrize(
    ("symptom", "text"),
    [
        (Symptom(), ""),
        (Symptom((200, 201)), "status 200 or 201"),
        (Symptom(server_error=True), "a server error (5xx) or no answer"),
        (Symptom(header_absent="X", body_contains="a b"), "no header X and a body that holds 'a b'"),
        (Symptom(body_lacks="seat 4"), "a body without 'seat 4'"),
        (Symptom(header="Server", header_value="x/1"), "the header Server: x/1"),
        (Symptom(answer_contains="a b"), "'a b' in its head or body"),
    ],
)
def test_a_symptom_reads_as_a_sentence(symptom: Symptom, text: str):
    assert symptom_text(symptom) == text


def test_a_load_test_that_is_not_valid_says_why():
    view = load_views(samples.passed())[0]
    assert any("100 requests completed, wanted ≥ 200" in reason for reason in view.invalid)


def test_latency_is_drawn_against_its_limit():
    rows = load_views(samples.failed())[0].endpoints
    assert [row.tone for row in rows] == ["pass", "pass", "pass", "fail"]
    assert rows[-1].p95 == "512 ms"
    assert rows[-1].spread.p95 == pytest.approx(64, abs=1)  # of 800 ms
    assert load_views(samples.failed())[0].limit_at == 25


def test_a_load_test_without_seconds_has_no_charts():
    result: LoadResult = samples.load_result(random.Random(1), slow=False)
    assert load_views(only(replace(result, seconds=())))[0].charts == ()


def test_phases_are_bands_of_the_time_axis():
    chart = load_views(samples.passed())[0].charts[0]
    assert [(band.name, band.x, band.width) for band in chart.bands] == [("warm-up", 0, 25), ("smoke", 25, 75)]


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (1.2, 2), (60, 60), (61, 80), (560, 600), (0.03, 0.03), (900, 1000)])
def test_an_axis_ends_at_a_round_number(value: float, top: float):
    assert charts.nice_top(value) == pytest.approx(top)


def test_a_path_has_gaps_where_nothing_was_measured():
    assert charts.path([0, None, 10, 20], 10) == "M0.0 100.00M666.7 0.00L1000.0 0.00"
    assert charts.path([], 10) == ""


def test_thinning_keeps_every_peak():
    values: list[float | None] = [0.0] * 1_000
    values[777] = 99.0
    thin = charts.thinned(values)
    assert len(thin) <= charts.POINTS_MAX
    assert max(value for value in thin if value is not None) == 99


def test_a_suite_that_lost_tests_is_not_well_although_all_passed():
    results = (TestResult("t.py::a", Outcome.PASSED),)
    suite = suite_views(only(TestsPayload("suites/x", 1, 5, results)))[0]
    assert (suite.tone, suite.enough) == ("unknown", "collected 1 test, declared at least 5")


def test_what_failed_stands_first():
    suite = next(suite for suite in suite_views(samples.failed()) if suite.stage == "security")
    assert [row.outcome for row in suite.troubled] == ["failed", "error"]
    assert suite.counts == "1 failed, 1 could not run, 1 skipped, 4 passed"
    assert suite.enough == "7 of 9 collected tests ended"


def test_broken_flows_stand_first_with_their_files():
    flow = flow_views(samples.failed())[0]
    assert flow.outcome == "failed"
    assert [file.name for file in flow.pictures] == ["move.png"]
    assert [file.name for file in flow.traces] == ["move.zip"]


@pytest.mark.parametrize(
    ("name", "href"),
    [
        ("stages/1-e2e/a b#?.png", "../stages/1-e2e/a%20b%23%3F.png"),
        ("javascript:alert(1)", "../javascript%3Aalert%281%29"),
        ("//evil.invalid/x.png", "../evil.invalid/x.png"),
    ],
)
def test_an_artefact_is_always_a_file_of_the_run_folder(name: str, href: str):
    assert artefact(name).href == href


def test_the_ledger_shows_every_row_once_and_one_without_a_result_as_unknown():
    run = samples.passed()
    view = ledger_view(replace(run, ledger=replace(run.ledger, rows=run.ledger.rows[:10])))
    assert sum(len(section.rows) for section in view.sections) == view.total == 149
    assert sum(share.count for share in view.shares) == 149
    assert view.sections[-1].rows[-1].state.word == "unknown"
    assert view.sections[-1].rows[-1].reason == "the run says nothing of it"


def test_a_row_shows_its_parts_with_the_live_one():
    view = ledger_view(samples.passed())
    row = next(row for section in view.sections for row in section.rows if row.row == "6.1.1")
    assert [part.part for part in row.parts] == ["6.1.1.a", "6.1.1.live"]


def test_the_time_line_holds_preparation_and_stages_within_the_run():
    view = run_view(samples.passed())
    assert [span.name for span in view.spans][:4] == [
        "database server (embedded)",
        "template: migrate, seed",
        "first start",
        "unit",
    ]
    assert all(0 <= span.x <= span.x + span.width <= 100.01 for span in view.spans)
    assert view.summary == "2 min 56 s were the engines' own work, 25 s (12.6 %) preparation and the harness's own."


def test_evidence_that_cannot_be_read_says_why():
    run = samples.passed()
    broken = replace(run, items=(Item(run.items[0].evidence, None, "its digest does not match"),))
    row = run_view(broken).evidence[0]
    assert (row.tone, row.state, row.reason) == ("fail", "unreadable", "its digest does not match")


def test_a_gate_folds_long_lists_and_counts_what_is_left():
    run = samples.failed()
    gate = replace(run.verdict.gates[0], details=tuple(str(n) for n in range(DETAILS_MAX + 5)))
    view = gate_views(replace(run, verdict=replace(run.verdict, gates=(gate,))))[0]
    assert (len(view.details), len(view.details_folded), view.details_more) == (DETAILS_SHOWN, DETAILS_MAX - DETAILS_SHOWN, 5)
