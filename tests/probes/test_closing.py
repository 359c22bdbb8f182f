"""Accounts that are closed, on a platform that is not the reference one."""

from __future__ import annotations

import pytest

from harness.model.finding import Confidence
from harness.model.target import Limits
from harness.probes.sessions import SessionsRun
from tests.probes.gate_server import DOCUMENT, Gates
from tests.probes.notes_server import DOCUMENT as NOTES
from tests.probes.notes_server import Servers


def closed(*defects: str) -> SessionsRun:
    return SessionsRun(Gates(frozenset(defects), Limits()), DOCUMENT, seed=1).run()


def test_a_closed_account_that_opens_nothing_is_no_finding_and_its_closing_comes_last() -> None:
    run = closed()
    assert run.ended_findings("closing") == []
    assert [ended.tried for ended in run.ended["closing"]] == [True]
    assert set(run.reached) == {"GET /me", "DELETE /me", "GET /notes"}


@pytest.mark.parametrize(
    ("defect", "rule"), [("closed-token", "sessions.alive-after-closing"), ("closed-log-in", "sessions.log-in-after-closing")]
)
def test_a_closed_account_that_still_opens_something_is_found_twice(defect: str, rule: str) -> None:
    found = closed(defect).ended_findings("closing")
    assert [(finding.rule, finding.operation, finding.confidence) for finding in found] == [(rule, "DELETE /me", Confidence.HIGH)]


def test_where_no_account_can_be_closed_it_says_so() -> None:
    run = SessionsRun(Servers(), NOTES, seed=1).run()
    assert [(ended.tried, ended.note) for ended in run.ended["closing"]] == [
        (False, "the document has no way to close an account")
    ]
