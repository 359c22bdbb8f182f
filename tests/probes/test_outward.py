"""Redirects, outgoing calls and injection on a platform that is not the reference one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.probes.checks import Report
from harness.probes.http.exchange import World
from harness.probes.injection.injection import examine_injection
from harness.probes.injection.outward import examine_outgoing
from harness.probes.injection.redirects import examine_redirects, leads_away
from harness.probes.scene.scene import Scene
from tests.probes.servers.hooks_server import DOCUMENT as HOOKS
from tests.probes.servers.hooks_server import hooks
from tests.probes.servers.notes_server import DOCUMENT, Platform, served


def seen(examine: Callable[[Scene], Report], *defects: str) -> tuple[int, set[tuple[str, str, str]]]:
    with served(Platform(frozenset(defects))) as live, World(live) as world:
        report = examine(Scene(world, DOCUMENT, 1))
    return report.tried, {(f.rule, f.operation, f.parameter) for f in report.findings}


@pytest.mark.parametrize(
    ("examine", "defect", "finding"),
    [
        (examine_redirects, "redirects", ("abuse.open-redirect", "GET /go", "next")),
        (examine_outgoing, "fetches", ("abuse.outgoing-call", "POST /notes", "link")),
        (examine_injection, "sql", ("injection.sql", "GET /notes", "q")),
        (examine_injection, "sql-quiet", ("injection.sql", "GET /notes", "q")),
    ],
)
def test_the_hole_is_found_and_nothing_else_is_claimed(
    examine: Callable[[Scene], Report], defect: str, finding: tuple[str, str, str]
) -> None:
    tried, found = seen(examine, defect)
    assert tried
    assert found == {finding}


@pytest.mark.parametrize(
    ("look", "shown"),
    [
        ("holds-host", "http://ours.example:80/…?site.example"),
        ("ends-with-host", "http://ours.example:80/…?site.example"),
        ("begins-with-host", "http://site.example@ours.example:80/…"),
    ],
)
def test_an_address_that_only_holds_the_host_of_a_good_one_is_found_out(look: str, shown: str) -> None:
    with served(Platform(frozenset({"fetches", look}))) as live, World(live) as world:
        (finding,) = examine_outgoing(Scene(world, DOCUMENT, 1)).findings
    assert (finding.rule, finding.operation, finding.parameter) == ("abuse.outgoing-call", "POST /notes", "link")
    assert shown in finding.observed


@pytest.mark.parametrize("examine", [examine_redirects, examine_outgoing, examine_injection])
def test_a_platform_that_guards_gives_no_finding(examine: Callable[[Scene], Report]) -> None:
    tried, found = seen(examine)
    assert tried
    assert found == set()


@pytest.mark.parametrize(
    ("defect", "when"),
    [
        ("tests", "when POST /hooks/{slug}/test was called"),
        ("deliveries", "when POST /hooks/{slug}/deliveries/test was called"),
        ("late", "some time later"),
    ],
)
@pytest.mark.parametrize("is_used_up", [False, True])
def test_an_address_that_is_called_later_is_found_with_what_took_it(defect: str, when: str, *, is_used_up: bool) -> None:
    with hooks(defect) as (live, _), World(live) as world:
        scene = Scene(world, HOOKS, 1)
        if is_used_up:  # another check has made the same hook before
            assert examine_outgoing(scene).tried == 2
        report = examine_outgoing(scene)
    (finding,) = report.findings
    assert (finding.rule, finding.operation, finding.parameter) == ("abuse.outgoing-call", "POST /hooks", "url")
    assert when in finding.title


def test_a_platform_that_keeps_an_address_and_never_calls_it_gives_no_finding() -> None:
    with hooks() as (live, platform), World(live) as world:
        report = examine_outgoing(Scene(world, HOOKS, 1))
    assert (len(platform.hooks), report.tried) == (1, 2)
    assert platform.channel
    assert report.findings == []


def test_below_the_only_one_of_its_kind_it_is_called_too() -> None:
    with hooks("channel") as (live, _), World(live) as world:
        (finding,) = examine_outgoing(Scene(world, HOOKS, 1)).findings
    assert (finding.operation, finding.parameter) == ("PUT /channel", "address")
    assert "when POST /channel/test was called" in finding.title


@pytest.mark.parametrize(
    ("location", "away"),
    [
        ("https://foreign.example.net/", True),
        ("//foreign.example.net/", True),
        ("/\\foreign.example.net/", True),
        ("https:/foreign.example.net/", True),
        ("/\t/foreign.example.net/", True),
        ("/notes", False),
        ("notes", False),
        ("?next=https://foreign.example.net/", False),
        ("http://127.0.0.1:1/notes", False),
        ("", False),
    ],
)
def test_where_a_browser_would_go(location: str, away: bool) -> None:
    assert leads_away("http://127.0.0.1:1", "/go", location) is away
