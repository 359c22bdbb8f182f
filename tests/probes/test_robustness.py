"""Hostile input on a platform that is not the reference one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.model.finding import Confidence
from harness.model.target import Allow, Environment, Target
from harness.probes.audits.robustness import RobustnessRun, hostile_requests
from harness.probes.http.drafts import Draft
from harness.probes.http.exchange import World
from harness.probes.injection.injection import examine_injection
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation, Parameter
from harness.probes.scene.scene import Asker, Scene
from harness.targets.live import LiveTarget
from tests.probes.servers import notes_server, small_http
from tests.probes.servers.board_server import DOCUMENT as BOARD
from tests.probes.servers.board_server import Boards
from tests.probes.servers.notes_server import DOCUMENT, Servers
from tests.probes.servers.small_http import Asked, Given


def examined(*defects: str) -> RobustnessRun:
    return RobustnessRun(Servers(frozenset(defects)), DOCUMENT, seed=1).run()


def found(run: RobustnessRun) -> set[tuple[str, str, str]]:
    return {(f.rule, f.operation, f.parameter) for item in run.tried for f in item.findings}


def test_a_platform_that_refuses_clearly_gives_no_finding_and_every_operation_is_tried() -> None:
    run = examined()
    assert found(run) == set()
    assert {item.operation for item in run.tried if item.sent} == set(DOCUMENT.names)


@pytest.mark.parametrize(
    ("defect", "rule", "parameter"),
    [("fails-on-list", "robustness.server-error", "body"), ("tells-inside", "exposure.internals", "")],
)
def test_a_fault_is_said_once_per_operation_and_seen_again(defect: str, rule: str, parameter: str) -> None:
    run = examined(defect)
    operations = ("POST /notes", "PATCH /notes/{note_id}")  # the log-in of this platform reads nothing but its two words
    assert found(run) == {(rule, operation, parameter) for operation in operations}
    assert {f.confidence for item in run.tried for f in item.findings if f.rule == "robustness.server-error"} <= {Confidence.HIGH}


def test_a_fault_that_shows_its_inside_is_two_defects() -> None:
    rules = {rule for rule, _, _ in found(examined("fails-on-list", "tells-inside"))}
    assert rules == {"robustness.server-error", "exposure.internals"}


def test_a_target_that_died_is_a_finding_with_the_request_that_killed_it_and_the_rest_goes_on() -> None:
    run = examined("dies-on-list")
    assert {rule for rule, _, _ in found(run)} == {"robustness.target-died"}
    assert {f.steps[0].body for item in run.tried for f in item.findings} == {"[]"}
    assert {item.operation for item in run.tried} == set(DOCUMENT.names)


def test_what_destroys_credentials_is_spared_on_a_target_that_cannot_be_made_anew() -> None:
    run = RobustnessRun(Servers(isolated=False), DOCUMENT, seed=1).run()
    spared = run.of("DELETE /sessions/current")
    assert spared is not None
    assert spared.sent == 0
    assert "cannot be given fresh ones" in spared.note


def test_a_worker_that_dies_of_a_request_is_a_finding_though_the_next_one_serves() -> None:
    run = RobustnessRun(Boards(("worker-dies",)), BOARD, 1).run()
    findings = [finding for tried in run.tried for finding in tried.findings]
    assert {(finding.rule, finding.operation) for finding in findings} == {("robustness.server-error", "GET /posts")}
    assert "no answer came" in findings[0].observed
    assert findings[0].confidence is Confidence.HIGH
    assert found(RobustnessRun(Boards(), BOARD, 1).run()) == set()


class ShutPlatforms:
    """Lets everybody log in and nobody do anything."""

    isolated = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """One that runs; `label` is of no matter here."""
        assert label
        with small_http.served(notes_server.target(), self._answer) as live:
            yield live

    @staticmethod
    def _answer(asked: Asked) -> Given:
        if asked.path in ("/health", "/sessions") and asked.body != []:
            return Given(200, {"data": {"access": "a"}})
        return Given(403, {"error": "not today"})


def test_where_nobody_is_let_in_only_the_door_was_tested() -> None:
    run = RobustnessRun(ShutPlatforms(), DOCUMENT, seed=1).run()
    assert found(run) == set()
    told = {item.operation: item.note for item in run.tried}
    assert told["POST /notes"] == "member two was let in with nothing: only the door was tested"
    with ShutPlatforms().fresh("injection") as door, World(door) as world:
        report = examine_injection(Scene(world, DOCUMENT, 1))
    (told_of,) = report.observations
    assert told_of.rule == "abuse.door-only"
    assert "POST /notes" in told_of.text


class HangsUp(ShutPlatforms):
    """Its server hangs up on long addresses before it has said that it refuses them."""

    @staticmethod
    def _answer(asked: Asked) -> Given:
        if len(asked.path) + sum(map(len, asked.query.values())) > 8_000:
            raise ConnectionAbortedError
        return ShutPlatforms._answer(asked)


def test_a_server_that_hangs_up_on_an_endless_address_is_no_fault_of_the_platform() -> None:
    assert found(RobustnessRun(HangsUp(), DOCUMENT, seed=1).run()) == set()


def test_on_an_open_platform_every_place_was_let_in() -> None:
    assert {item.note for item in examined().tried} == {""}


_DAY = {"name": "day", "in": "query", "schema": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}}
_VISIT = {"type": "object", "required": ["at"], "properties": {"at": {"type": "string", "format": "date-time"}}}
_POSTED = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _VISIT}}},
    "responses": {"201": {"description": "booked"}},
}
_READ = {"parameters": [_DAY], "responses": {"200": {"description": "slots"}}}
CALENDAR = Document.of(
    {
        "openapi": "3.1.0",
        "paths": {
            "/slots": {"get": _READ},
            "/visits": {"post": _POSTED},
        },
    }
)


@dataclass
class Calendars:
    """A calendar that asks for the day after, and stores a number in four bytes: it fails at the ends of both."""

    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        here = ("127.0.0.1",)
        target = Target("days", "Days", Environment.LOCAL, Path(), here, Allow(writes=True), (), health_path="/health")
        with small_http.served(target, self._answer) as live:
            yield live

    @staticmethod
    def _answer(asked: Asked) -> Given:
        if asked.path == "/visits":
            at = asked.body.get("at") if isinstance(asked.body, dict) else None
            return Given(500 if str(at).startswith("0001") else 201 if isinstance(at, str) and "T" in at else 422, {})
        try:
            date.fromisoformat(asked.query.get("day", "2031-01-01")) + timedelta(days=1)
        except ValueError:
            return Given(422, {})
        except OverflowError:
            return Given(500, {})
        return Given(200, [])


def test_the_ends_of_the_calendar_are_tried_where_a_day_is_asked_for() -> None:
    run = RobustnessRun(Calendars(), CALENDAR, seed=1).run()
    assert found(run) == {
        ("robustness.server-error", "GET /slots", "day"),
        ("robustness.server-error", "POST /visits", "at"),
    }


class Readers(Calendars):
    """One reader of bodies for all operations; it fails at deep ones."""

    @staticmethod
    def _answer(asked: Asked) -> Given:
        return Given(500 if asked.raw.startswith(b"[[[") else 201, {})


@pytest.mark.parametrize(("count", "told"), [(4, 4), (7, 1)])
def test_what_one_reader_of_bodies_does_is_said_once(count: int, told: int) -> None:
    paths = {f"/visits{number}": {"post": _POSTED} for number in range(count)}
    run = RobustnessRun(Readers(), Document.of({"openapi": "3.1.0", "paths": paths}), seed=1).run()
    findings = [finding for item in run.tried for finding in item.findings]
    assert len(findings) == told
    assert {finding.confidence for finding in findings} == {Confidence.HIGH}
    assert ("7 operations fail on a body nested deeply" in findings[0].title) is (told == 1)


class Moody(Calendars):
    """Fails at the first request that it gets, and at every third after it, whatever they hold."""

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        Moody.counted = itertools.count()
        with super().fresh(label) as live:
            yield live

    @staticmethod
    def _answer(asked: Asked) -> Given:
        fails = asked.path == "/slots" and next(Moody.counted) % 3 == 0
        return Given(500 if fails else 200, [])

    counted = itertools.count()


def test_what_fails_now_and_then_at_any_request_is_not_called_certain() -> None:
    slots = Document.of({"openapi": "3.1.0", "paths": {"/slots": {"get": _READ}}})
    run = RobustnessRun(Moody(), slots, seed=1).run()
    confidences = {finding.confidence for item in run.tried for finding in item.findings}
    assert confidences == {Confidence.LOW}


def test_numbers_just_beyond_those_of_a_database_are_tried() -> None:
    draft = Draft(Operation("GET", "/x", parameters=(Parameter("page", "query", False, {"type": "integer"}),)))
    paths = {hostile.request.path for hostile in hostile_requests(draft.operation, draft, Asker())}
    assert {f"/x?page={number}" for number in (2**31, 2**63)} <= {unquote(path) for path in paths}
