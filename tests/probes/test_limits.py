"""Limits of clients and accounts, on a platform that is not the reference one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.model.finding import Confidence
from harness.model.target import Limits
from harness.probes.abuse.guessing import examine_guessing, is_slowed
from harness.probes.abuse.limits import examine_limits
from harness.probes.again import examined_twice, sent_again
from harness.probes.checks import Report
from harness.probes.http.door import Door
from harness.probes.symptoms import shows
from tests.probes.servers.gate_server import DOCUMENT, LIMITS, Gate, Gates, target
from tests.probes.servers.small_http import served

NONE = Limits()


def limited(*defects: str, limits: Limits = LIMITS) -> Report:
    gates = Gates(frozenset(defects), limits)
    return examined_twice(gates, "limits", lambda door: examine_limits(door, DOCUMENT, 1))


def guessed(*defects: str, limits: Limits = LIMITS) -> Report:
    return examined_twice(Gates(frozenset(defects), limits), "guessing", examine_guessing)


def said(report: Report) -> set[tuple[str, str, str, str]]:
    return {(f.rule.removeprefix("abuse."), f.operation, f.parameter, f.role) for f in report.findings}


@pytest.mark.parametrize("habits", [(), ("tokens-first",)])
def test_a_platform_that_limits_every_route_gives_no_finding(habits: tuple[str, ...]) -> None:
    report = limited(*habits)
    assert said(report) == set()
    assert report.tried > 100


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        ("no-limit", ("no-rate-limit", "", "", "")),
        ("forgets-a-route", ("no-rate-limit", "GET /news/{news_id}", "", "")),
        ("signed-in-unlimited", ("no-rate-limit", "", "", "member")),
        ("believes-forwarded", ("rate-limit-evaded", "", "X-Forwarded-For", "")),
        ("believes-agent", ("rate-limit-evaded", "", "User-Agent", "")),
        ("shared", ("rate-limit-shared", "", "", "")),
    ],
)
def test_a_limit_that_is_missing_or_evaded_is_said_once_and_seen_again(defect: str, finding: tuple[str, str, str, str]) -> None:
    report = limited(defect)
    assert said(report) == {finding}
    assert report.findings[0].confidence is Confidence.HIGH
    with Gates(frozenset({defect})).fresh("replay") as door:
        assert shows(report.findings[0].symptom, sent_again(door, report.findings[0].steps)[-1])
    with Gates().fresh("replay") as door:
        assert not shows(report.findings[0].symptom, sent_again(door, report.findings[0].steps)[-1])


def test_a_limit_that_nobody_promised_is_only_noticed() -> None:
    report = limited(limits=NONE)
    assert said(report) == set()
    assert [observation.operation for observation in report.observations] == ["GET /me"]


def unpromised(examine: Callable[[Door], Report], *defects: str, limits: Limits = LIMITS) -> Report:
    return examined_twice(Gates(frozenset(defects), limits, promises=False), "limits", examine)


def every_route(door: Door) -> Report:
    return examine_limits(door, DOCUMENT, 1)


@pytest.mark.parametrize(
    ("defect", "found"),
    [
        ((), set()),
        (("tokens-first",), set()),
        (("fills-up-again",), set()),
        (("believes-forwarded",), {("rate-limit-evaded", "", "X-Forwarded-For", "")}),
        (("believes-agent",), {("rate-limit-evaded", "", "User-Agent", "")}),
    ],
)
def test_a_limit_that_nobody_promised_must_hold_where_there_is_one(defect: tuple[str, ...], found: set[tuple[str, ...]]) -> None:
    report = unpromised(every_route, *defect)
    assert said(report) == found
    assert report.tried > 100
    for finding in report.findings:
        assert finding.confidence is Confidence.HIGH
        with Gates(frozenset(defect)).fresh("replay") as door:
            assert shows(finding.symptom, sent_again(door, finding.steps)[-1])
        with Gates().fresh("replay") as door:
            assert not shows(finding.symptom, sent_again(door, finding.steps)[-1])


def test_where_an_unpromised_limit_is_missing_or_everybodys_it_is_only_noticed() -> None:
    for defect, rule, operation in (
        ("forgets-a-route", "abuse.no-rate-limit", "GET /news/{news_id}"),
        ("shared", "abuse.rate-limit-shared", "GET /me"),
    ):
        report = unpromised(every_route, defect)
        assert said(report) == set()
        assert [(seen.rule, seen.operation) for seen in report.observations] == [(rule, operation)]


def test_where_the_first_request_is_refused_nothing_can_be_said() -> None:
    report = unpromised(every_route, "shared", limits=replace(LIMITS, requests=-1))
    assert (report.tried, report.findings) == (0, [])
    assert "first request was answered 429" in report.gap


@pytest.mark.parametrize(
    "limits", [replace(LIMITS, requests=0, failed_per_account=0), replace(LIMITS, requests=0, log_in_attempts=0)]
)
@pytest.mark.parametrize(
    ("defect", "parameters"),
    [((), set()), (("tokens-first",), set()), (("believes-forwarded", "counts-client-and-account"), {"X-Forwarded-For"})],
)
def test_an_unpromised_limit_of_log_ins_must_hold_too(limits: Limits, defect: tuple[str, ...], parameters: set[str]) -> None:
    found = said(unpromised(examine_guessing, *defect, limits=limits))
    log_ins = ("POST /login", "POST /enter")
    assert found == {("log-in-limit-evaded", log_in, parameter, "") for log_in in log_ins for parameter in parameters}


def test_a_target_elsewhere_is_not_used_up() -> None:
    with Gates().fresh("elsewhere") as door:
        report = examine_limits(replace(door, base_url="http://192.0.2.1:80"), DOCUMENT, 1)
    assert (report.tried, report.findings) == (0, [])
    assert "not on this machine" in report.note


@pytest.mark.parametrize("habits", [(), ("tokens-first",), ("page-token",)])
def test_a_platform_that_limits_its_log_ins_gives_no_finding(habits: tuple[str, ...]) -> None:
    report = guessed(*habits)
    assert said(report) == set()
    assert report.tried > 40


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        ("log-in-unlimited", ("log-in-not-limited", "POST /login", "", "member")),
        ("account-unlimited", ("account-not-limited", "POST /login", "account", "member")),
        ("believes-forwarded", ("log-in-limit-evaded", "POST /login", "X-Forwarded-For", "")),
        ("counts-the-name-as-sent", ("log-in-limit-evaded", "POST /login", "account", "member")),
    ],
)
def test_a_log_in_that_can_be_guessed_is_found_through_operation_and_page(
    defect: str, finding: tuple[str, str, str, str]
) -> None:
    found = said(guessed(defect))
    rule, _, parameter, role = finding
    assert found == {finding, (rule, "POST /enter", parameter, role)}


def test_a_log_in_that_wants_its_pages_token_is_given_one() -> None:
    found = said(guessed("page-token", "log-in-unlimited"))
    assert found == {("log-in-not-limited", f"POST {path}", "", "member") for path in ("/login", "/enter")}


def test_where_the_right_password_is_refused_too_nothing_is_said() -> None:
    described = replace(target(LIMITS), roles=tuple(replace(role, page_login="") for role in target(LIMITS).roles))
    gate = Gate(frozenset({"page-token", "log-in-unlimited"}))  # of which the target file knows nothing
    with served(described, gate.answer) as door:
        report = examine_guessing(door)
    assert (report.findings, report.untried) == ([], ["POST /login: the right password is refused there too (422)"])


def test_fifty_wrong_passwords_are_a_finding_whatever_was_promised() -> None:
    assert ("log-in-not-limited", "POST /login", "", "member") in said(guessed(limits=NONE))


def test_accounts_that_others_use_are_not_locked() -> None:
    with Gates(limits=NONE).fresh("shared") as door:
        report = examine_guessing(door, locks=False)
    assert (report.tried, report.findings) == (0, [])
    assert "not locked" in report.note


def test_a_log_in_that_slows_down_is_no_open_one() -> None:
    assert is_slowed([0.1] * 10 + [0.2] * 20 + [1.0] * 10)
    assert not is_slowed([0.1, 0.12, 0.09, 0.4, 0.1] * 8)
    assert not is_slowed([0.001] * 10 + [0.01] * 10)
