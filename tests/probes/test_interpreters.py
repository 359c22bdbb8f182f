"""A value that a template engine, a shell or a browser takes for more than a value, and one that nothing does."""

from __future__ import annotations

import pytest

from harness.model.finding import Confidence
from harness.probes.checks import Report
from harness.probes.exchange import World
from harness.probes.injection import examine_injection
from harness.probes.scene import Scene
from harness.probes.symptoms import shows
from tests.probes.board_server import DOCUMENT, board


def examined(*defects: str) -> Report:
    with board(*defects) as live, World(live) as world:
        return examine_injection(Scene(world, DOCUMENT, 1))


def found(report: Report) -> set[tuple[str, str, str]]:
    return {(finding.rule, finding.operation, finding.parameter) for finding in report.findings}


@pytest.mark.parametrize(
    ("defect", "rule", "operation", "name"),
    [
        ("template", "injection.template", "GET /posts", "q"),
        ("template-go", "injection.template", "GET /posts", "q"),
        ("template-page", "injection.template", "POST /posts", "title"),
        ("reflects", "injection.markup", "GET /found", "q"),
        ("page-fails", "robustness.server-error", "GET /board", ""),
        ("raw-search", "injection.markup", "GET /board/found", "q"),
        ("raw-page", "injection.markup", "POST /posts", "title"),
        ("bare", "injection.command", "GET /posts", "q"),
        ("single", "injection.command", "GET /posts", "q"),
        ("double", "injection.command", "GET /posts", "q"),
    ],
)
def test_what_is_interpreted_is_found_where_it_was_sent(defect: str, rule: str, operation: str, name: str) -> None:
    report = examined(defect)
    assert found(report) == {(rule, operation, name)}
    assert report.findings[0].confidence is (Confidence.MEDIUM if defect == "page-fails" else Confidence.HIGH)


def test_an_expression_that_is_not_closed_fails_where_a_template_engine_reads_it() -> None:
    report = examined("template-fails")
    assert found(report) == {("injection.template", "GET /posts", "q")}
    assert report.findings[0].confidence is Confidence.MEDIUM


def test_a_board_that_takes_values_for_values_gives_no_finding() -> None:
    report = examined()
    assert report.findings == []
    assert report.tried == 3  # q twice, and title


@pytest.mark.parametrize("defect", ["template", "template-go", "template-fails", "reflects", "bare"])
def test_the_request_of_a_finding_shows_it_again(defect: str) -> None:
    (finding,) = examined(defect).findings
    for defects, again in (((defect,), True), ((), False)):
        with board(*defects) as live, World(live) as world:
            assert shows(finding.symptom, world.send(finding.steps[-1])) is again
