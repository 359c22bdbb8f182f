"""Served against committed, committed against released: every difference and every break is named, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.engines.contract.breaking import breaking_findings, changes, released_document
from harness.engines.contract.drift import differences, drift
from harness.probes.document import Document
from harness.probes.exchange import World
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


def test_a_schema_that_two_answers_share_breaks_once() -> None:
    new = edited(lambda d: schema(d, "Lead")["properties"]["id"].update(type="string"))
    (finding,) = breaking_findings(Document.of(BASE, "old.yaml"), new)
    assert finding.operation == "GET /leads"
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
