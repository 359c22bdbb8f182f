"""The first screen: ship or not, why, what to look at first, what could not be verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.gate import GateResult, Measure
from harness.model.run import StageState
from harness.model.verdict import Verdict
from harness.report.model import ReportInput
from harness.report.views.first import LOOK_AT_MAX, bullet, deciding, first_screen, headline, look_at, tile, unverified
from tests.report import samples


def with_gates(*gates: GateResult) -> ReportInput:
    run = samples.passed()
    return replace(run, verdict=replace(run.verdict, gates=gates))


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (samples.passed(), "Ship"),
        (samples.failed(), "Do not ship"),
        (samples.unknown(), "Not known: evidence is missing"),
        (samples.empty(), "Not known: evidence is missing"),
    ],
)
def test_the_answer_is_in_words(data: ReportInput, answer: str):
    assert headline(data).answer == answer


def test_a_narrowed_run_that_passed_never_says_ship():
    run = samples.passed()
    narrowed = replace(
        run, verdict=replace(run.verdict, narrowed=True), manifest=replace(run.manifest, narrowed_to=("contract",))
    )
    head = headline(narrowed)
    assert "Ship" not in head.answer
    assert head.tone == "unknown"
    assert "Only contract ran" in head.caveats[0]


def test_a_narrowed_run_that_failed_still_says_do_not_ship():
    run = samples.failed()
    assert headline(replace(run, verdict=replace(run.verdict, narrowed=True))).answer == "Do not ship"


def test_a_run_that_was_judged_again_says_so():
    run = samples.passed()
    assert headline(run).caveats == ()
    again = replace(run, verdict=replace(run.verdict, judged_at="2027-11-24T14:06:21.000Z"))
    assert headline(again).caveats == ("Judged again as of 24 Nov 2027, 14:06 UTC.",)


def test_an_interrupted_run_says_by_what():
    assert "SIGTERM" in headline(samples.unknown()).caveats[0]


def test_the_worst_finding_is_looked_at_first_and_said_once():
    items = look_at(samples.failed())
    assert items[0].title == "authorization"
    assert items[0].text.startswith("Critical: GET /api/partner-portal/leads/{lead_id}: A partner reads another partner's lead")
    assert items[0].next_step.startswith("Ask for the owner")
    assert len({item.text for item in items}) == len(items)


def test_failed_gates_stand_before_unknown_ones():
    tones = [item.tone for item in look_at(samples.failed())]
    assert tones == sorted(tones, key=("fail", "unknown").index)


def test_at_most_five_things_are_shown_and_the_others_counted():
    screen = first_screen(samples.failed())
    assert len(screen.look_at) == LOOK_AT_MAX
    assert screen.look_at_more == len(look_at(samples.failed())) - LOOK_AT_MAX > 0


def test_a_finding_is_linked_only_where_the_page_shows_it():
    run = samples.failed()
    print_of_it = run.findings[0].fingerprint
    assert look_at(run)[0].href == "#gate-authorization"
    assert look_at(run, {print_of_it})[0].href == f"#finding-{print_of_it}"


def test_a_run_that_passed_shows_what_is_close_to_its_limit():
    assert [item.title for item in look_at(samples.passed())] == ["coverage: close to its limit", "latency: close to its limit"]


@pytest.mark.parametrize(("measured", "near"), [(161.0, True), (159.0, False)])
def test_close_means_less_than_a_fifth_of_room(measured: float, near: bool):
    gate = GateResult("latency", Verdict.PASS, "", (Measure("p95", measured, 200, "≤", "ms"),))
    assert bool(look_at(with_gates(gate))) is near


def test_what_could_not_be_verified_counts_gates_and_stages_by_name():
    names = [item.name for item in unverified(samples.unknown())]
    assert names == ["tests", "coverage", "contract", "latency", "stage unit", "stage contract", "stage load"]


def test_a_stage_that_ran_only_in_part_could_not_be_verified_although_its_gates_passed():
    run = samples.passed()
    stages = (replace(run.manifest.stages[0], state=StageState.PARTIAL, reason="cut off by its deadline"),)
    found = unverified(replace(run, manifest=replace(run.manifest, stages=stages)))
    assert [(item.name, item.reason) for item in found] == [("stage unit", "partial: cut off by its deadline")]


def test_everything_verified_is_said_by_nothing_in_the_list():
    assert unverified(samples.passed()) == ()


def test_names_of_parts_that_do_not_exist_are_shown():
    run = replace(samples.passed(), ledger=replace(samples.passed().ledger, unknown_parts=("9.9.9.z",)))
    assert look_at(run)[-1].title == "ledger"
    assert "9.9.9.z" in look_at(run)[-1].text


MISSED = Measure("branches", 61, 70, "≥", "%")
MISSING = Measure("lines", None, 70, "≥", "%")
KEPT = Measure("functions", 75, 70, "≥", "%")
KEPT_BY_FAR = Measure("statements", 95, 70, "≥", "%")


@pytest.mark.parametrize(
    ("measures", "decides"),
    [
        ((KEPT, MISSING, MISSED), MISSED),
        ((KEPT, MISSING), MISSING),
        ((KEPT_BY_FAR, KEPT), KEPT),
        ((), None),
    ],
)
def test_the_measure_that_decides_is_the_one_that_is_broken_missing_or_closest(
    measures: tuple[Measure, ...], decides: Measure | None
):
    assert deciding(GateResult("coverage", Verdict.FAIL, "", measures)) == decides


def test_a_tile_shows_the_measure_against_its_limit():
    shown = tile(GateResult("coverage", Verdict.FAIL, "", (MISSED,)))
    assert (shown.measured, shown.limit, shown.tone, shown.symbol) == ("61 %", "≥ 70 %", "fail", "✕")


def test_a_bullet_is_drawn_on_the_scale_of_its_unit():
    percent, time = bullet(MISSED), bullet(Measure("p95", 100, 200, "≤", "ms"))
    assert percent is not None
    assert (percent.filled, percent.limit) == (61, 70)
    assert time is not None
    assert (time.filled, time.limit) == (40, 80)
    assert bullet(MISSING) is None
    assert bullet(Measure("holes", 2, 0, "≤")) is None


def test_the_facts_name_target_build_plan_and_time():
    facts = dict(first_screen(samples.passed()).facts)
    assert facts["Target"] == "reference (local)"
    assert facts["Took"] == "3 min 21 s"
    assert dict(first_screen(samples.unknown()).facts)["Build"] == "not told"


def test_gates_that_lack_evidence_for_the_same_reason_stand_together():
    gates = (
        GateResult("tests", Verdict.UNKNOWN, "contract: cut off after 180 s"),
        GateResult("latency", Verdict.UNKNOWN, "load: no evidence"),
        GateResult("contract", Verdict.UNKNOWN, "contract: cut off after 180 s (and 2 more)"),
    )
    assert [(item.title, item.text) for item in look_at(with_gates(*gates))] == [
        ("tests, contract", "contract: cut off after 180 s"),
        ("latency", "load: no evidence"),
    ]
