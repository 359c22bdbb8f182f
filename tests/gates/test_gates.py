"""Every gate: passes whole evidence, fails on a defect, and knows nothing from nothing."""

from __future__ import annotations

import dataclasses

import pytest

from harness.gates.registry import gates
from harness.model.evidence import Kind, Outcome, State
from harness.model.finding import Confidence, Severity
from harness.model.run import StageRecord, StageState
from harness.model.verdict import Verdict
from tests.gates import build


@pytest.mark.parametrize("name", sorted(gates()))
def test_a_gate_without_any_evidence_is_unknown(name: str) -> None:
    verdict = gates()[name].judge(build.view((build.stage("anything"),)))
    assert verdict.verdict is Verdict.UNKNOWN
    assert "no" in verdict.reason


@pytest.mark.parametrize("name", sorted(gates()))
def test_a_gate_says_what_it_asks_and_what_it_needs(name: str) -> None:
    gate = gates()[name]
    assert gate.question.endswith("?")
    assert gate.minimum
    assert gate.advice
    assert gate.kinds


class TestTests:
    UNIT = (build.stage("unit", "pytest"),)

    def judge(self, *results: object, collected: int | None = None) -> tuple[Verdict, str]:
        payload = build.suite_of(*results, suite="suites/unit", collected=collected)  # type: ignore[arg-type]
        judged = gates()["tests"].judge(build.view(self.UNIT, build.item("unit", Kind.TESTS, payload)))
        return judged.verdict, judged.reason

    def test_passes_what_was_collected_and_passed(self) -> None:
        assert self.judge(build.result("a"), build.result("b"))[0] is Verdict.PASS

    def test_fails_on_a_failed_unit_test_and_quotes_it(self) -> None:
        verdict, reason = self.judge(build.result("a"), build.result("b", Outcome.FAILED))
        assert verdict is Verdict.FAIL
        assert "it did not hold" in reason

    def test_is_unknown_where_a_suite_collects_fewer_tests_than_it_declares(self) -> None:
        assert self.judge(build.result("a"))[0] is Verdict.UNKNOWN
        assert "collected 0 tests, declares at least 2" in self.judge()[1]

    def test_is_unknown_where_a_test_did_not_end(self) -> None:
        assert self.judge(build.result("a"), build.result("b"), collected=3)[0] is Verdict.UNKNOWN

    def test_is_unknown_where_a_test_could_not_run(self) -> None:
        assert self.judge(build.result("a"), build.result("b", Outcome.ERROR))[0] is Verdict.UNKNOWN

    def test_is_unknown_where_everything_was_skipped(self) -> None:
        assert self.judge(build.result("a", Outcome.SKIPPED), build.result("b", Outcome.SKIPPED))[0] is Verdict.UNKNOWN

    def test_leaves_failures_of_other_suites_to_the_gate_of_their_stage(self) -> None:
        failed = build.suite_of(build.result("a"), build.result("b", Outcome.FAILED))
        judged = gates()["tests"].judge(build.view((build.stage("security"),), build.item("security", Kind.TESTS, failed)))
        assert judged.verdict is Verdict.PASS


