"""Pages that list objects: their reader's own, those of others, and a page that is for another role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.target import Allow, Environment, Role, Target, User
from harness.probes.access.pages_that_list import examine_pages_that_list
from harness.probes.http.exchange import World
from harness.probes.scene.scene import Scene
from tests.probes.servers.small_http import Asked, Given, served
from tests.probes.test_pages_of_others import DOCUMENT, HTML, LEADS, LOGIN, PASSWORD, USERS, Leads

PARTNER = Role("partner", LOGIN, USERS, rank=1, page_login="/login")
STAFF = Role("staff", LOGIN, (User("three", "cleo", PASSWORD),), rank=2, page_login="/login")


class Desk(Leads):
    """The platform of the leads with a page for staff, which links to the leads of all.

    `defect`: `staff-open` serves it to everybody, `home-lists-all` links all leads at one's home. No hole:
    `teaser` does so and lets all read them, `directory-of-all` opens a page for each to whoever may claim it.
    """

    def answer(self, asked: Asked) -> Given:
        cookie = asked.headers.get("cookie", "").partition("session=")[2]
        user = self.sessions.get(asked.token or cookie, "")
        if self.defect == "teaser" and asked.path.startswith("/api/leads/") and user:
            return Given(200, {"id": 1, "title": "a lead"})
        if user and (asked.path == "/desk/today" or (asked.path == "/home" and (user == "cleo" or "all" in self.defect))):
            return self._desk(user, asked.path)
        if self.defect == "teaser" and asked.path == "/home" and user:
            return self._desk(user, asked.path)
        if self.defect == "directory-of-all" and asked.path.startswith("/leads/") and user:
            return Given(200, "<html><body><h1>A lead to claim</h1></body></html>", HTML)
        return super().answer(asked)

    def _desk(self, user: str, path: str) -> Given:
        if path == "/desk/today" and user != "cleo" and self.defect != "staff-open":
            return Given(403, "<html><body>Not for you</body></html>", HTML)
        onward = '<a href="/desk/today">Today</a>' if user == "cleo" else ""
        links = "".join(f'<a href="/leads/{number}">{number}</a>' for number in LEADS)
        return Given(200, f"<html><body>{onward}{links}<a href='/leads/new'>New</a></body></html>", HTML)


@contextmanager
def scene(defect: str, *roles: Role) -> Iterator[Scene]:
    target = Target("leads", "Leads", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles, health_path="/login")
    with served(target, Desk(defect).answer) as live, World(live) as world:
        yield Scene(world, DOCUMENT, seed=1)


@pytest.mark.parametrize("defect", ["", "teaser", "directory-of-all"])
def test_what_its_reader_may_read_is_listed_rightly(defect: str) -> None:
    with scene(defect, PARTNER, STAFF) as opened:
        report = examine_pages_that_list(opened)
    assert (report.findings, report.note) == ([], "")
    assert report.tried > 3


@pytest.mark.parametrize(("defect", "route"), [("staff-open", "/desk/today"), ("home-lists-all", "/home")])
def test_a_page_that_lists_what_belongs_to_another_is_found_once(defect: str, route: str) -> None:
    with scene(defect, PARTNER, STAFF) as opened:
        (finding,) = examine_pages_that_list(opened).findings
    assert (finding.rule, finding.route, finding.role) == ("exposure.page-lists-others", route, "partner")
    assert "refuse 2 to one, and the API shows them to another partner" in finding.observed


def test_without_a_peer_nothing_is_said_and_the_reason_is() -> None:
    alone = replace(PARTNER, users=USERS[:1])
    with scene("home-lists-all", alone, STAFF) as opened:
        report = examine_pages_that_list(opened)
    assert (report.tried, report.findings, report.note) == (0, [], "no role has both pages and objects of its own")
