"""Scans that said FINISHED and 100 %: each is found out, and by its cause. The good runs are whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.engines.zap.honesty import gaps, whole_rules
from harness.engines.zap.model import RuleState, ScanFacts
from harness.engines.zap.reading import insight_faults, plan_faults, report_of, rule_states, scan_counts
from tests.zap import recorded


def good(flow: str) -> ScanFacts:
    by_label = {call.label: call.body for call in recorded.calls(flow)}
    requests, progress = scan_counts(by_label["scans list (reqCount)"]["scans"], "0")
    return ScanFacts(
        requests=requests,
        progress=progress,
        rules=rule_states(by_label["scan progress (final)"]["scanProgress"]),
        statuses={200: 1224, 404: 1042, 401: 346},
        operations=13,
        reached=13,
        alive_before=True,
        alive_after=True,
    )


@pytest.mark.parametrize("flow", ["flow-vuln", "flow-hard"])
def test_a_good_run_is_whole_but_for_rules_that_zap_itself_skipped(flow: str) -> None:
    facts = good(flow)
    skipped = [rule for rule in facts.rules if not rule.complete]
    assert gaps(replace(facts, rules=tuple(rule for rule in facts.rules if rule.complete))) == ()
    assert len(gaps(facts)) == bool(skipped)


WHOLE = ScanFacts(
    requests=100,
    progress=100,
    rules=(RuleState("1", "one", "Complete", 50, 0),),
    rules_wanted=("1",),
    statuses={200: 90, 404: 10},
    operations=5,
    reached=5,
    log_ins_wanted=True,
    log_ins=2,
    alive_before=True,
    alive_after=True,
)


def test_a_whole_scan_has_no_gap() -> None:
    assert gaps(WHOLE) == ()


def test_nothing_known_is_all_gaps() -> None:
    assert len(gaps(ScanFacts())) >= 4


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"alive_before": None}, "not seen alive before"),
        ({"alive_after": None}, "not seen alive after"),
        ({"operations": 0}, "nothing to scan"),
        ({"reached": 4}, "1 of 5 operations were not reached"),
        ({"log_ins": 0}, "no log-in was proved"),
        ({"log_in_failures": 1}, "1 log-ins failed"),
        ({"statuses": {401: 96, 200: 4}}, "only the door"),
        ({"statuses": {429: 96, 200: 4}}, "only the door"),
        ({"statuses": {}}, "nobody counted"),
        ({"network_failures": 3}, "got no answer"),
        ({"faults": ("ZAP did not answer in 30 s",)}, "did not answer"),
        ({"rules": (RuleState("1", "one", "Complete", 0, 0),)}, "sent nothing"),
    ],
)
def test_each_missing_proof_alone_is_a_gap(changes: dict[str, Any], cause: str) -> None:
    (gap,) = gaps(replace(WHOLE, **changes))
    assert cause in gap


def test_only_a_rule_that_came_to_its_end_by_itself_can_call_a_finding_fixed() -> None:
    rules = (
        RuleState("1", "whole", "Complete", 5, 0, 3.0),
        RuleState("2", "late", "Complete", 5, 0, 59.9),
        RuleState("3", "silent", "Complete", 0, 0),
        RuleState("4", "cut", "66%", 5, 0),
    )
    assert whole_rules(replace(WHOLE, rules=rules, rule_s_max=60.0)) == ("1",)
    assert whole_rules(replace(WHOLE, rules=rules)) == ("1", "2"), "where a rule may take as long as it likes"


def test_a_proof_that_failed_is_a_fault_though_zap_only_warns_of_it() -> None:
    said = "Difference in response code values for message GET http://127.0.0.1:81/me Expected : 200 Received : 401"
    assert plan_faults({"warn": [said]}, ()) == (f"the plan's own proof failed: {said}",)


@pytest.mark.parametrize(("name", "cause"), [("af-dies-jsonplus", "network failures: 92"), ("af-deadnofail-jsonplus", "refused")])
def test_a_report_of_a_dead_target_says_so_in_its_insights(name: str, cause: str) -> None:
    assert cause in "; ".join(insight_faults(report_of(recorded.report(name))))