class TestCoverage:
    def judge(self, payload: object, stages: tuple[str, ...] = ("unit",)) -> tuple[Verdict, str]:
        feeding = tuple(build.stage(name) for name in stages)
        judged = gates()["coverage"].judge(build.view(feeding, build.item("all", Kind.COVERAGE, payload)))
        return judged.verdict, judged.reason

    def test_passes_at_the_limit(self) -> None:
        assert self.judge(build.coverage(70))[0] is Verdict.PASS

    @pytest.mark.parametrize("number", ["lines", "statements", "functions", "branches"])
    def test_fails_when_one_number_falls_under_its_limit(self, number: str) -> None:
        verdict, reason = self.judge(build.coverage(80, **{number: (69, 100)}))
        assert verdict is Verdict.FAIL
        assert reason == f"{number} 69 %, wanted ≥ 70 %"

    @pytest.mark.parametrize("number", ["lines", "statements", "functions", "branches"])
    def test_is_unknown_where_a_number_is_not_measured(self, number: str) -> None:
        assert self.judge(build.coverage(80, **{number: None}))[0] is Verdict.UNKNOWN

    def test_is_unknown_without_the_server_process(self) -> None:
        assert self.judge(build.coverage(server=False))[0] is Verdict.UNKNOWN

    def test_is_unknown_where_a_module_is_missing(self) -> None:
        assert self.judge(build.coverage(missing=("src/x.py",)))[1] == "src/x.py: not measured by any stage"

    def test_is_unknown_where_a_feeding_stage_left_no_coverage(self) -> None:
        assert self.judge(build.coverage(), ("unit", "e2e"))[0] is Verdict.UNKNOWN


class TestContract:
    STAGES = (build.stage("contract", "schemathesis"),)

    def judge(self, payload: object, *more: object) -> tuple[Verdict, str]:
        items = (build.item("contract", Kind.CONTRACT, payload), *(more or (build.two_passed("contract"),)))
        judged = gates()["contract"].judge(build.view(self.STAGES, *items))  # type: ignore[arg-type]
        return judged.verdict, judged.reason

    def test_passes_with_enough_cases_and_successes(self) -> None:
        assert self.judge(build.contract(cases=20, successes=1)) == (
            Verdict.PASS,
            "1 operations kept their contract in 20 cases",
        )

    def test_fails_on_a_finding(self) -> None:
        assert self.judge(build.contract(findings=(build.finding(),)))[0] is Verdict.FAIL

    def test_shows_a_guess_and_does_not_judge_it(self) -> None:
        guess = build.finding(confidence=Confidence.LOW)
        assert self.judge(build.contract(findings=(guess,)))[0] is Verdict.PASS

    def test_is_unknown_with_too_few_cases(self) -> None:
        assert "19 cases, wanted at least 20" in self.judge(build.contract(cases=19))[1]

    def test_is_unknown_where_a_role_that_may_never_succeeded(self) -> None:
        verdict, reason = self.judge(build.contract(successes=0))
        assert verdict is Verdict.UNKNOWN
        assert "no success as partner" in reason

    def test_is_unknown_where_an_operation_was_left_out(self) -> None:
        assert self.judge(build.contract(untested={"GET /x": "its schema is broken"}))[0] is Verdict.UNKNOWN

    def test_is_unknown_where_a_phase_did_not_come_to_its_end(self) -> None:
        verdict, reason = self.judge(build.contract(untested={"stateful as partner": "stopped at its time limit"}))
        assert verdict is Verdict.UNKNOWN
        assert "stateful as partner: not tested: stopped at its time limit" in reason

    def test_fails_on_a_failed_check_that_no_finding_stands_for(self) -> None:
        failed = build.item("contract", Kind.TESTS, build.suite_of(build.result("a"), build.result("b", Outcome.FAILED)))
        assert self.judge(build.contract(), failed)[0] is Verdict.FAIL

    def test_is_unknown_where_the_stage_was_cut_off(self) -> None:
        cut = build.item("contract", Kind.CONTRACT, build.contract(), State.PARTIAL, "cut off after 60 s")
        judged = gates()["contract"].judge(build.view(self.STAGES, cut, build.two_passed("contract")))
        assert judged.verdict is Verdict.UNKNOWN
        assert "cut off after 60 s" in judged.reason


