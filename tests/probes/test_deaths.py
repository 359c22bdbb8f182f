"""A target that died is a finding with the request after which it did not answer, surer where that one kills another too."""

from __future__ import annotations

from harness.model.errors import TargetError
from harness.model.finding import Confidence, Request
from harness.probes.access.authorization import AuthorizationRun
from harness.probes.deaths import Death, death_by, seen_to_die
from harness.probes.sessions.sessions import SessionsRun
from harness.probes.tour import take_tour
from tests.probes.servers.notes_server import DOCUMENT, Servers

DEADLY = Request("POST", "/notes?draft=1", role="member", user="one", headers={"Content-Type": "application/json"}, body="[]")
MORTAL = Servers(frozenset({"dies-on-list"}))


def test_what_kills_a_fresh_target_by_itself_is_sure() -> None:
    finding = seen_to_die(MORTAL, Death("it died", DEADLY), "sessions")
    assert (finding.rule, finding.operation, finding.stage) == ("robustness.target-died", "POST /notes", "sessions")
    assert (finding.confidence, finding.steps) == (Confidence.HIGH, (DEADLY,))


def test_what_a_fresh_target_survives_is_less_sure() -> None:
    finding = seen_to_die(Servers(), Death("it died", DEADLY), "sessions")
    assert finding.confidence is Confidence.MEDIUM
    assert finding.steps == (DEADLY,)


def test_a_death_without_a_request_is_told_all_the_same() -> None:
    finding = seen_to_die(MORTAL, death_by(TargetError("it hung up")), "sessions")
    assert (finding.operation, finding.steps, finding.confidence) == ("", (), Confidence.MEDIUM)


def test_every_examination_keeps_the_last_request() -> None:
    authorization = AuthorizationRun(Servers(dies_after=12), DOCUMENT, seed=1).run()
    sessions = SessionsRun(Servers(dies_after=12), DOCUMENT, seed=1).run()
    tour = take_tour(Servers(dies_after=12), DOCUMENT, 1)
    for done in (authorization, sessions, tour):
        assert done.death is not None
        assert done.death.request is not None
        assert f"the last request was {done.death.request.method} {done.death.request.path}" in done.died
