"""What a second look says of the first, and what it says where it could not be taken to its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from harness.model.errors import TargetError
from harness.model.finding import Confidence, Finding, Severity
from harness.probes.again import seen_again, survived
from harness.probes.checks import Report
from harness.probes.http.door import Door
from tests.probes.servers.board_server import Boards, board

FINDING = Finding("a.rule", "It shows", Severity.HIGH, Confidence.HIGH, "security", ("probes",))


def refused() -> Report:
    raise TargetError("log-in of member ann refused: POST /login answered 423")


@pytest.mark.parametrize(
    ("second", "confidence"),
    [
        (lambda: Report("second", 1, [FINDING]), Confidence.HIGH),
        (lambda: Report("second", 1), Confidence.LOW),
        (lambda: Report("second", broken="the log-in was refused"), Confidence.MEDIUM),
        (refused, Confidence.MEDIUM),
    ],
)
def test_not_seen_again_is_a_guess_only_where_it_was_looked_for(second: Callable[[], Report], confidence: Confidence) -> None:
    report = seen_again(Report("first", 1, [FINDING]), Boards(), second)
    assert [finding.confidence for finding in report.findings] == [confidence]


def test_an_examination_that_breaks_says_so() -> None:
    def examine(_door: Door) -> Report:
        return refused()

    with board() as door:
        report = survived(door, "codes", examine)
    assert report.findings == []
    assert "423" in report.broken


def test_one_that_kills_the_target_is_a_finding_whatever_it_raised() -> None:
    with ExitStack() as stack:
        door = stack.enter_context(board())

        def examine(_door: Door) -> Report:
            stack.close()
            return refused()

        report = survived(door, "codes", examine)
    assert [finding.rule for finding in report.findings] == ["robustness.target-died"]