class TestAuthorization:
    STAGES = (build.stage("authorization"),)

    def judge(self, payload: object) -> tuple[Verdict, str]:
        items = (build.item("authorization", Kind.AUTHORIZATION, payload), build.two_passed("authorization"))
        judged = gates()["authorization"].judge(build.view(self.STAGES, *items))
        return judged.verdict, judged.reason

    def test_passes_when_each_refusal_has_a_permitted_twin(self) -> None:
        assert self.judge(build.matrix(build.OWN, build.ANOTHERS))[0] is Verdict.PASS

    def test_fails_on_a_hole_even_without_a_finding(self) -> None:
        hole = dataclasses.replace(build.ANOTHERS, allowed=True, status=200)
        assert self.judge(build.matrix(build.OWN, hole))[0] is Verdict.FAIL

    def test_is_unknown_where_nobody_succeeded(self) -> None:
        lonely = dataclasses.replace(build.ANOTHERS, twin="")
        assert self.judge(build.matrix(lonely))[0] is Verdict.UNKNOWN

    @pytest.mark.parametrize("status", [0, 429, 503])
    def test_is_unknown_where_what_came_back_is_no_refusal_of_who_asked(self, status: int) -> None:
        verdict, reason = self.judge(build.matrix(build.OWN, dataclasses.replace(build.ANOTHERS, status=status)))
        assert verdict is Verdict.UNKNOWN
        assert f"answered {status or 'nothing'} instead of a refusal" in reason

    def test_is_unknown_where_a_cell_was_not_tried(self) -> None:
        untried = dataclasses.replace(build.OWN, tried=False, allowed=None, note="no object")
        assert "no object" in self.judge(build.matrix(untried, build.ANOTHERS))[1]

    def test_is_unknown_where_nothing_forbidden_was_tried(self) -> None:
        assert self.judge(build.matrix(build.OWN))[0] is Verdict.UNKNOWN


class TestDatabase:
    STAGES = (build.stage("database"),)

    def judge(self, *payloads: object) -> tuple[Verdict, str]:
        items = (*(build.item("database", Kind.DATABASE, payload) for payload in payloads), build.two_passed("database"))
        judged = gates()["database"].judge(build.view(self.STAGES, *items))
        return judged.verdict, judged.reason

    def test_passes_when_nine_of_ten_operations_were_watched(self) -> None:
        assert self.judge(build.database(watched=9))[0] is Verdict.PASS

    def test_fails_on_a_finding(self) -> None:
        assert self.judge(build.database(build.finding("injection.sql")))[0] is Verdict.FAIL

    def test_is_unknown_where_fewer_were_watched_and_says_why(self) -> None:
        verdict, reason = self.judge(build.database(watched=8))
        assert verdict is Verdict.UNKNOWN
        assert "GET /8: not watched: no success" in reason

    def test_is_unknown_where_no_statement_was_seen(self) -> None:
        assert "no statement was seen" in self.judge(build.database(statements=0))[1]

    def test_is_unknown_where_nothing_was_watched(self) -> None:
        assert self.judge()[0] is Verdict.UNKNOWN
        empty = dataclasses.replace(build.database(), operations=())
        assert "no operation was watched" in self.judge(empty)[1]

    def test_is_unknown_where_an_oracle_could_try_nothing(self) -> None:
        verdict, reason = self.judge(build.database(tried=0, untried={"GET /1": "no value is known"}))
        assert (verdict, "tried nothing: no value is known" in reason) == (Verdict.UNKNOWN, True)


class TestFindings:
    STAGES = (build.stage("security"),)

    def judge(self, payload: object) -> tuple[Verdict, str]:
        items = (build.item("security", Kind.FINDINGS, payload), build.two_passed("security"))
        judged = gates()["findings"].judge(build.view(self.STAGES, *items))
        return judged.verdict, judged.reason

    def test_passes_when_nothing_was_found_and_enough_was_reached(self) -> None:
        assert self.judge(build.findings(reached=9))[0] is Verdict.PASS

    def test_fails_on_a_finding_and_says_where(self) -> None:
        verdict, reason = self.judge(build.findings(build.finding(severity=Severity.HIGH)))
        assert verdict is Verdict.FAIL
        assert reason == "high: GET /x: a header is missing"

    def test_is_unknown_when_too_little_was_reached(self) -> None:
        assert "reached 8 of 10" in self.judge(build.findings(reached=8))[1]

    def test_is_unknown_when_the_log_in_failed(self) -> None:
        assert self.judge(build.findings(logged_in=False))[0] is Verdict.UNKNOWN


