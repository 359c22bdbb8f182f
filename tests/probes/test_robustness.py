"""Hostile input on a platform that is not the reference one."""

from __future__ import annotations

import pytest

from harness.model.finding import Confidence
from harness.probes.robustness import RobustnessRun
from tests.probes.board_server import DOCUMENT as BOARD
from tests.probes.board_server import Boards
from tests.probes.notes_server import DOCUMENT, Servers


def examined(*defects: str) -> RobustnessRun:
    return RobustnessRun(Servers(frozenset(defects)), DOCUMENT, seed=1).run()


def found(run: RobustnessRun) -> set[tuple[str, str, str]]:
    return {(f.rule, f.operation, f.parameter) for item in run.tried for f in item.findings}


def test_a_platform_that_refuses_clearly_gives_no_finding_and_every_operation_is_tried() -> None:
    run = examined()
    assert found(run) == set()
    assert {item.operation for item in run.tried if item.sent} == set(DOCUMENT.names)


@pytest.mark.parametrize(
    ("defect", "rule", "parameter"),
    [("fails-on-list", "robustness.server-error", "body"), ("tells-inside", "exposure.internals", "")],
)
def test_a_fault_is_said_once_per_operation_and_seen_again(defect: str, rule: str, parameter: str) -> None:
    run = examined(defect)
    operations = ("POST /notes", "PATCH /notes/{note_id}")  # the log-in of this platform reads nothing but its two words
    assert found(run) == {(rule, operation, parameter) for operation in operations}
    assert {f.confidence for item in run.tried for f in item.findings if f.rule == "robustness.server-error"} <= {Confidence.HIGH}


def test_a_fault_that_shows_its_inside_is_two_defects() -> None:
    rules = {rule for rule, _, _ in found(examined("fails-on-list", "tells-inside"))}
    assert rules == {"robustness.server-error", "exposure.internals"}


def test_a_target_that_died_is_a_finding_with_the_request_that_killed_it_and_the_rest_goes_on() -> None:
    run = examined("dies-on-list")
    assert {rule for rule, _, _ in found(run)} == {"robustness.target-died"}
    assert {f.steps[0].body for item in run.tried for f in item.findings} == {"[]"}
    assert {item.operation for item in run.tried} == set(DOCUMENT.names)


def test_what_destroys_credentials_is_spared_on_a_target_that_cannot_be_made_anew() -> None:
    run = RobustnessRun(Servers(isolated=False), DOCUMENT, seed=1).run()
    spared = run.of("DELETE /sessions/current")
    assert spared is not None
    assert spared.sent == 0
    assert "cannot be given fresh ones" in spared.note


def test_a_worker_that_dies_of_a_request_is_a_finding_though_the_next_one_serves() -> None:
    run = RobustnessRun(Boards(("worker-dies",)), BOARD, 1).run()
    findings = [finding for tried in run.tried for finding in tried.findings]
    assert {(finding.rule, finding.operation) for finding in findings} == {("robustness.server-error", "GET /posts")}
    assert "no answer came" in findings[0].observed
    assert findings[0].confidence is Confidence.HIGH
    assert found(RobustnessRun(Boards(), BOARD, 1).run()) == set()
