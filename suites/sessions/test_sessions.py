"""A session is the user's own, holds only as long as it must, and ends when it is ended."""

from __future__ import annotations

import pytest

from harness.evidence.records import Recorder
from harness.model.finding import Finding
from harness.probes.deaths import seen_to_die
from harness.probes.sessions.sessions import SessionsRun
from harness.targets.arena import Arena


def settle(findings: list[Finding], record: Recorder) -> None:
    for finding in findings:
        record.finding(finding)
    assert not findings, "\n".join(f"{finding.title}: {finding.observed} {finding.advice}" for finding in findings)


def test_the_target_serves_to_the_end(attacks: SessionsRun, arena: Arena, record: Recorder) -> None:
    if attacks.death:
        record.finding(seen_to_die(arena, attacks.death, "sessions"))
    assert not attacks.died


@pytest.mark.proves("7.3.4.a", "1.1.6.a")
def test_a_token_that_the_target_did_not_give_opens_nothing(operation: str, attacks: SessionsRun, record: Recorder) -> None:
    settle([finding for finding in attacks.findings if finding.operation == operation], record)
    if attacks.is_protected(operation) and (gap := attacks.gap(operation)):
        pytest.skip(gap)


@pytest.mark.proves("7.3.4.a", "1.1.6.a")
def test_no_forged_token_is_accepted_everywhere(attacks: SessionsRun, record: Recorder) -> None:
    settle([finding for finding in attacks.findings if not finding.operation], record)
    if not attacks.reached:
        pytest.skip("no protected operation answered a good token, so no refusal proves anything")


@pytest.mark.proves("7.3.4.a")
def test_a_password_that_is_asked_for_is_looked_at(attacks: SessionsRun, record: Recorder) -> None:
    settle([*attacks.ended_findings("log-in"), *attacks.ended_findings("present password")], record)
    attacks.skip_unless_tried("log-in", pytest.skip)


@pytest.mark.proves("2.1.6.a")
def test_a_session_ends_with_the_log_out(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings("log-out"), record)
    attacks.skip_unless_tried("log-out", pytest.skip)


@pytest.mark.proves("2.1.6.a")
def test_a_session_ends_with_a_change_of_password(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings("password"), record)
    attacks.skip_unless_tried("password", pytest.skip)


@pytest.mark.proves("2.1.6.a")
def test_a_session_ends_with_the_account(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings("closing"), record)
    attacks.skip_unless_tried("closing", pytest.skip)


@pytest.mark.proves("2.1.6.a")
def test_a_session_ends_by_itself(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings("age"), record)
    attacks.skip_unless_tried("age", pytest.skip)


def test_a_refresh_token_is_good_once(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings("refresh"), record)
    attacks.skip_unless_tried("refresh", pytest.skip)


@pytest.mark.parametrize("end", ["log-out", "password"])
def test_a_refresh_token_ends_with_its_session(end: str, attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings(f"refresh after {end}"), record)
    attacks.skip_unless_tried(f"refresh after {end}", pytest.skip)


@pytest.mark.proves("2.1.9.a", "2.1.6.a")
def test_cookies_of_a_log_in_are_guarded_and_renewed(attacks: SessionsRun, record: Recorder) -> None:
    settle([finding for report in attacks.cookies for finding in report.findings], record)
    if not any(report.looked_at for report in attacks.cookies):
        pytest.skip("; ".join(report.note for report in attacks.cookies))


def test_a_write_needs_more_than_the_cookie(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings("cross-site"), record)
    attacks.skip_unless_tried("cross-site", pytest.skip)


@pytest.mark.proves("2.1.9.a")
def test_a_form_of_a_page_needs_its_token(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.ended_findings("page forms"), record)
    attacks.skip_unless_tried("page forms", pytest.skip)


def test_a_token_says_when_it_ends_and_holds_no_secret(attacks: SessionsRun, record: Recorder) -> None:
    settle(attacks.token_findings, record)
    if not attacks.tokens_read:
        pytest.skip("no role sends a token that can be read")
