"""Values that a document's schemas admit, the same for the same seed."""

from __future__ import annotations

import base64
import re
from typing import Any

import jsonschema
import pytest

from harness.probes.http.drafts import Drafter
from harness.probes.http.values import Values
from harness.probes.openapi.document import Document
from harness.probes.openapi.schemas import SchemaError

SCHEMAS: dict[str, Any] = {
    "Node": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"}},
    },
    "Endless": {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Endless"}}},
    "Nothing": {"$ref": "#/components/schemas/Missing"},
}
DOCUMENT = Document.of({"openapi": "3.1.0", "paths": {}, "components": {"schemas": SCHEMAS}})


def values(seed: int = 1) -> Values:
    return Values(DOCUMENT.schemas, seed)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 5, "maximum": 6},
        {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
        {"type": "integer", "multipleOf": 7, "minimum": 8},
        {"type": "integer", "maximum": -3},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "minLength": 3, "maxLength": 5},
        {"type": "string", "minLength": 60},
        {"type": "string", "maxLength": 0},
        {"type": "string", "format": "email"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "uuid"},
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
        {"type": "string", "pattern": "^(?=.*[0-9])[a-z0-9]{8}$", "minLength": 8},
        {"type": ["null", "boolean"]},
        {"enum": ["a", "b"]},
        {"const": 4},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
        {"oneOf": [{"type": "null"}, {"type": "string", "minLength": 2}]},
        {"anyOf": [{"$ref": "#/components/schemas/Nothing"}, {"type": "integer"}]},
        {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "integer", "minimum": 3}}}]},
        {"type": "object", "required": ["undeclared"]},
        True,
    ],
)
def test_a_value_is_valid_and_the_same_for_the_same_seed(schema: Any) -> None:
    made = values().value(schema, "POST /x body.field")
    jsonschema.validate(
        made, {**schema, "components": {"schemas": {**SCHEMAS, "Missing": True}}} if isinstance(schema, dict) else schema
    )
    if isinstance(schema, dict) and "pattern" in schema:
        assert re.search(schema["pattern"], made)
    assert made == values().value(schema, "POST /x body.field")


def test_another_place_and_another_seed_give_another_value() -> None:
    schema = {"type": "string", "format": "email"}
    made = {values(seed).value(schema, place) for seed in (1, 2) for place in ("a email", "b email")}
    assert len(made) == 4


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("contact_email", "@example.com$"),
        ("phone", r"^\+1202555"),
        ("website", "^https://example.com/"),
        ("new_password", "^Aa1!"),
    ],
)
def test_a_name_tells_what_a_text_is(name: str, pattern: str) -> None:
    assert re.search(pattern, values().value({"type": "string"}, f"POST /x body.{name}"))


def test_a_file_in_a_body_is_plain_text_where_its_type_may_be_named_so() -> None:
    kinds = {"type": "string", "enum": ["image/png", "text/plain"]}
    content = {"type": "string", "pattern": "^([A-Za-z0-9+/]{4})+([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"}
    schema = {"type": "object", "properties": {"contentType": kinds, "contentBase64": content}}
    made = values().value(schema, "POST /files body")
    assert made["contentType"] == "text/plain"
    assert base64.b64decode(made["contentBase64"], validate=True).decode().isprintable()


def test_what_the_document_offers_comes_first() -> None:
    assert values().value({"type": "string", "example": "kitchen"}, "p x") == "kitchen"
    assert values().value({"type": "integer", "examples": [7], "default": 3}, "p x") == 7
    assert values().value({"enum": ["a", "b"], "example": "b"}, "p x") == "b"
    assert values().value({"enum": ["a", "b"], "example": "c"}, "p x") == "a"


@pytest.mark.parametrize(
    ("schema", "current"),
    [
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "boolean"}, True),
        ({"type": "integer", "minimum": 1, "maximum": 2}, 1),
        ({"type": "string"}, "x"),
    ],
)
def test_a_write_differs_from_what_stands_there(schema: Any, current: Any) -> None:
    body = {"properties": {"field": schema}}
    changed = values().unlike(body, "PUT /x body", {"field": current, "other": 1}, {"field": current})
    assert changed["field"] != current
    assert changed["other"] == 1


def test_read_only_members_and_optional_ones_can_be_left_out() -> None:
    schema = {
        "properties": {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string"}, "note": {"type": "string"}},
        "required": ["name"],
    }
    assert set(values().value(schema, "p x")) == {"name", "note"}
    assert set(values().value(schema, "p x", optional=False)) == {"name"}


def test_a_recursive_schema_ends() -> None:
    assert values().value({"$ref": "#/components/schemas/Node"}, "p x")["next"]["name"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Endless"},
        {"$ref": "#/components/schemas/Nothing"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "string", "pattern": "(["},
        {"type": "colour"},
        {"oneOf": [{"$ref": "#/components/schemas/Nothing"}]},
        False,
    ],
)
def test_what_no_value_can_satisfy_says_so(schema: Any) -> None:
    with pytest.raises(SchemaError):
        values().value(schema, "p x")


def test_bodies_offer_the_other_choices_of_a_member_last_and_only_where_they_are_asked_for() -> None:
    status = {"type": "string", "enum": ["open", "held", "sent", "paid", "cancelled"]}
    schema = {"type": "object", "required": ["status"], "properties": {"status": status, "kind": {"enum": ["a", "b"]}}}
    content = {"application/json": {"schema": schema}}
    change = {"requestBody": {"required": True, "content": content}, "responses": {}}
    document = Document.of({"openapi": "3.1.0", "paths": {"/orders/status": {"post": change}}})
    drafter, operation = Drafter(Values(document.schemas, 1)), document.operation("POST /orders/status")
    plain = drafter.bodies(operation)
    assert plain == [{"status": "open", "kind": "a"}, {"status": "open"}]
    assert [body["status"] for body in drafter.bodies(operation, otherwise=True)[2:]] == ["cancelled", "paid", "sent"]