class TestReadiness:
    STAGES = (build.stage("readiness", "pytest"), build.stage("readiness-slow", "pytest"))

    def judge(self, *results: object, collected: int | None = None) -> tuple[Verdict, str]:
        payload = build.suite_of(*results, suite="suites/readiness", collected=collected)  # type: ignore[arg-type]
        judged = gates()["readiness"].judge(build.view(self.STAGES[:1], build.item("readiness", Kind.TESTS, payload)))
        return judged.verdict, judged.reason

    def test_passes_when_every_claim_held_and_counts_the_parts_that_they_prove(self) -> None:
        proved = build.result("a", parts=("1.1.6.a", "1.1.6.b"))
        assert self.judge(proved, build.result("b")) == (Verdict.PASS, "2 checks of 2 parts of the ledger held")

    def test_fails_on_one_claim_that_did_not_hold_and_quotes_it(self) -> None:
        assert self.judge(build.result("a"), build.result("b", Outcome.FAILED)) == (Verdict.FAIL, "b: it did not hold")

    def test_is_unknown_where_a_claim_could_not_be_tried(self) -> None:
        assert self.judge(build.result("a"), build.result("b", Outcome.SKIPPED)) == (
            Verdict.UNKNOWN,
            "b was skipped: it did not hold",
        )
        assert self.judge(build.result("a"), build.result("b", Outcome.ERROR))[0] is Verdict.UNKNOWN

    def test_is_unknown_where_a_suite_lost_tests(self) -> None:
        assert self.judge(build.result("a"))[1] == "suites/readiness: collected 1 tests, declares at least 2"
        assert self.judge(build.result("a"), build.result("b"), collected=3)[0] is Verdict.UNKNOWN

    def test_is_unknown_where_only_one_of_its_two_stages_ran(self) -> None:
        judged = gates()["readiness"].judge(build.view(self.STAGES, build.two_passed("readiness")))
        assert (judged.verdict, judged.reason) == (
            Verdict.UNKNOWN,
            "readiness-slow: no tests evidence: the stage did not run",
        )


class TestFlows:
    STAGES = (build.stage("e2e", "playwright"),)

    def judge(self, *results: object, collected: int | None = None) -> Verdict:
        payload = build.suite_of(*results, collected=collected)  # type: ignore[arg-type]
        return gates()["flows"].judge(build.view(self.STAGES, build.item("e2e", Kind.TESTS, payload))).verdict

    def test_passes_walked_flows(self) -> None:
        assert self.judge(build.result("a", flow="logs in"), build.result("b", flow="moves a lead")) is Verdict.PASS

    def test_fails_on_a_broken_flow(self) -> None:
        assert self.judge(build.result("a", flow="logs in"), build.result("b", Outcome.FAILED, flow="x")) is Verdict.FAIL

    def test_is_unknown_where_a_flow_was_skipped_or_no_test_is_a_flow(self) -> None:
        assert self.judge(build.result("a", flow="x"), build.result("b", Outcome.SKIPPED, flow="y")) is Verdict.UNKNOWN
        assert self.judge(build.result("a"), build.result("b")) is Verdict.UNKNOWN


def test_evidence_of_a_stage_that_the_target_cannot_feed_is_no_gap() -> None:
    stages = (build.stage("security"), build.stage("sessions"))
    skipped = StageRecord("sessions", "probes", StageState.SKIPPED, "the target gives no users")
    items = (build.item("security", Kind.FINDINGS, build.findings()), build.two_passed("security"))
    seen = build.view(stages, *items, records=(skipped,))
    assert gates()["findings"].judge(seen).verdict is Verdict.PASS
    assert seen.not_given() == ("sessions: the target gives no users",)
    assert not seen.nothing_given
