"""What could not be tried is counted: beside what was it is noticed, and where it is all there is nothing can be said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.model.errors import TargetError
from harness.model.finding import Observation
from harness.model.target import Limits
from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.audits.robustness import RobustnessRun
from harness.probes.checks import Report
from harness.probes.http.exchange import World
from harness.probes.injection.entities import examine_entities
from harness.probes.injection.injection import examine_injection
from harness.probes.injection.outward import examine_outgoing
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from harness.probes.sessions.sessions import SessionsRun
from tests.probes.servers.gate_server import DOCUMENT as GATE
from tests.probes.servers.gate_server import Gates
from tests.probes.servers.notes_server import DOCUMENT, Platform, Servers, served


def noticed(report: Report) -> list[tuple[str, str]]:
    return [(observation.rule, observation.text) for observation in report.noticed]


def left_out(report: Report, *places: str) -> Report:
    for place in places:
        report.leave_out(place, "no")
    return report


def test_what_could_not_be_tried_is_noticed_beside_what_was_and_is_no_gap() -> None:
    report = left_out(Report("pages of others", tried=2), "GET /a", "GET /b")
    assert noticed(report) == [("pages-of-others.not-tried", "2 could not be tried: GET /a: no; GET /b: no")]
    assert report.gap == ""


def test_where_nothing_of_what_there_is_could_be_tried_nothing_can_be_said() -> None:
    report = left_out(Report("uploads"), *(f"POST /{number}" for number in range(7)))
    assert report.gap.startswith("7 could not be tried: POST /0: no; ")
    assert report.gap.endswith("POST /4: no …")


def test_where_there_is_no_such_thing_that_is_no_gap() -> None:
    report = Report("uploads", note="no operation takes a file")
    assert (report.gap, noticed(report)) == ("", [])


def test_a_note_beside_what_was_tried_is_noticed_once() -> None:
    assert noticed(Report("codes", tried=1, note="refused")) == [("codes.not-tried", "refused")]
    told = Report("codes", tried=1, note="refused", observations=[Observation("codes.not-tried", "refused", "security")])
    assert noticed(told) == [("codes.not-tried", "refused")]
    assert told.gap == ""
    told.tried = 0
    assert told.gap == "refused"


def test_an_examination_that_was_ended_is_a_gap_whatever_was_tried() -> None:
    assert "the log-in was refused" in Report("codes", tried=9, broken="the log-in was refused").gap


def _writes(document: Document) -> Document:
    """The document with its writes of notes alone."""
    paths = {path: {**item} for path, item in document.data["paths"].items() if path.startswith(("/notes", "/sessions"))}
    return Document.of({**document.data, "paths": paths})


@pytest.mark.parametrize(
    ("examine", "defects", "places"),
    [
        (examine_mass_assignment, ("empty", "no-creation"), ("POST /notes", "PATCH /notes/{note_id}")),
        (examine_outgoing, ("empty", "no-creation"), ("PATCH /notes/{note_id}",)),
        (examine_injection, ("empty", "no-creation"), ("PATCH /notes/{note_id}",)),
        (examine_entities, ("empty", "no-creation"), ("PATCH /notes/{note_id}",)),
    ],
)
def test_each_operation_that_could_not_be_tried_is_named(
    examine: Callable[[Scene], Report], defects: tuple[str, ...], places: tuple[str, ...]
) -> None:
    with served(Platform(frozenset(defects))) as live, World(live) as world:
        report = examine(Scene(world, _writes(DOCUMENT), 1))
    named = [line.partition(": ")[0] for line in report.untried]
    assert set(places) <= set(named)


def test_what_has_no_place_for_an_address_is_not_missed() -> None:
    data = _writes(DOCUMENT).data
    schema = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    item = {**data["paths"]["/notes/{note_id}"], "patch": {**data["paths"]["/notes/{note_id}"]["patch"], "requestBody": body}}
    document = Document.of({**data, "paths": {"/notes/{note_id}": item}})
    with served(Platform(frozenset({"empty", "no-creation"}))) as live, World(live) as world:
        report = examine_outgoing(Scene(world, document, 1))
    assert (report.untried, report.note) == ([], "nothing takes an address")


def test_hostile_input_counts_the_operations_that_it_did_not_reach() -> None:
    run = RobustnessRun(Servers(frozenset({"empty", "no-creation"})), DOCUMENT, 1).run()
    assert "PATCH /notes/{note_id}" in run.report.left_out
    assert run.report.tried
    assert run.report.gap == ""


def test_a_way_to_end_a_session_that_could_not_be_tried_is_no_skip() -> None:
    run = SessionsRun(Gates(frozenset({"no-closing"}), Limits()), GATE, seed=1).run()
    skipped: list[str] = []
    with pytest.raises(TargetError, match=r"closing: 1 could not be tried: member: DELETE /me was answered 409"):
        run.skip_unless_tried("closing", skipped.append)
    run.skip_unless_tried("log-out", skipped.append)
    assert skipped == ["the document has no log-out for member"]
