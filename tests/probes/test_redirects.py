"""Links that say where to go next, on pages for everybody and on pages behind a log-in."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from harness.model.finding import Finding
from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.http.exchange import World
from harness.probes.injection.redirects import examine_redirects
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
HTML = {"Content-Type": "text/html"}
FORM = '<form method="post" action="/login"><input name="user"><input name="password" type="password"></form>'
DOCUMENT = Document.of({"openapi": "3.0.3", "info": {"title": "Shop", "version": "1"}, "paths": {}})
ROLE = Role("buyer", Login("form", "/login"), (User("one", "ann", PASSWORD),), rank=1, page_login="/login")
TARGET = Target("shop", "Shop", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), (ROLE,), health_path="/login")


class Shop:
    """Pages with links onward; `defect` is the path that goes wherever it is told."""

    def __init__(self, defect: str) -> None:
        self.defect, self.session = defect, secrets.token_hex(8)

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/login":
            return self._log_in(asked)
        if asked.path == "/":
            return Given(200, "<a href='/catalog'>Catalog</a>", HTML)
        if asked.path == "/catalog":
            return Given(
                200,
                "<a href='/lang?code=de&amp;back=/catalog'>Deutsch</a>"
                "<a href='/catalog?q=a'>a</a><a href='/auth/partner?next=/home'>Log in</a>"
                + "".join(f"<a href='/items/{n}/edit?next=/catalog'>edit</a>" for n in range(50)),
                HTML,
            )
        if asked.path == "/auth/partner":  # where its users log in: its own choice, whatever comes next
            return Given(302, None, {"Location": f"https://partner.example.org/authorize?state={asked.query.get('next')}"})
        if asked.path == "/lang":
            return self._onward(asked, "back", "/catalog")
        if self.session not in asked.headers.get("cookie", ""):
            return Given(303, None, {"Location": "/login"})
        if asked.path == "/theme":
            return self._onward(asked, "then", "/home")
        return Given(200, "<a href='/theme?name=dark&amp;then=/home'>Dark</a>", HTML)

    def _onward(self, asked: Asked, name: str, otherwise: str) -> Given:
        there = asked.query.get(name, otherwise)
        return Given(303, None, {"Location": there if there == otherwise or asked.path == self.defect else otherwise})

    def _log_in(self, asked: Asked) -> Given:
        if asked.method == "GET":
            return Given(200, FORM, HTML)
        if parse_qs(asked.raw.decode()).get("password") != [PASSWORD]:
            return Given(401, FORM, HTML)
        return Given(303, None, {"Location": "/home", "Set-Cookie": f"session={self.session}; HttpOnly"})


def found(defect: str) -> tuple[int, list[Finding]]:
    with served(TARGET, Shop(defect).answer) as live, World(live) as world:
        report = examine_redirects(Scene(world, DOCUMENT, seed=1))
    return report.tried, report.findings


def test_links_onward_that_stay_on_the_platform_give_no_finding() -> None:
    tried, findings = found("")
    assert findings == []
    # The log-in three times; with every foreign address each of three places for everybody, and one behind the log-in.
    assert tried == 3 + (3 + 1) * 5, "each place once, whatever object it names, and no plain filter"


@pytest.mark.parametrize(("defect", "name", "steps"), [("/lang", "back", 1), ("/theme", "then", 0)])
def test_a_link_that_leads_anywhere_is_found_once(defect: str, name: str, steps: int) -> None:
    _, (finding,) = found(defect)
    assert (finding.rule, finding.operation, finding.parameter) == ("abuse.open-redirect", f"GET {defect}", name)
    assert len(finding.steps) == steps, "a request of a page's session shows nothing by itself"
