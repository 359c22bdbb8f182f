"""Members that a caller must not set, within the objects that a body holds: the price of an order's line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.abuse.spots import spots_of
from harness.probes.abuse.undeclared import enumerated
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from tests.probes.servers.small_http import Asked, Given, served
from tests.probes.servers.stock_server import TARGET

PRICES = {1: "4.50", 2: "12.00"}
CREATE = "POST /orders"
_ID = {"type": "integer", "minimum": 1, "maximum": 2}
_LINE = {
    "type": "object",
    "properties": {"product": _ID, "quantity": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["product", "quantity"],
}
_CONTACT = {
    "type": "object",
    "properties": {"phone": {"type": "string"}, "verified": {"type": "boolean", "readOnly": True}},
    "required": ["phone"],
}
_ORDER = {
    "type": "object",
    "properties": {
        "contact": {"$ref": "#/components/schemas/Contact"},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}, "minItems": 1},
        "note": {"type": "string"},
    },
    "required": ["contact", "lines"],
}
DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Baskets", "version": "1"},
        "paths": {
            "/orders": {
                "post": {
                    "requestBody": {"required": True, "content": {"application/json": {"schema": _ORDER}}},
                    "responses": {"201": {"description": "made"}},
                }
            }
        },
        "components": {
            "schemas": {
                "Line": _LINE,
                "Contact": _CONTACT,
                "State": {"type": "string", "enum": ["open", "paid"]},
                "Shown": {"type": "object", "properties": {"state": {"allOf": [{"$ref": "#/components/schemas/State"}]}}},
            }
        },
    }
)


class Baskets:
    """Takes orders. `strict`: refuses what the document does not declare; `echoes`: gives the body back as it came."""

    def __init__(self, *defects: str) -> None:
        self.defects = defects
        self.made = 0

    def answer(self, asked: Asked) -> Given:
        body = asked.body
        if asked.path != "/orders" or not isinstance(body, dict):
            return Given(200 if asked.path == "/health" else 404, {})
        contact, lines = body.get("contact"), body.get("lines")
        if not isinstance(contact, dict) or not isinstance(lines, list) or not lines:
            return Given(422, {"error": "a contact and lines"})
        if "strict" in self.defects and self._unknown(body, contact, *lines):
            return Given(422, {"error": "an unknown member"})
        if "echoes" in self.defects:
            return Given(201, body)
        self.made += 1
        total = body.get("total", 50) if "total" in self.defects else 50
        made = {
            "id": 7,
            "total": total * 9 // 10 if body.get("note") and "note-lowers" in self.defects else total,
            "is_default": self.made == 1 and "first-is-default" in self.defects,
            "contact": self._contact(contact),
            "lines": [self._line(line) for line in lines],
            "note": body.get("note"),
        }
        return Given(201, {"order": made})

    def _unknown(self, *objects: dict[str, Any]) -> set[str]:
        known = {"contact", "lines", "note", "phone", "product", "quantity"}
        taken = {name for name, defect in (("unit_price", "price"), ("total", "total")) if defect in self.defects}
        return {name for each in objects for name in each} - known - taken

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        price = PRICES.get(line.get("product", 0), "1.00")
        given = line.get("unit_price", price) if "price" in self.defects else price
        return {"product": line.get("product"), "quantity": line.get("quantity"), "unit_price": given}

    def _contact(self, contact: dict[str, Any]) -> dict[str, Any]:
        return {"phone": contact.get("phone"), "verified": "verified" in self.defects and contact.get("verified") is True}


@contextmanager
def scene_of(*defects: str) -> Iterator[Scene]:
    target = dataclasses.replace(TARGET, roles=())
    with served(target, Baskets(*defects).answer) as live, World(live) as world:
        yield Scene(world, DOCUMENT, 1)


@pytest.mark.parametrize(
    ("defects", "found"),
    [
        ((), []),
        (("strict",), []),
        (("echoes",), []),
        (("price",), ["lines[].unit_price"]),
        (("price", "strict"), ["lines[].unit_price"]),
        (("verified",), ["contact.verified"]),
        (("total", "strict"), ["total"]),
        (("note-lowers", "strict"), []),
        (("total", "note-lowers", "strict"), ["total"]),
        (("first-is-default",), []),
    ],
)
def test_a_member_within_what_a_body_holds_is_tried(defects: tuple[str, ...], found: list[str]) -> None:
    with scene_of(*defects) as scene:
        report = examine_mass_assignment(scene)
    assert report.tried == 3
    assert [finding.parameter for finding in report.findings] == found
    assert report.spoilt == bool(found), "what was taken over is the account's from then on"


def test_the_spots_of_a_body_are_itself_and_its_members_that_hold_objects() -> None:
    spots = spots_of(DOCUMENT, DOCUMENT.operation(CREATE))
    assert [(spot.name, spot.is_list, sorted(spot.declared), sorted(spot.read_only)) for spot in spots] == [
        ("", False, ["contact", "lines", "note"], []),
        ("contact", False, ["phone"], ["verified"]),
        ("lines", True, ["product", "quantity"], []),
    ]


def test_members_are_put_into_the_first_object_of_a_list_and_looked_for_in_all() -> None:
    _, contact, lines = spots_of(DOCUMENT, DOCUMENT.operation(CREATE))
    body = {"contact": {"phone": "1"}, "lines": [{"product": 1}, {"product": 2}]}
    assert lines.put(body, {"price": 3}) == {"contact": {"phone": "1"}, "lines": [{"product": 1, "price": 3}, {"product": 2}]}
    assert contact.put(body, {"verified": True})["contact"] == {"phone": "1", "verified": True}
    assert lines.shows({"data": [body]}, "product", 2)
    assert not lines.shows({"data": [body]}, "phone", "1")
    assert lines.plain({"data": body}) == {"product": 1}
    for wrong in ([], [None], {"product": 1}, None):
        assert not lines.is_in({"lines": wrong})
    assert not contact.is_in({"contact": [{"phone": "1"}]})
    assert not contact.shows({"contact": {"verified": 1}}, "verified", True)
    assert not contact.shows({"contact": {}}, "phone", None)


def test_choices_are_read_behind_references() -> None:
    assert enumerated(DOCUMENT.data, "state") == ("open", "paid")
