"""Served against committed, committed against released: every difference and every break is named, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.engines.contract.breaking import breaking_findings, changes, released_document
from harness.engines.contract.drift import differences, drift, drifted
from harness.model.finding import Confidence
from harness.probes.again import examined_twice
from harness.probes.http.door import Door
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from tests.contract.stand import stand

BASE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "T", "version": "1"},
    "paths": {
        "/leads": {
            "get": {
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}],
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lead"}}},
                    }
                },
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewLead"}}}},
                "responses": {
                    "201": {
                        "description": "made",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Lead"}}},
                    }
                },
            },
        },
        "/gone": {"get": {"responses": {"200": {"description": "ok"}}}},
    },
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "NewLead": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string", "maxLength": 80}, "stage": {"type": "string", "enum": ["new", "won"]}},
            },
            "Lead": {
                "type": "object",
                "required": ["id", "stage"],
                "properties": {
                    "id": {"type": "integer"},
                    "stage": {"type": "string", "enum": ["new", "won"]},
                    "note": {"type": "string"},
                },
            },
        },
    },
}
Edit = Callable[[dict[str, Any]], object]


def edited(edit: Edit) -> Document:
    data = copy.deepcopy(BASE)
    edit(data)
    return Document.of(data, "new.yaml")


def broken_by(edit: Edit) -> list[tuple[str, str]]:
    return [(change.operation, change.parameter) for change in changes(Document.of(BASE, "old.yaml"), edited(edit))]


def schema(data: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = data["components"]["schemas"][name]
    return found


def limit(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["paths"]["/leads"]["get"]["parameters"][0]
    return found


@pytest.mark.parametrize(
    ("edit", "operation", "parameter"),
    [
        (lambda d: d["paths"].pop("/gone"), "GET /gone", "operation"),
        (lambda d: limit(d).update(required=True), "GET /leads", "limit:required"),
        (lambda d: d["paths"]["/leads"]["get"]["parameters"].clear(), "GET /leads", "limit:removed"),
        (lambda d: limit(d)["schema"].update(maximum=50), "GET /leads", "limit:maximum"),
        (lambda d: limit(d)["schema"].update(type="string"), "GET /leads", "limit:type"),
        (lambda d: schema(d, "NewLead")["required"].append("stage"), "POST /leads", "stage:required"),
        (lambda d: schema(d, "NewLead")["properties"]["stage"]["enum"].remove("won"), "POST /leads", "stage:enum"),
        (lambda d: schema(d, "NewLead")["properties"]["name"].update(maxLength=40), "POST /leads", "name:maxLength"),
        (lambda d: schema(d, "Lead")["properties"]["id"].update(type="string"), "GET /leads", "200:id:type"),
        (lambda d: schema(d, "Lead")["properties"]["stage"]["enum"].append("lost"), "GET /leads", "200:stage:enum"),
        (lambda d: schema(d, "Lead")["required"].remove("stage"), "GET /leads", "200:stage:optional"),
        (lambda d: schema(d, "Lead")["properties"].pop("note"), "GET /leads", "200:note:removed"),
        (lambda d: d["paths"]["/leads"]["get"].update(security=[{"token": []}]), "GET /leads", "security"),
        (lambda d: d["paths"]["/gone"]["get"].update(responses={"204": {"description": "none"}}), "GET /gone", "200:removed"),
    ],
)
def test_a_break_is_named_where_it_is(edit: Edit, operation: str, parameter: str) -> None:
    assert (operation, parameter) in broken_by(edit)


@pytest.mark.parametrize(
    "edit",
    [
        lambda _: None,
        lambda d: limit(d)["schema"].update(maximum=200),
        lambda d: d["paths"].update({"/more": {"get": {"responses": {}}}}),
        lambda d: schema(d, "NewLead")["properties"]["stage"]["enum"].append("lost"),
        lambda d: schema(d, "NewLead")["properties"].update(note={"type": "string"}),
        lambda d: schema(d, "Lead")["properties"].update(more={"type": "string"}),
        lambda d: schema(d, "Lead")["properties"]["stage"]["enum"].remove("won"),
        lambda d: d["paths"]["/leads"]["get"]["responses"].update({"429": {"description": "slow down"}}),
    ],
)
def test_what_no_client_notices_breaks_nothing(edit: Edit) -> None:
    assert broken_by(edit) == []


NULL = {"type": "null"}
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
PLACE = {"type": "object", "required": ["town"], "properties": {"town": {"type": "string"}}}
REFERRED = {"$ref": "#/components/schemas/Person"}
THERE = {"$ref": "#/components/schemas/Place"}
WITHOUT_AGE = {"type": "object", "properties": {"name": {"type": "string"}}}
TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}


def alone(schema: Any, person: Any = PERSON) -> Document:
    """A document of one operation that takes and gives the schema under the name `v`."""
    content = {"content": {"application/json": {"schema": {"type": "object", "properties": {"v": schema}}}}}
    operation = {"requestBody": content, "responses": {"200": {"description": "ok", **content}}}
    schemas = {"Person": person, "Place": PLACE}
    return Document.of({"openapi": "3.1.0", "paths": {"/x": {"post": operation}}, "components": {"schemas": schemas}})


def either(*parts: Any) -> dict[str, Any]:
    return {"anyOf": list(parts)}


def list_of(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def map_of(values: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        # a nullable object
        (either(PERSON, NULL), either(WITHOUT_AGE, NULL), {"200:v.age:removed"}),
        (either(PERSON, NULL), either(NULL, {**PERSON, "required": ["age"]}), {"v.age:required"}),
        (either({**PERSON, "required": ["age"]}, NULL), either(PERSON, NULL), {"200:v.age:optional"}),
        ({**PERSON, "nullable": True}, {**WITHOUT_AGE, "nullable": True}, {"200:v.age:removed"}),
        # a nullable list
        (either(list_of(PERSON), NULL), either(list_of(WITHOUT_AGE), NULL), {"200:v[].age:removed"}),
        (either(list_of(WHOLE), NULL), either(list_of(TEXT), NULL), {"v[]:type", "200:v[]:type"}),
        (either(list_of(TEXT), NULL), either({**list_of(TEXT), "maxItems": 3}, NULL), {"v:maxItems"}),
        # a nullable number, and listed values
        (either({**WHOLE, "maximum": 100}, NULL), either({**WHOLE, "maximum": 50}, NULL), {"v:maximum"}),
        (either({**WHOLE, "maximum": 50}, NULL), either(NULL, {**WHOLE, "maximum": 100}), set()),
        (either({"enum": ["a", "b"]}, NULL), either({"enum": ["a"]}, NULL), {"v:enum"}),
        (either({"enum": ["a"]}, NULL), either({"enum": ["a", "b"]}, NULL), {"200:v:enum"}),
        # alternatives that are lost and added: who sends is bound by the one, who receives by the other
        (either(TEXT, NULL), TEXT, {"v:type"}),
        (TEXT, either(TEXT, NULL), {"200:v:type"}),
        (either(PERSON, PLACE), PERSON, {"v:alternative"}),
        (PERSON, either(PERSON, PLACE), {"200:v:alternative"}),
        (either(REFERRED, THERE), either(REFERRED), {"v:alternative"}),
        (either(REFERRED), either(THERE, REFERRED), {"200:v:alternative"}),
        (WHOLE, NUMBER, {"200:v:type"}),
        (either(NUMBER, NULL), either(WHOLE, NULL), {"v:type"}),
        # the values of a map
        (map_of(PERSON), map_of(WITHOUT_AGE), {"200:v.*.age:removed"}),
        (map_of({**WHOLE, "maximum": 9}), map_of({**WHOLE, "maximum": 8}), {"v.*:maximum"}),
        (map_of(TEXT), map_of(WHOLE), {"v.*:type", "200:v.*:type"}),
        (map_of(TEXT), {"type": "object"}, {"200:v.*:type"}),
        (map_of(TEXT), map_of(False), {"v.*:removed", "200:v.*:removed"}),
        (map_of(True), map_of(False), {"v.*:removed"}),
        (map_of(True), map_of(TEXT), {"v.*:type"}),
        (either(map_of(PERSON), NULL), either(NULL, map_of(WITHOUT_AGE)), {"200:v.*.age:removed"}),
        ({"type": "object"}, map_of(False), set()),
    ],
)
def test_alternatives_and_the_values_of_maps_are_compared(old: Any, new: Any, broken: set[str]) -> None:
    assert {change.parameter for change in changes(alone(old), alone(new))} == broken


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (either(PERSON, NULL), either(NULL, PERSON)),
        (either(PERSON, PLACE, NULL), {"oneOf": [NULL, PLACE, PERSON]}),
        (either(REFERRED, THERE), either(THERE, REFERRED)),
        (either(TEXT, NULL), {"type": ["null", "string"]}),
        ({"type": "string", "nullable": True}, either(NULL, TEXT)),
        ({"enum": ["a", "b", None]}, either({"const": "b"}, {"type": "string", "enum": ["a"]}, NULL)),
        (either(REFERRED, NULL), either(PERSON, NULL)),
        (map_of(PERSON), {**map_of(PERSON), "title": "People"}),
        (map_of(True), {"type": "object"}),
    ],
)
def test_another_way_to_write_the_same_breaks_nobody(one: Any, other: Any) -> None:
    assert changes(alone(one), alone(other)) == []
    assert changes(alone(other), alone(one)) == []


def test_a_member_lost_in_a_nullable_reference_is_said_of_what_it_refers_to() -> None:
    nullable = either(REFERRED, NULL)
    (change,) = changes(alone(nullable), alone(nullable, WITHOUT_AGE))
    assert (change.parameter, change.shared) == ("200:age:removed", "response Person age removed")
    assert changes(alone(nullable, WITHOUT_AGE), alone(nullable)) == []


def test_an_optional_parameter_that_allows_less_breaks_who_sends_more() -> None:
    def optional(data: dict[str, Any], maximum: int) -> None:
        limit(data)["schema"] = either({"type": "integer", "maximum": maximum}, NULL)

    more, less = edited(lambda d: optional(d, 100)), edited(lambda d: optional(d, 50))
    (change,) = changes(more, less)
    assert (change.parameter, change.text) == (
        "limit:maximum",
        "the query parameter `limit` has maximum 50 now (was 100)",
    )
    assert changes(less, more) == []


def test_what_a_renamed_schema_lost_is_said_however_often_it_stands_in_itself() -> None:
    def named(name: str, **members: Any) -> Document:
        me = {"$ref": f"#/components/schemas/{name}"}
        node = {"type": "object", "properties": {**members, "left": either(me, NULL), "right": me, "more": map_of(me)}}
        content = {"content": {"application/json": {"schema": me}}}
        paths = {"/x": {"get": {"responses": {"200": {"description": "ok", **content}}}}}
        return Document.of({"openapi": "3.1.0", "paths": paths, "components": {"schemas": {name: node}}})

    found = changes(named("Tree", size=WHOLE), named("Node"))
    assert [change.parameter for change in found] == ["200:size:removed"]


def test_a_schema_that_two_answers_share_breaks_once() -> None:
    new = edited(lambda d: schema(d, "Lead")["properties"]["id"].update(type="string"))
    (finding,) = breaking_findings(Document.of(BASE, "old.yaml"), new)
    assert finding.operation == "GET /leads"
    assert (finding.cwe, finding.owasp) == (439, "API9:2023")
    assert "The same" not in finding.observed or "POST /leads" in finding.observed


def test_a_recursive_schema_is_compared_to_its_end() -> None:
    def recurse(data: dict[str, Any]) -> None:
        schema(data, "Lead")["properties"]["parent"] = {"$ref": "#/components/schemas/Lead"}

    before = edited(recurse)
    assert changes(before, before) == []


def test_the_released_document_lies_beside_the_committed_one(tmp_path: Path) -> None:
    box = stand(tmp_path)
    assert released_document(box.target) is None
    released = tmp_path / "leadbox.released.openapi.json"
    released.write_text("{}", encoding="utf-8")
    assert released_document(box.target) == released


# -- drift


def test_the_order_of_names_and_of_unordered_lists_means_nothing() -> None:
    turned = {key: BASE[key] for key in reversed(BASE)}
    turned = copy.deepcopy(turned)
    schema(turned, "Lead")["required"].reverse()
    assert differences(BASE, turned) == []


def test_a_difference_is_placed_by_operation_and_component() -> None:
    other = copy.deepcopy(BASE)
    limit(other)["schema"]["maximum"] = 500
    del schema(other, "Lead")["properties"]["note"]
    found = {(difference.place, difference.committed, difference.served) for difference in differences(BASE, other)}
    assert found == {("GET /leads", "100", "500"), ("components/schemas/Lead", '{"type": "string"}', "nothing")}


def test_a_served_document_that_equals_the_committed_one_has_not_drifted(tmp_path: Path) -> None:
    box = stand(tmp_path)
    with box.fresh("same") as live, World(live) as world:
        assert drift(box.document, world) == []


def test_an_operation_that_is_not_served_is_one_finding_that_can_be_replayed(tmp_path: Path) -> None:
    box = stand(tmp_path, "drift")
    with box.fresh("drifted") as live, World(live) as world:
        findings = drift(box.document, world)
    assert [(finding.rule, finding.operation) for finding in findings] == [("contract.drift", "GET /api/stats")]
    assert findings[0].symptom.body_lacks == '"/api/stats"'
    assert (findings[0].cwe, findings[0].owasp) == (1059, "API9:2023")


@pytest.mark.parametrize(("second", "confidence"), [("drift", Confidence.HIGH), ("", Confidence.LOW)])
def test_a_drift_is_said_with_high_confidence_where_another_target_shows_it_too(
    second: str, confidence: Confidence, tmp_path: Path
) -> None:
    first, then, clean = (tmp_path / name for name in ("first", "then", "clean"))
    for folder in (first, then, clean):
        folder.mkdir()
    boxes = iter((stand(first, "drift"), stand(then, second)))

    class Doors:
        isolated = True

        def fresh(self, label: str) -> AbstractContextManager[Door]:
            return next(boxes).fresh(label)

    report = examined_twice(Doors(), "drift", partial(drifted, stand(clean).document))
    assert [(finding.rule, finding.confidence) for finding in report.findings] == [("contract.drift", confidence)]
