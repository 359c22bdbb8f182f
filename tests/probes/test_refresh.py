"""Refresh tokens on a platform that is not the reference one."""

from __future__ import annotations

import pytest

from harness.engines.contract.budget import Budget
from harness.engines.contract.campaign import Campaign
from harness.model.finding import Confidence, Finding
from harness.probes.deliberate import deliberate_statuses
from harness.probes.http.exchange import REFRESH_TOKEN, World
from harness.probes.scene.refresh_tokens import refresh_token_in
from harness.probes.scene.scene import Scene
from harness.probes.sessions.sessions import SessionsRun
from harness.probes.tour import take_tour
from tests.probes.servers.lodge_server import Lodges, document, target

KINDS = ("refresh", "refresh after log-out", "refresh after password")
REFRESH = "POST /refresh"


def attacked(*defects: str, in_cookie: bool = False) -> SessionsRun:
    lodges = Lodges(frozenset(defects), in_cookie=in_cookie)
    return SessionsRun(lodges, document(in_cookie=in_cookie), seed=1).run()


def found(run: SessionsRun) -> list[Finding]:
    return [finding for how in run.ended for finding in run.ended_findings(how)]


@pytest.mark.parametrize("in_cookie", [False, True])
def test_a_platform_that_takes_a_refresh_token_once_gives_no_finding_and_all_was_tried(*, in_cookie: bool) -> None:
    run = attacked(in_cookie=in_cookie)
    assert found(run) == []
    assert [(how, run.ended[how][0].tried, run.ended[how][0].note) for how in KINDS] == [(how, True, "") for how in KINDS]


def test_a_refresh_token_that_opens_what_a_session_opens_is_found() -> None:
    run = attacked("refresh-as-session")
    assert {finding.rule for finding in run.findings} == {"sessions.accepts-refresh-token"}
    assert all("${token:refresh-token}" in finding.steps[0].headers["Cookie"] for finding in run.findings)


def test_the_same_session_twice_is_no_second_use() -> None:
    assert [finding.rule for finding in found(attacked("answers-again"))] == []


@pytest.mark.parametrize(
    ("defects", "rules"), [(("one-session",), []), (("one-session", "refresh-reuse"), ["sessions.refresh-token-reusable"])]
)
def test_sessions_that_are_alike_are_told_apart_by_their_next_token(defects: tuple[str, ...], rules: list[str]) -> None:
    assert [finding.rule for finding in found(attacked(*defects))] == rules


@pytest.mark.parametrize(
    ("defect", "rule", "severity"),
    [
        ("refresh-reuse", "sessions.refresh-token-reusable", "medium"),
        ("refresh-after-log-out", "sessions.refresh-after-log-out", "high"),
        ("refresh-after-password", "sessions.refresh-after-password-change", "high"),
    ],
)
def test_a_refresh_token_that_lives_too_long_is_found_and_seen_again(defect: str, rule: str, severity: str) -> None:
    (finding,) = found(attacked(defect))
    assert (finding.rule, finding.operation, str(finding.severity)) == (rule, REFRESH, severity)
    assert (finding.confidence, finding.cwe) == (Confidence.HIGH, 613)
    assert REFRESH_TOKEN in str(finding.steps[-1].body)  # no token is kept


@pytest.mark.parametrize(
    ("defect", "rule"),
    [
        ("refresh-reuse", "sessions.refresh-token-reusable"),
        ("refresh-after-log-out", "sessions.refresh-after-log-out"),
        ("refresh-after-password", "sessions.refresh-after-password-change"),
    ],
)
def test_one_that_comes_in_a_cookie_alone_is_tried_as_well(defect: str, rule: str) -> None:
    assert [(finding.rule, finding.operation) for finding in found(attacked(defect, in_cookie=True))] == [(rule, REFRESH)]


def test_without_a_cookie_of_it_nothing_is_said() -> None:
    run = SessionsRun(Lodges(), document(in_cookie=True), seed=1).run()
    assert {run.ended[how][0].note for how in KINDS} == {"the log-in of guest gives no refresh token in a cookie"}


def test_where_no_operation_takes_a_refresh_token_it_says_so() -> None:
    run = SessionsRun(Lodges(), document(refreshes=False), seed=1).run()
    why = "the document has no operation that takes a refresh token of guest"
    assert [(run.ended[how][0].tried, run.ended[how][0].note) for how in KINDS] == [(False, why)] * 3


def test_a_refresh_succeeds_on_a_tour_and_logs_nobody_out() -> None:
    tour = take_tour(Lodges(), document(), seed=1)
    assert set(tour.reached) == set(document().names)


def test_a_refresh_is_sent_deliberately() -> None:
    with Lodges().fresh("deliberate") as door, World(door) as world:
        assert deliberate_statuses(Scene(world, document(), 1))[REFRESH] == {"200"}


@pytest.mark.parametrize(
    ("data", "token"),
    [
        ({"refreshToken": "abcdefgh1"}, "abcdefgh1"),
        ({"tokens": {"access": "x" * 20, "refresh_token": "abcdefgh2"}}, "abcdefgh2"),
        ({"refresh": "abcdefgh3"}, "abcdefgh3"),
        ({"refresh_expires_in": 3600, "refreshToken": None}, ""),
        ({"refresh": True, "token": "abcdefgh4"}, ""),
        (None, ""),
    ],
)
def test_a_refresh_token_is_known_by_its_name(data: object, token: str) -> None:
    assert refresh_token_in(data) == token


def test_the_contract_stage_sends_the_refresh_token_of_each_new_session() -> None:
    lodges = Lodges()
    budget = Budget.of({"cases_per_operation": 20}, workers=1)
    result = Campaign(document(), target(), lodges.fresh, seed=1, budget=budget, operations=[REFRESH]).run()
    assert [(cases.operation, cases.role) for cases in result.cases] == [(REFRESH, "guest")]
    assert result.cases[0].successes > 1, result.cases
    assert not result.incomplete


def test_a_refresh_token_is_looked_for_in_the_log_like_any_secret() -> None:
    with Lodges().fresh("tokens") as door, World(door) as world:
        assert world.credential("guest", "one").refresh_token in world.tokens
