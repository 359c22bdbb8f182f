"""One defect, whoever says it, is one Finding."""

from __future__ import annotations

import dataclasses

from harness.findings.merge import causes, merged
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from tests.gates.build import finding

STEP = (Request("GET", "/x"),)


def test_two_engines_that_agree_give_one_finding_that_names_both() -> None:
    one = merged((finding(engines=("probes",)), finding(engines=("zap",), parts=("2.1.3.a",))))
    assert [(each.engines, each.parts) for each in one] == [(("probes", "zap"), ("2.1.3.a",))]


def test_two_engines_that_disagree_keep_the_worse_the_surer_and_say_so() -> None:
    mild = finding(severity=Severity.LOW, confidence=Confidence.HIGH, engines=("probes",))
    bad = finding(severity=Severity.HIGH, confidence=Confidence.LOW, engines=("zap",))
    for order in ((mild, bad), (bad, mild)):
        (both,) = merged(order)
        assert (both.severity, both.confidence) == (Severity.HIGH, Confidence.HIGH)
        assert both.severity_reason == "probes says low: the worse one counts"


def test_what_can_be_replayed_is_kept_from_whoever_has_it() -> None:
    bad = finding(severity=Severity.HIGH, engines=("zap",))
    assert merged((bad, finding(steps=STEP)))[0].steps == STEP


def test_another_parameter_role_or_method_is_another_finding() -> None:
    several = (finding(), finding(parameter="q"), finding(role="admin"), finding(method="POST"), finding(route="/y"))
    assert len(merged(several)) == len(several)


def test_the_fingerprint_holds_no_host_value_engine_or_wording() -> None:
    same = finding(engines=("zap",), severity=Severity.CRITICAL, stage="zap", observed="seen on http://10.0.0.1/x/17")
    other = dataclasses.replace(same, title="another title", observed="", engines=("probes",), stage="security")
    assert same.fingerprint == other.fingerprint == finding().fingerprint


def test_findings_of_several_roles_share_a_cause() -> None:
    groups = causes((finding(role="partner"), finding(role="admin"), finding(role="partner", route="/y")))
    assert [group.roles for group in groups] == [("partner", "admin"), ("partner",)]


def test_ten_thousand_findings_of_two_engines_are_merged_into_as_many() -> None:
    found = [
        finding(f"rule.{n % 60}", tuple(Severity)[n % 4], route=f"/a/{n % 2500}/{{id}}", parameter=f"p{n % 4}")
        for n in range(10_000)
    ]
    doubled = [dataclasses.replace(each, engines=("zap",)) for each in found]
    kept: tuple[Finding, ...] = merged((*found, *doubled))
    assert {each.engines for each in kept} == {("probes", "zap")}
    assert len(kept) == len({each.fingerprint for each in found})


def test_what_each_engine_observed_is_kept() -> None:
    ours = finding(observed="it is missing", proof=("one line",))
    zaps = finding(engines=("zap",), observed="ZAP saw 'x'", checks=("zap.10021",))
    both, again = merged((ours, zaps)), merged((*merged((ours, zaps)), ours, zaps))
    assert both == again
    assert both[0].observed == "it is missing"
    assert both[0].proof == ("one line", "zap: ZAP saw 'x'")
    assert both[0].found_by == ("headers.missing", "zap.10021")


def test_requests_with_a_symptom_outrank_those_that_say_not_what_to_look_for() -> None:
    bad = finding(severity=Severity.HIGH, engines=("zap",), steps=(Request("GET", "/x?zap"),))
    ours = finding(steps=STEP, symptom=Symptom(status=(500,)))
    (both,) = merged((bad, ours))
    assert (both.steps, both.symptom) == (STEP, Symptom(status=(500,)))
