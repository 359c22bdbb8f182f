"""What no single request shows is seen again by `harness replay`, and is not where it is mended."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.engines.contract.again import examination_of
from harness.engines.contract.breaking import RULE as BREAKING
from harness.engines.contract.breaking import breaking_findings
from harness.engines.contract.campaign import FUZZING
from harness.engines.contract.confirming import Heard, unexplained_death
from harness.engines.contract.deviations import Rule
from harness.engines.contract.drift import RULE as DRIFT
from harness.engines.contract.drift import UNREADABLE, drift
from harness.model.finding import Confidence, Finding, Request, Severity
from harness.probes.examinations import Found, has_requests
from harness.probes.http.door import Door
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.report.reproduction import COMPARED_AGAIN, can_be_replayed
from tests.contract.stand import Stand, campaign, clean_document, stand


@dataclass(frozen=True)
class Boxes:
    """Lead boxes, each on data of its own."""

    box: Stand
    isolated: bool = True

    def fresh(self, label: str) -> AbstractContextManager[Door]:
        return self.box.fresh(label)


def examined(finding: Finding, box: Stand, document: Document | None = None) -> Found:
    assert not has_requests(finding)
    assert can_be_replayed(finding)
    examination = examination_of(finding)
    assert examination is not None
    return examination(Boxes(box), document or box.document, 1)


def shown(finding: Finding, found: Found) -> bool:
    return finding.fingerprint in {each.fingerprint for each in found.findings}


def with_score_to(maximum: int) -> str:
    data: dict[str, Any] = json.loads(clean_document())
    data["components"]["schemas"]["Lead"]["properties"]["score"]["maximum"] = maximum
    return json.dumps(data)


def test_a_difference_within_a_schema_is_compared_again(tmp_path: Path) -> None:
    box = stand(tmp_path, document=with_score_to(99))
    with box.fresh("drifted") as live, World(live) as world:
        (finding,) = drift(box.document, world)
    assert shown(finding, examined(finding, box))
    assert examined(finding, box, Document.load(clean_document())) == Found(())


def test_where_no_document_is_served_nothing_is_said_of_it(tmp_path: Path) -> None:
    finding = Finding("contract.drift", "It shows", Severity.MEDIUM, Confidence.HIGH, "contract", ())
    box = stand(tmp_path)
    silent = replace(box, target=replace(box.target, document_path=""))
    assert examined(finding, silent) == Found((), "leadbox serves no document (document_path in its file)")


def test_what_breaks_the_released_document_is_compared_again(tmp_path: Path) -> None:
    box = stand(tmp_path)
    new = Document.load(with_score_to(101).replace('"score"', '"points"'))
    (first, *_) = breaking_findings(box.document, new)
    assert examined(first, box, new) == Found((), "leadbox has no released document beside the committed one")
    (tmp_path / "leadbox.released.openapi.json").write_text(clean_document(), encoding="utf-8")
    assert shown(first, examined(first, box, new))
    assert examined(first, box) == Found(())


def test_a_session_that_an_operation_ends_is_lost_again(tmp_path: Path) -> None:
    operations = ("GET /api/me", "POST /api/leads")
    (finding,) = campaign(tmp_path, "logs-out", operations=operations, phases=(FUZZING,), roles=("agent",)).findings
    assert finding.rule == Rule.LOGGED_OUT
    assert shown(finding, examined(finding, stand(tmp_path, "logs-out")))
    assert examined(finding, stand(tmp_path)) == Found(())


def test_a_request_that_is_refused_now_says_nothing_of_the_session(tmp_path: Path) -> None:
    steps = (Request("POST", "/api/leads", "agent", "one", {"Content-Type": "application/json"}, "{}"),)
    finding = Finding(Rule.LOGGED_OUT, "It shows", Severity.MEDIUM, Confidence.HIGH, "contract", (), steps=steps)
    assert examined(finding, stand(tmp_path)) == Found((), "POST /api/leads was answered with 422 this time")


def test_the_reports_know_what_is_examined_again() -> None:
    made = Finding("", "It shows", Severity.LOW, Confidence.LOW, "contract", (), steps=(Request("GET", "/x"),))
    rules = (DRIFT, UNREADABLE, BREAKING, *Rule)
    assert {rule for rule in rules if examination_of(replace(made, rule=rule)) is not None} == COMPARED_AGAIN


@pytest.mark.parametrize("rule", ["contract.drift", "contract.breaking-change"])
def test_what_another_stage_found_is_none_of_its(rule: str) -> None:
    assert examination_of(Finding(rule, "It shows", Severity.LOW, Confidence.LOW, "security", ())) is None


def test_a_death_without_a_request_says_what_to_run_instead() -> None:
    finding = unexplained_death(Heard("agent", (), (), (), alive=False))
    assert finding is not None
    assert not can_be_replayed(finding)
    assert "cannot be replayed" in finding.advice
    assert "`harness verify contract`" in finding.advice
