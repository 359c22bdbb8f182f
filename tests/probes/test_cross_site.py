"""Writes that another site causes, on a platform that is not the reference one."""

from __future__ import annotations

import pytest

from harness.model.finding import Confidence, Finding, Request
from harness.model.target import Login
from harness.probes.again import sent_again
from harness.probes.http.door import Credential
from harness.probes.http.exchange import World
from harness.probes.sessions.cross_site import guards_of
from harness.probes.sessions.sessions import SessionsRun
from tests.probes.servers.lodge_server import Lodges, document
from tests.probes.servers.notes_server import DOCUMENT as NOTES
from tests.probes.servers.notes_server import Servers


def attacked(*defects: str, asks_header: bool = True) -> SessionsRun:
    return SessionsRun(Lodges(frozenset(defects), asks_header), document(), seed=1).run()


def found(run: SessionsRun) -> list[Finding]:
    return run.ended_findings("cross-site")


def test_a_platform_that_asks_for_the_header_gives_no_finding_and_was_tried() -> None:
    run = attacked()
    assert found(run) == []
    assert [ended.tried for ended in run.ended["cross-site"]] == [True]


@pytest.mark.parametrize(
    ("defect", "severity", "said"),
    [("csrf-off", "medium", "without the header X-XSRF-TOKEN"), ("csrf-any", "low", "with a wrong value of X-XSRF-TOKEN")],
)
def test_a_write_that_is_done_without_the_right_header_is_found_twice(defect: str, severity: str, said: str) -> None:
    (finding,) = found(attacked(defect))
    assert (finding.rule, finding.operation) == ("cookies.write-without-csrf-header", "POST /notes")
    assert (str(finding.severity), finding.cwe, finding.confidence) == (severity, 352, Confidence.HIGH)
    assert said in finding.observed


def test_the_step_of_a_finding_shows_it_again() -> None:
    (finding,) = found(attacked("csrf-off"))
    with Lodges(frozenset({"csrf-off"})).fresh("again") as door:
        assert [answer.status for answer in sent_again(door, finding.steps)] == [201]
    with Lodges().fresh("mended") as door:
        assert [answer.status for answer in sent_again(door, finding.steps)] == [403]


@pytest.mark.parametrize(
    ("defects", "rules"),
    [
        ((), []),
        (("no-same-site",), []),  # it takes JSON only, which a browser asks for first
        (("any-type",), []),  # the browser holds the cookie back
        (("no-same-site", "any-type"), ["cookies.cross-site-write"]),
    ],
)
def test_without_a_header_it_is_the_cookie_and_the_type_that_count(defects: tuple[str, ...], rules: list[str]) -> None:
    assert [finding.rule for finding in found(attacked(*defects, asks_header=False))] == rules


def test_where_no_role_has_a_session_cookie_it_says_so() -> None:
    run = SessionsRun(Servers(), NOTES, seed=1).run()
    assert [(ended.tried, ended.note) for ended in run.ended["cross-site"]] == [(False, "no role is logged in by a cookie alone")]
    assert [(ended.tried, ended.note) for ended in run.ended["page forms"]] == [(False, "no role has pages")]


@pytest.mark.parametrize(
    ("send", "guards"),
    [
        ({"X-XSRF-TOKEN": "{cookie:XSRF-TOKEN}", "X-Tenant": "acme"}, {"X-XSRF-TOKEN"}),
        ({"X-Form": "{page_token}"}, {"X-Form"}),
        ({"X-Requested-With": "XMLHttpRequest"}, {"X-Requested-With"}),
        ({"Accept-Language": "en"}, set()),
    ],
)
def test_a_header_guards_that_is_made_anew_or_says_so(send: dict[str, str], guards: set[str]) -> None:
    assert set(guards_of(Login("json", "/login", cookie="sid", send=send))) == guards


def test_an_empty_header_takes_away_that_of_the_session_and_no_other() -> None:
    with Lodges().fresh("headers") as door, World(door) as world:
        held = world.credential("guest", "one")
        request = Request(
            "POST", "/notes", "guest", "one", {"X-XSRF-TOKEN": "", "Content-Type": "application/json"}, '{"text": "a"}'
        )
        assert world.send_as(request, held).status == 403
        assert world.send_as(request, Credential({}, held.cookies)).status == 403
