"""JUnit: each gate is a test case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest

from harness.model.gate import GateResult
from harness.model.verdict import Verdict
from harness.report import junit
from harness.report.model import ReportInput
from tests.report import samples


def suite(data: ReportInput) -> Element:
    found = fromstring(junit.render(data)).find("testsuite")
    assert found is not None
    return found


def case(verdict: Verdict, *, required: bool = True) -> Element:
    run = samples.passed()
    gate = GateResult("latency", verdict, "p95 512 ms, wanted ≤ 200 ms", advice="look at the statements", required=required)
    found = suite(replace(run, verdict=replace(run.verdict, gates=(gate,)))).find("testcase")
    assert found is not None
    return found


@pytest.mark.parametrize("sample", [samples.passed, samples.failed, samples.unknown, samples.empty])
def test_the_counts_are_those_of_the_cases(sample: Callable[[], ReportInput]):
    found = suite(sample())
    assert int(found.attrib["tests"]) == len(found.findall("testcase"))
    assert int(found.attrib["failures"]) == len(found.findall("testcase/failure"))
    assert int(found.attrib["errors"]) == len(found.findall("testcase/error"))
    assert int(found.attrib["skipped"]) == len(found.findall("testcase/skipped"))


def test_each_gate_is_a_case_in_the_order_of_the_plan():
    assert [found.attrib["name"] for found in suite(samples.failed()).findall("testcase")] == list(samples.GATES)


@pytest.mark.parametrize(
    ("verdict", "required", "element"),
    [
        (Verdict.FAIL, True, "failure"),
        (Verdict.UNKNOWN, True, "error"),
        (Verdict.SKIPPED, False, "skipped"),
        (Verdict.SKIPPED, True, "error"),
    ],
)
def test_a_verdict_is_its_element(verdict: Verdict, required: bool, element: str):
    children = [child.tag for child in case(verdict, required=required)]
    assert children == [element]


def test_a_passed_gate_has_no_element_that_would_fail_it():
    assert [child.tag for child in case(Verdict.PASS)] == ["system-out"]


def test_the_message_tells_what_to_mend():
    failure = case(Verdict.FAIL).find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "p95 512 ms, wanted ≤ 200 ms. Next: look at the statements"
    assert failure.attrib["type"] == "FAIL"


def test_a_failure_lists_its_findings_with_the_command_that_shows_them():
    failure = suite(samples.failed()).find("testcase[@name='authorization']/failure")
    assert failure is not None
    assert failure.text is not None
    fingerprint = samples.failed().findings[0].fingerprint
    assert f"harness replay {fingerprint}" in failure.text


def test_a_run_without_gates_is_an_error_and_not_an_empty_success():
    found = suite(samples.empty())
    assert found.attrib["errors"] == "1"
    assert found.find("testcase/error") is not None


def test_hostile_text_leaves_the_xml_whole_and_short():
    run = samples.failed()
    gates = tuple(GateResult(text, Verdict.FAIL, text, details=(text,) * 200, advice=text) for text in samples.HOSTILE_TEXTS)
    text = junit.render(replace(run, verdict=replace(run.verdict, gates=gates)))
    root = fromstring(text)
    assert len(root.findall("testsuite/testcase")) == len(gates)
    assert "more in report/index.html" in text
    assert len(text) < 500_000
