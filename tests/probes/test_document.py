"""What is read of a document, and what becomes of a broken one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from harness.probes.openapi.document import Document, DocumentError
from harness.probes.openapi.reading import DEPTH_MAX
from harness.probes.openapi.schemas import SchemaError, types_of

OPENAPI_31 = """
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: /api/v1}]
security: [{bearer: []}]
paths:
  /orders/{order_id}:
    parameters:
      - $ref: '#/components/parameters/OrderId'
      - {name: verbose, in: query, schema: {type: boolean}}
    get:
      operationId: read_order
      tags: [orders]
      parameters:
        - {name: verbose, in: query, required: true, schema: {type: [boolean, 'null']}}
      responses:
        200: {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
        4XX: {description: refused}
    patch:
      x-roles: [clerk]
      security: [{bearer: [orders:write]}, {key: []}]
      requestBody:
        $ref: '#/components/requestBodies/Order'
      responses: {default: {description: any}}
  /health:
    get: {security: [], responses: {'200': {description: ok}}}
  /maybe:
    get: {security: [{}, {bearer: []}], responses: {'200': {description: ok}}}
components:
  parameters:
    OrderId: {name: order_id, in: path, required: true, schema: {type: integer}, example: 7}
  requestBodies:
    Order:
      required: true
      content:
        application/xml: {schema: {type: string}}
        application/json:
          schema: {$ref: '#/components/schemas/Order'}
          examples: {one: {value: {day: 2026-01-02, state: on}}}
  schemas:
    Base: {type: object, required: [id], properties: {id: {type: integer, minimum: 1}}}
    Order:
      allOf:
        - $ref: '#/components/schemas/Base'
        - type: object
          required: [day]
          properties: {day: {type: string}, id: {maximum: 9}, parts: {$ref: '#/components/schemas/Order'}}
  securitySchemes:
    bearer: {type: http, scheme: Bearer}
    key: {type: apiKey, in: header, name: X-Key}
"""


def document(paths: dict[str, Any], **more: Any) -> Document:
    return Document.of({"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": paths, **more})


def test_operations_parameters_bodies_and_security_are_read() -> None:
    shop = Document.load(OPENAPI_31)
    assert shop.names == ("GET /orders/{order_id}", "PATCH /orders/{order_id}", "GET /health", "GET /maybe")
    assert shop.base_path == "/api/v1"
    assert shop.problems == ()
    patch = shop.operation("PATCH /orders/{order_id}")
    assert patch.body is not None
    assert patch.body.media_type == "application/json"
    assert patch.body.required
    assert [requirement.schemes for requirement in patch.security] == [{"bearer": ("orders:write",)}, {"key": ()}]
    assert patch.extensions == {"x-roles": ["clerk"]}
    assert shop.schemes["bearer"].scheme == "bearer"
    assert shop.schemes["key"].parameter == "X-Key"


def test_an_operation_overrides_the_parameters_of_its_path() -> None:
    get = Document.load(OPENAPI_31).operation("GET /orders/{order_id}")
    verbose = get.parameter("verbose", "query")
    assert verbose is not None
    assert verbose.required
    assert types_of(verbose.schema) == ("boolean", "null")
    order_id = get.parameter("order_id")
    assert order_id is not None
    assert (order_id.where, order_id.required, order_id.examples) == ("path", True, (7,))


@pytest.mark.parametrize(
    ("name", "secured"),
    [("GET /orders/{order_id}", True), ("PATCH /orders/{order_id}", True), ("GET /health", False), ("GET /maybe", False)],
)
def test_an_operation_is_secured_unless_an_alternative_asks_for_nothing(name: str, secured: bool) -> None:
    assert Document.load(OPENAPI_31).operation(name).is_secured is secured


def test_declared_statuses_are_numbers_classes_and_default() -> None:
    shop = Document.load(OPENAPI_31)
    get, patch = shop.operation("GET /orders/{order_id}"), shop.operation("PATCH /orders/{order_id}")
    assert [get.declares(status) for status in (200, 201, 404, 500)] == [True, False, True, False]
    assert patch.declares(500)


def test_dates_and_words_of_yaml_stay_text() -> None:
    body = Document.load(OPENAPI_31).operation("PATCH /orders/{order_id}").body
    assert body is not None
    assert body.examples == ({"day": "2026-01-02", "state": "on"},)


def test_all_of_demands_what_all_parts_demand() -> None:
    shop = Document.load(OPENAPI_31)
    order = shop.schemas.resolve({"$ref": "#/components/schemas/Order"})
    assert sorted(order["required"]) == ["day", "id"]
    assert shop.schemas.resolve(order["properties"]["id"]) == {"type": "integer", "minimum": 1, "maximum": 9}


def test_a_recursive_schema_is_resolved_level_by_level() -> None:
    shop = Document.load(OPENAPI_31)
    schema = shop.schemas.resolve({"$ref": "#/components/schemas/Order"})
    for _ in range(100):
        schema = shop.schemas.resolve(schema["properties"]["parts"])
    assert "day" in schema["properties"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Missing"},
        {"$ref": "other.yaml#/Order"},
        {"$ref": "#/components/schemas/Circle"},
        {"$ref": "#/components/schemas/Self"},
        False,
        "text",
    ],
)
def test_a_schema_that_cannot_be_used_says_so(schema: Any) -> None:
    circle = {"Circle": {"$ref": "#/components/schemas/Circle"}, "Self": {"allOf": [{"$ref": "#/components/schemas/Self"}]}}
    with pytest.raises(SchemaError):
        document({}, components={"schemas": circle}).schemas.resolve(schema)


def test_broken_parts_are_named_and_the_rest_is_kept() -> None:
    shop = document(
        {
            "/good": {"get": {"responses": {"200": {"description": "ok"}}}},
            "/a/{id}/b/{other}": {
                "get": {"parameters": [{"$ref": "#/nowhere"}, {"name": "id", "in": "path", "schema": {}}, {"in": "query"}]},
                "post": {"requestBody": {"$ref": "#/nowhere"}, "security": [{"nobody": []}], "responses": {"200": 3}},
                "put": ["wrong"],
            },
            "relative": {"get": {}},
            "/ref": {"$ref": "#/paths/nothing"},
            "/number": 3,
        }
    )
    assert shop.names == ("GET /good", "GET /a/{id}/b/{other}", "POST /a/{id}/b/{other}")
    named = {problem.where for problem in shop.problems}
    assert named >= {
        "GET /a/{id}/b/{other} parameter 1",
        "GET /a/{id}/b/{other} parameter 3",
        "POST /a/{id}/b/{other}",
        "POST /a/{id}/b/{other} body",
        "POST /a/{id}/b/{other} answer 200",
        "PUT /a/{id}/b/{other}",
        "relative",
        "/ref",
        "/number",
    }
    other = shop.operation("GET /a/{id}/b/{other}").parameter("other")
    assert other is not None
    assert not other.declared


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "just words",
        "<html><body>Not found</body></html>",
        "{",
        "a: [",
        "openapi: 4.0.0",
        "info: {}",
        b"\xff\xfe\x00",
        "&a [*a]",
        "{" * 5_000,
        "[" * 100_000,
        "- " * (DEPTH_MAX + 1) + "x",
    ],
)
def test_what_is_no_document_is_refused_with_a_hint(text: str | bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        Document.load(text, "given")
    assert caught.value.hint
    assert "given" in caught.value.message


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="nothing"):
        Document.load(tmp_path / "nothing.yaml")


def test_an_alias_bomb_costs_no_more_than_its_text() -> None:
    lines = ["openapi: 3.0.3", "x0: &x0 {type: object}"]
    lines += [f"x{n}: &x{n} {{<<: [*x{n - 1}, *x{n - 1}], allOf: [*x{n - 1}, *x{n - 1}]}}" for n in range(1, 60)]
    lines += ["paths: {/a: {post: {requestBody: {content: {application/json: {schema: *x59}}}}}}"]
    begun = time.process_time()
    shop = Document.load("\n".join(lines))
    body = shop.operation("POST /a").body
    assert body is not None
    with pytest.raises(SchemaError):
        shop.schemas.resolve(body.schema)
    assert time.process_time() - begun < 2


def test_swagger_2_is_read() -> None:
    old = Document.of(
        {
            "swagger": "2.0",
            "basePath": "/v2",
            "consumes": ["application/json"],
            "securityDefinitions": {"basic": {"type": "basic"}},
            "security": [{"basic": []}],
            "definitions": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "paths": {
                "/pets": {
                    "post": {
                        "parameters": [{"in": "body", "name": "pet", "required": True, "schema": {"$ref": "#/definitions/Pet"}}]
                    }
                },
                "/pets/{id}": {"get": {"parameters": [{"in": "path", "name": "id", "type": "integer", "minimum": 1}]}},
                "/photos": {
                    "post": {
                        "consumes": [],
                        "parameters": [{"in": "formData", "name": "photo", "type": "file", "required": True}],
                    }
                },
            },
        }
    )
    assert old.base_path == "/v2"
    assert old.schemes["basic"].scheme == "basic"
    pet = old.operation("POST /pets").body
    photo = old.operation("POST /photos").body
    assert pet is not None
    assert photo is not None
    assert old.schemas.resolve(pet.schema)["properties"] == {"name": {"type": "string"}}
    assert photo.media_type == "multipart/form-data"
    assert photo.schema["required"] == ["photo"]
    pet_id = old.operation("GET /pets/{id}").parameter("id")
    assert pet_id is not None
    assert dict(pet_id.schema) == {"type": "integer", "minimum": 1}


def test_json_is_read_and_a_byte_order_mark_is_no_matter() -> None:
    text = json.dumps({"openapi": "3.0.0", "paths": {"/x": {"get": {}}}})
    assert Document.load(b"\xef\xbb\xbf" + text.encode()).names == ("GET /x",)
    assert Document.load(text).names == ("GET /x",)


@pytest.mark.parametrize(
    ("servers", "base"),
    [
        ([{"url": "https://a.example/b/"}], "/b"),
        ([{"url": "/"}], ""),
        ([{"url": "https://{tenant}.example/b"}], ""),
        ([], ""),
        (3, ""),
    ],
)
def test_the_base_path_is_the_path_of_the_first_server(servers: Any, base: str) -> None:
    assert document({}, servers=servers).base_path == base
