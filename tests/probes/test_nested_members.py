"""The members of bodies, and the places of texts in what a body holds."""

from __future__ import annotations

import json

import pytest

from harness.probes.audits.robustness import hostile_requests
from harness.probes.http.exchange import World
from harness.probes.injection.slots import slots_of
from harness.probes.openapi.document import Document
from harness.probes.openapi.nested import members, replaced
from harness.probes.scene.scene import NOBODY, Scene
from tests.probes.servers.board_server import board

BODY = {"title": "a", "customer": {"name": "b", "age": 3}, "lines": [{"text": "c"}, {"text": "d"}], "none": None, "empty": []}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 40}
_LINE = {"type": "object", "properties": {"text": _TEXT}, "required": ["text"]}
_SCHEMA = {
    "type": "object",
    "properties": {"title": _TEXT, "lines": {"type": "array", "items": _LINE, "minItems": 1}},
    "required": ["title", "lines"],
}
DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {},
        "paths": {"/orders": {"post": {"requestBody": {"content": {"application/json": {"schema": _SCHEMA}}}, "responses": {}}}},
    }
)


def test_every_scalar_is_a_member_of_lists_those_of_the_first_entry() -> None:
    assert dict(members(BODY)) == {
        ("title",): "a",
        ("customer", "name"): "b",
        ("customer", "age"): 3,
        ("lines", "0", "text"): "c",
        ("none",): None,
    }
    assert list(members("text")) == list(members({"a.b": 1})) == []


@pytest.mark.parametrize("names", [("title",), ("customer", "name"), ("lines", "0", "text")])
def test_one_member_is_replaced_and_nothing_else(names: tuple[str, ...]) -> None:
    changed = replaced(BODY, names, "z")
    assert dict(members(changed)) == {**dict(members(BODY)), names: "z"}
    assert changed["lines"][1] == {"text": "d"}
    assert BODY["title"] == "a"


def test_texts_and_wrong_values_are_tried_in_what_a_body_holds() -> None:
    operation = DOCUMENT.operation("POST /orders")
    with board() as live, World(live) as world:
        scene = Scene(world, DOCUMENT, 1)
        draft = scene.draft(operation, NOBODY).with_body(scene.bodies(operation)[0])
        slots = {slot.name: slot for slot in slots_of(scene, draft, NOBODY)}
    assert list(slots) == ["title", "lines.0.text"]
    body = json.loads(slots["lines.0.text"].request("zq").body or "")
    assert (body["title"], body["lines"][0]["text"]) == (draft.body["title"], "zq")
    hostile = [each for each in hostile_requests(operation, draft, NOBODY) if each.parameter == "lines.0.text"]
    assert len(hostile) == len([each for each in hostile_requests(operation, draft, NOBODY) if each.parameter == "title"])
    assert {type(json.loads(each.request.body or "")["title"]) for each in hostile} == {str}
