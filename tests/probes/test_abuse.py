"""What the checks of the stage `security` find on a platform that is not the reference one, and what they leave alone."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from random import Random

import pytest

from harness.model.finding import Request
from harness.model.target import Limits
from harness.probes.abuse.enumeration import DIFFERENCE_S_MIN, PAIRS, examine_enumeration, interval_of
from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.audits.exposure import INTERNALS, examine_exposure
from harness.probes.audits.open_doors import examine_left_open
from harness.probes.checks import Report
from harness.probes.http.answers import Answer
from harness.probes.http.askers import NOBODY
from harness.probes.http.exchange import World
from harness.probes.scene.scene import Scene
from harness.probes.tour import Tour, Visit, What, take_tour
from tests.probes.servers.gate_server import DOCUMENT as GATE
from tests.probes.servers.gate_server import Gates
from tests.probes.servers.notes_server import DOCUMENT, PASSWORD, Platform, Servers, served


def rules(report: Report) -> set[tuple[str, str, str]]:
    return {(finding.rule, finding.operation, finding.parameter) for finding in report.findings}


def mass_assigned(*defects: str) -> Report:
    with served(Platform(frozenset(defects))) as live, World(live) as world:
        return examine_mass_assignment(Scene(world, DOCUMENT, 1))


def test_a_platform_that_copies_declared_members_gives_no_finding() -> None:
    report = mass_assigned()
    assert rules(report) == set()
    assert report.tried == 2


@pytest.mark.parametrize(("defects", "members"), [((), set()), (("takes-role",), {"role"})])
def test_what_is_confirmed_by_a_code_is_sent_its_code(tmp_path: Path, defects: tuple[str, ...], members: set[str]) -> None:
    (log := tmp_path / "log").touch()
    with Gates(frozenset({"shows-role", *defects}), Limits(), log=log).fresh("codes") as door, World(door) as world:
        report = examine_mass_assignment(Scene(world, GATE, 1))
    confirmed = [finding for finding in report.findings if finding.operation == "POST /register/confirm"]
    assert {finding.parameter for finding in confirmed} == members


def test_members_that_a_caller_must_not_set_are_found_in_creation_and_change() -> None:
    found = rules(mass_assigned("takes-all"))
    assert ("abuse.mass-assignment", "PATCH /notes/{note_id}", "owner") in found
    assert ("abuse.mass-assignment", "POST /notes", "is_admin") in found
    assert ("abuse.mass-assignment", "POST /notes", "title") not in found


def test_a_platform_that_refuses_unknown_members_is_sent_few_requests() -> None:
    platform = Platform(frozenset({"strict"}))
    with served(platform) as live, World(live) as world:
        report = examine_mass_assignment(Scene(world, DOCUMENT, 1))
    assert report.tried == 2
    assert rules(report) == set()
    assert len(platform.requests) < 60


@pytest.mark.parametrize("member", ["owner", "is_admin"])
def test_a_member_that_a_strict_platform_knows_and_does_not_declare_is_found(member: str) -> None:
    found = rules(mass_assigned("strict", f"knows-{member}", "takes-all"))
    assert {name for _, _, name in found} == {member}
    assert {operation for _, operation, _ in found} == {"POST /notes", "PATCH /notes/{note_id}"}


def left_open(*defects: str) -> Report:
    with served(Platform(frozenset(defects))) as live, World(live) as world:
        return examine_left_open(Scene(world, DOCUMENT, 1))


def test_settings_left_open_are_known_by_what_they_say() -> None:
    assert rules(left_open("settings-open")) == {("exposure.left-open", "GET /.env", "")}


@pytest.mark.parametrize("defects", [(), ("page-for-all",)])
def test_a_page_for_every_path_is_not_taken_for_what_was_left_open(defects: tuple[str, ...]) -> None:
    report = left_open(*defects)
    assert rules(report) == set()
    assert report.tried > 20


def exposed(*defects: str, secrets: Mapping[str, Collection[str]] | None = None) -> Report:
    servers = Servers(frozenset(defects))
    tour = take_tour(servers, DOCUMENT, 1)
    with servers.fresh("again") as live:
        return examine_exposure(live.target, tour, secrets)


def test_a_hash_in_a_list_is_found_and_a_clean_platform_is_not_blamed() -> None:
    assert rules(exposed()) == set()
    found = exposed("gives-hash")
    assert {finding.operation for finding in found.findings} == {"GET /staff/users"}
    assert all(PASSWORD not in str(finding) for finding in found.findings)


@pytest.mark.parametrize(("value", "is_secret"), [("weekly", False), ("5e884898da28047151d0e56f8dc62927", True)])
def test_a_digest_beside_an_address_is_a_hash_where_it_is_as_long_as_one(value: str, *, is_secret: bool) -> None:
    answer = Answer(200, content=json.dumps({"email": "ann@example.test", "digest": value}).encode())
    visit = Visit(What.SUCCESS, "GET /me", NOBODY, Request("GET", "/me"), answer)
    with Servers().fresh("once") as live:
        found = examine_exposure(live.target, Tour([visit])).findings
    assert [finding.parameter for finding in found] == (["digest"] if is_secret else [])


def test_a_value_of_a_sensitive_column_is_found_wherever_it_stands() -> None:
    found = exposed(secrets={"notes.title": ["Of alice number 0"]}).findings
    assert found
    assert all("it carries notes.title" in finding.observed for finding in found)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('Traceback (most recent call last):\n  File "/app/x.py", line 3', True),
        ("TypeError: x is not a function\n    at handle (/srv/app/index.js:10:5)", True),
        ("java.lang.NullPointerException\n\tat com.shop.Order.total(Order.java:42)", True),
        ("IllegalState\n\tat java.base/java.lang.Thread.run(Thread.java:840)", True),
        ("System.Exception: x\r\n   at Shop.Orders.Total(Int32 id) in C:\\app\\Orders.cs:line 31", True),
        ('ERROR: syntax error at or near "x"', True),
        ("goroutine 12 [running]:", True),
        ("The order could not be found at this time.", False),
        ("Please look at page 3:10:5 of the guide", False),
        ("Meet at Thread.java:42, or at noon (in the hall: line 3)", False),
    ],
)
def test_the_inside_of_a_platform_is_known_from_plain_words(text: str, inside: bool) -> None:
    assert bool(INTERNALS.search(text)) is inside
    assert bool(INTERNALS.search(json.dumps({"trace": text}))) is inside


def enumerated(*defects: str) -> Report:
    return examine_enumeration(Servers(frozenset(defects)), DOCUMENT, 1)


@pytest.mark.parametrize("defect", ["tells-status", "tells-text", "tells-time"])
def test_a_log_in_that_tells_who_has_an_account_is_found(defect: str) -> None:
    found = enumerated(defect)
    assert [finding.title.split(" by its ")[1].split()[0] for finding in found.findings] == [defect.removeprefix("tells-")]


def test_a_log_in_that_tells_nothing_is_not_blamed() -> None:
    report = enumerated()
    assert report.tried == PAIRS
    assert rules(report) == set()


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    random = Random(7)
    held = sum(
        found.low_s <= 0 <= found.high_s
        for _ in range(400)
        for found in [interval_of([random.gauss(0, 1) for _ in range(24)], 0.95)]
    )
    assert 0.93 <= held / 400 <= 1


@pytest.mark.parametrize("count", [0, 1, 5, 10])
def test_too_few_pairs_tell_nothing(count: int) -> None:
    found = interval_of([1.0] * count)
    assert found.low_s == -math.inf
    assert not found.tells


def test_a_difference_too_small_to_use_is_none() -> None:
    assert not interval_of([DIFFERENCE_S_MIN / 2] * 40).tells
    assert interval_of([DIFFERENCE_S_MIN] * 40).tells


@pytest.mark.parametrize(("count", "routes"), [(4, ["/a0", "/a1", "/a2", "/a3"]), (5, [""]), (30, [""])])
def test_the_inside_that_every_error_shows_is_one_finding(count: int, routes: list[str]) -> None:
    trace = Answer(400, (("content-type", "application/json"),), b'{"trace": "x\\n\\tat shop.Order.total(Order.java:4)"}')
    requests = [Request("GET", f"/a{number}") for number in range(count)]
    visits = [Visit(What.BROKEN, f"GET {request.path}", NOBODY, request, trace) for request in requests]
    with Servers().fresh("again") as live:
        found = examine_exposure(live.target, Tour(visits)).findings
    assert [finding.route for finding in found] == routes
    assert all(finding.steps for finding in found)
