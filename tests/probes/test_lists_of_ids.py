"""Objects that a body names in a list: whose they are is asked of each, as if it stood in a path."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.evidence import Whose
from harness.model.target import ObjectKind
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.http.answers import Answer
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Body, Operation
from harness.probes.scene.body_places import body_places, parameter_count, placed
from tests.probes.servers.tickets_server import CLOSED, COUNTED, DOCUMENT, MOVED, NOTICED, REMARKED, STAGED, STARRED, Desks

OWNED = {STARRED, MOVED, STAGED, CLOSED, REMARKED}
TICKET = ObjectKind("tickets", "agent", ("/tickets/{ticket_id}:ticket_id",), "/tickets", "$.tickets[*].id")


def examined(*defects: str, described: bool = True) -> Matrix:
    return AuthorizationRun(Desks(frozenset(defects), describes_objects=described), DOCUMENT, seed=1).run()


def found(matrix: Matrix) -> set[tuple[str, str, str]]:
    return {(f.rule, f.operation, f.role) for item in matrix.examined for f in item.findings}


@pytest.mark.parametrize(("described", "judged"), [(True, {*OWNED, NOTICED}), (False, OWNED)])
def test_whoever_asks_of_each_gives_no_finding_and_no_gap(described: bool, judged: set[str]) -> None:
    matrix = examined(described=described)
    assert found(matrix) == set()
    assert [gap for name in DOCUMENT.names for gap in matrix.gaps(name)] == []
    peers = {cell.operation for cell in matrix.cells if cell.whose is Whose.ANOTHER and cell.twin and cell.role == "agent"}
    assert judged <= peers


@pytest.mark.parametrize(
    ("operation", "described"),
    [*((operation, described) for operation in sorted(OWNED) for described in (True, False)), (NOTICED, True)],
)
def test_who_forgets_to_ask_is_found(operation: str, described: bool) -> None:
    assert found(examined(operation, described=described)) == {("authorization.write-of-another", operation, "agent")}


def test_where_nothing_is_seen_to_change_nothing_is_judged_and_that_is_said() -> None:
    said = [each for item in examined().of(COUNTED) for each in item.observations]
    assert [(each.rule, "ticket_ids[]" in each.text) for each in said] == [("authorization.list-not-judged", True)]


def test_the_places_of_a_body_are_known_by_the_kinds_own_name() -> None:
    places = {name: [*body_places(DOCUMENT, DOCUMENT.operation(name), TICKET)] for name in (*OWNED, NOTICED, COUNTED)}
    assert places == {
        STARRED: ["ids[]"],
        MOVED: ["tickets[].id"],
        STAGED: ["[].id"],
        CLOSED: ["[]"],
        REMARKED: ["ticket.id"],
        NOTICED: [],  # to notice one changes it not
        COUNTED: [],
    }
    assert [*body_places(DOCUMENT, DOCUMENT.operation(COUNTED), replace(TICKET, parameters=("ticket_id",)))] == ["ticket_ids[]"]
    added = Operation("POST", "/tickets", bodies=(Body("application/json", {"properties": {"slug": {"type": "string"}}}),))
    assert [*body_places(DOCUMENT, added, replace(TICKET, parameters=("slug",), list_path="/tickets"))] == []
    doctor = ObjectKind("doctors", "agent", ("/doctors/{id}:id",), "/doctors", "$[*].id")
    assert [place for name in places for place in body_places(DOCUMENT, DOCUMENT.operation(name), doctor)] == []


def test_an_object_stands_alone_in_its_list_with_its_version() -> None:
    seen = {"GET /tickets/7": Answer(200, content=b'{"id": 7, "version": 3}')}
    body = {"tickets": [{"id": 1, "version": 1}, {"id": 2, "version": 1}], "stage": "new"}
    assert placed(body, "tickets[].id", 7, seen) == {"tickets": [{"id": 7, "version": 3}], "stage": "new"}
    assert placed({"ids": []}, "ids[]", 7, seen) == {"ids": [7]}
    assert placed({}, "ticket_id", 7, seen) == {"ticket_id": 7}
    assert placed("no members", "ids[]", 7, seen) == "no members"
    assert placed([{"id": 1, "version": 1}, {"id": 2}], "[].id", 7, seen) == [{"id": 7, "version": 3}]
    assert placed([1, 2], "[]", 7, seen) == [7]
    assert placed({"ticket": {"id": 1, "version": 1}}, "ticket.id", 7, seen) == {"ticket": {"id": 7, "version": 3}}
    assert placed({"of": {}}, "of.tickets[].id", 7, seen) == {"of": {"tickets": [{"id": 7}]}}


def test_what_a_caller_chooses_is_counted_with_the_members_of_the_body() -> None:
    member = {"type": "object", "properties": {"a": {}, "b": {}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Made"}}}}
    query = {"name": "q", "in": "query", "schema": {"type": "string"}}
    operations = {"get": {"parameters": [query], "responses": {}}, "put": {"requestBody": body, "responses": {}}}
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    document = Document.of(
        {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "paths": {"/x/{id}": {"parameters": [path], **operations}, "/y": {"get": {"responses": {}}}},
            "components": {"schemas": {"Made": member}},
        }
    )
    counts = {operation.name: parameter_count(document, operation) for operation in document.operations}
    assert counts == {"GET /x/{id}": 2, "PUT /x/{id}": 3, "GET /y": 0}
