"""Whole campaigns against the lead box: quiet where it is clean, one finding for one defect."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from harness.engines.contract.campaign import DESTRUCTIVE, ENUMERATED, FUZZING, STATEFUL, Campaign, CampaignResult
from harness.model.evidence import OperationCases
from harness.model.finding import Confidence, Finding
from tests.contract.stand import BUDGET, campaign, stand, told

ONE_LEAD = "GET /api/leads/{lead_id}"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> CampaignResult:
    return campaign(tmp_path_factory.mktemp("clean"))


def test_a_clean_platform_gives_no_finding(clean: CampaignResult) -> None:
    assert not clean.findings, told(clean)


def test_every_phase_comes_to_its_end_as_every_role(clean: CampaignResult) -> None:
    assert clean.phases == ("examples", "coverage", DESTRUCTIVE, "fuzzing", "stateful")
    assert not clean.incomplete
    assert not clean.untested
    assert clean.target_alive


def test_every_role_succeeds_with_what_it_may_do(clean: CampaignResult) -> None:
    assert len(clean.cases) == 22  # eleven operations, two roles
    assert [(c.operation, c.role) for c in clean.cases if not c.permitted] == [("GET /api/stats", "agent")]
    assert all(cases.successes >= 1 for cases in clean.cases if cases.permitted), clean.cases


def test_each_operation_gets_its_minimum_of_cases(clean: CampaignResult) -> None:
    for operation in {cases.operation for cases in clean.cases}:
        assert sum(cases.cases for cases in clean.cases if cases.operation == operation) >= 20


def test_the_habits_of_the_framework_are_observations(clean: CampaignResult) -> None:
    assert any("cannot be parsed" in note.text for note in clean.observations)


def test_a_platform_that_limits_each_address_is_tried_as_thoroughly(clean: CampaignResult, tmp_path: Path) -> None:
    result = campaign(tmp_path, "limits-each-address")
    assert not result.findings, told(result)
    assert not result.incomplete
    assert [cases.successes >= 1 for cases in result.cases] == [cases.successes >= 1 for cases in clean.cases]


def test_no_password_is_kept(clean: CampaignResult) -> None:
    assert os.environ["LEADBOX_PASSWORD"] not in repr(clean)


def defect_of(folder: Path, defect: str, operations: tuple[str, ...], phase: str = ENUMERATED) -> Finding:
    """The only finding of a campaign against a box with that defect."""
    result = campaign(folder, defect, operations=operations, phases=(phase,), roles=("agent",))
    assert len(result.findings) == 1, told(result)
    return result.findings[0]


@pytest.mark.parametrize(
    ("defect", "operation", "rule", "parameter"),
    [
        ("any-limit", "GET /api/leads", "contract.invalid-accepted", "limit"),
        ("odd-id", ONE_LEAD, "contract.server-error", "lead_id"),
        ("drops-member", "GET /api/leads", "contract.response-schema", "leads[].score"),
        ("wrong-type", ONE_LEAD, "contract.response-schema", "score"),
        ("wrong-media-type", ONE_LEAD, "contract.media-type", "200"),
        ("teapot", "POST /api/leads", "contract.undocumented-status", "418"),
        ("refuses-valid", "POST /api/leads", "contract.valid-refused", "422"),
        ("unknown-members", "PUT /api/leads/{lead_id}", "contract.invalid-accepted", "additionalProperties"),
        ("open-door", ONE_LEAD, "contract.no-authentication", ""),
        ("endless", ONE_LEAD, "contract.endless-answer", ""),
        ("dies", ONE_LEAD, "contract.target-died", ""),
        ("size-as-text", "POST /api/leads/{lead_id}/papers", "contract.response-schema", "bytes"),
    ],
)
def test_a_defect_is_found_once_and_seen_again(tmp_path: Path, defect: str, operation: str, rule: str, parameter: str) -> None:
    finding = defect_of(tmp_path, defect, (operation,))
    assert (finding.rule, finding.operation, finding.parameter) == (rule, operation, parameter)
    assert finding.confidence is Confidence.HIGH
    assert finding.steps
    assert finding.why
    assert finding.advice


def test_the_request_that_shows_a_limit_is_the_smallest(tmp_path: Path) -> None:
    finding = defect_of(tmp_path, "any-limit", ("GET /api/leads",))
    assert [(step.method, step.path, step.body) for step in finding.steps] == [("GET", "/api/leads?limit=101", None)]
    assert "`limit` is 101, above its maximum of 100" in finding.title
    assert finding.symptom.status == (200,)


def test_an_object_that_outlives_its_deletion_is_shown_in_two_requests(tmp_path: Path) -> None:
    operations = ("POST /api/leads", "DELETE /api/leads/{lead_id}", ONE_LEAD)
    finding = defect_of(tmp_path, "still-there", operations, STATEFUL)
    assert finding.rule == "contract.available-after-delete"
    assert [step.method for step in finding.steps] == ["DELETE", "GET"]
    assert finding.steps[0].path == finding.steps[1].path


def test_a_door_that_is_open_everywhere_is_one_finding(tmp_path: Path) -> None:
    operations = ("GET /api/me", "GET /api/leads", ONE_LEAD)
    finding = defect_of(tmp_path, "open-door", operations)
    assert all(name in finding.title + finding.observed for name in operations)
    assert finding.steps[-1].role == ""


def test_a_lost_session_is_said_and_leaves_the_phase_incomplete(tmp_path: Path) -> None:
    result = campaign(tmp_path, "logs-out", operations=("GET /api/me", "POST /api/leads"), phases=(FUZZING,), roles=("agent",))
    assert [finding.rule for finding in result.findings] == ["contract.logged-out"]
    assert result.findings[0].operation == "POST /api/leads"
    assert any("the tester was logged out" in line for line in result.incomplete)
    assert result.phases == ()


def test_an_operation_that_does_not_answer_is_found_in_bounded_time(tmp_path: Path) -> None:
    began = time.monotonic()
    budget = dataclasses.replace(BUDGET, request_seconds=1.0)
    result = campaign(tmp_path, "hangs", operations=("GET /api/stats",), phases=(ENUMERATED,), budget=budget)
    assert [finding.rule for finding in result.findings] == ["contract.no-answer"], told(result)
    assert time.monotonic() - began < 150


def test_a_refused_log_in_leaves_everything_untested(tmp_path: Path) -> None:
    box = stand(tmp_path)
    roles = tuple(
        dataclasses.replace(role, users=(dataclasses.replace(role.users[0], password="not it"),)) for role in box.target.roles
    )
    target = dataclasses.replace(box.target, roles=roles)
    refused = dataclasses.replace(box, target=target)
    result = Campaign(box.document, target, refused.fresh, seed=1, budget=BUDGET, phases=(ENUMERATED,)).run()
    assert all("refused" in line for line in result.incomplete)
    assert set(result.untested) == set(box.document.names)
    assert all(cases.cases == 0 for cases in result.cases)


def test_a_target_that_allows_no_writes_gets_none(tmp_path: Path) -> None:
    box = stand(tmp_path)
    target = dataclasses.replace(box.target, allow=dataclasses.replace(box.target.allow, writes=False))
    closed = dataclasses.replace(box, target=target)
    result = Campaign(box.document, target, closed.fresh, seed=1, budget=BUDGET, phases=(ENUMERATED, FUZZING)).run()
    assert "POST /api/leads" in result.untested
    assert "does not allow writes" in result.untested["POST /api/leads"]
    assert not [c for c in result.cases if c.operation == "POST /api/leads" and c.cases]
    assert [c for c in result.cases if c.operation == "GET /api/leads" and c.successes]


def test_one_seed_gives_the_same_cases_twice(tmp_path: Path) -> None:
    operations = ("GET /api/leads", "POST /api/leads")
    first, second, other = (
        campaign(tmp_path, seed=seed, operations=operations, phases=(FUZZING,), roles=("agent",)).cases for seed in (7, 7, 8)
    )
    assert first == second
    assert first != other


def test_a_campaign_that_has_no_time_says_so(tmp_path: Path) -> None:
    result = campaign(tmp_path, budget=dataclasses.replace(BUDGET, seconds=0.0), operations=("GET /api/me",))
    assert result.phases == ()
    assert result.incomplete
    assert result.untested == {"GET /api/me": "no case was sent: the stage's time was over before"}


def test_what_a_leg_sent_is_told_as_soon_as_it_ends(tmp_path: Path) -> None:
    box = stand(tmp_path)
    told_of: list[tuple[OperationCases, ...]] = []
    result = Campaign(
        box.document,
        box.target,
        box.fresh,
        seed=1,
        budget=BUDGET,
        operations=("GET /api/me",),
        phases=(ENUMERATED, FUZZING),
        counted=told_of.append,
    ).run()
    assert len(told_of) == 4  # two phases, two roles
    sums = {role: sum(each.cases for leg in told_of for each in leg if each.role == role) for role in ("agent", "boss")}
    assert sums == {cases.role: cases.cases for cases in result.cases}
