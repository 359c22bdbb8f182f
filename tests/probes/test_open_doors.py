"""Settings that are served below the start that the document's paths share, as frameworks write them."""

from __future__ import annotations

import dataclasses

import pytest

from harness.probes.audits.open_doors import examine_left_open
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from tests.probes.servers.small_http import Asked, Given, served
from tests.probes.servers.stock_server import TARGET

_READ = {"get": {"responses": {"200": {"description": "done"}}}}
DOCUMENT = Document.of(
    {"openapi": "3.0.3", "info": {"title": "Farm", "version": "1"}, "paths": {"/api/boxes/": _READ, "/api/news/": _READ}}
)
SECRET = "made-up-4-this-test"


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"SECRET_KEY": SECRET}, ["/api/debug/"]),
        ({"database": {"PASSWORD": SECRET}}, ["/api/debug/"]),
        ({"SECRET_KEY": "********", "password": ""}, []),
        ({"cookie": {"path": "/"}, "reset_password": "/reset/2"}, []),
        ({"password": "Password", "forgot_password": "Forgot your 1 password?"}, []),  # words of a page
        ({"publicKey": SECRET, "sentryDsn": f"https://{SECRET}@errors.example"}, []),  # what any page may hold
    ],
)
def test_settings_are_known_by_the_secrets_that_they_hold(settings: dict[str, object], found: list[str]) -> None:
    def answer(asked: Asked) -> Given:
        if asked.path == "/api/debug":
            return Given(301, headers={"Location": "/api/debug/"})
        return Given(200, settings) if asked.path in ("/api/debug/", "/health") else Given(404)

    with served(dataclasses.replace(TARGET, roles=()), answer) as live, World(live) as world:
        report = examine_left_open(Scene(world, DOCUMENT, 1))
    assert [finding.route for finding in report.findings] == found
    assert all(SECRET not in finding.observed for finding in report.findings)


def test_a_page_that_any_address_is_answered_with_is_not_taken_for_settings() -> None:
    def answer(_asked: Asked) -> Given:
        return Given(200, {"SECRET_KEY": SECRET})

    with served(dataclasses.replace(TARGET, roles=()), answer) as live, World(live) as world:
        assert examine_left_open(Scene(world, DOCUMENT, 1)).findings == []


def test_an_address_that_is_none_is_followed_nowhere() -> None:
    def answer(_asked: Asked) -> Given:
        return Given(302, headers={"Location": "http://[x"})

    with served(dataclasses.replace(TARGET, roles=()), answer) as live, World(live) as world:
        report = examine_left_open(Scene(world, DOCUMENT, 1))
    assert report.tried
    assert report.findings == []


@pytest.mark.parametrize(
    ("servers", "documented"), [([], "/api/settings/"), ([], "/api/settings"), ([{"url": "/api"}], "/settings/")]
)
def test_what_the_document_itself_has_was_not_left_open(servers: list[dict[str, str]], documented: str) -> None:
    def answer(asked: Asked) -> Given:
        if asked.path == "/api/settings":
            return Given(301, headers={"Location": "/api/settings/"})
        return Given(200, {"api_secret": SECRET}) if asked.path == "/api/settings/" else Given(404)

    whole = Document.of({**DOCUMENT.data, "servers": servers, "paths": {documented: _READ, **DOCUMENT.data["paths"]}})
    with served(dataclasses.replace(TARGET, roles=()), answer) as live, World(live) as world:
        assert examine_left_open(Scene(world, whole, 1)).findings == []
