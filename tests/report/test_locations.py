"""Where an operation stands in its OpenAPI document."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.report.locations import operation_lines

YAML = """openapi: 3.1.0
paths:
  /x/{id}:
    summary: not an operation
    parameters: []
    get:
      responses: {}
    put: {}
  /y: null
"""
JSON = '{\n "paths": {\n  "/x": {\n   "post": {}\n  }\n }\n}'


def test_operations_are_found_by_line_in_yaml_and_json():
    assert operation_lines(YAML) == {"GET /x/{id}": 6, "PUT /x/{id}": 8}
    assert operation_lines(JSON) == {"POST /x": 4}


@pytest.mark.parametrize("text", ["", "[]", "paths: 3", "paths: {/x: [1]}", "a: [", "!!python/object:os.system {}", "? [a]\n: b"])
def test_what_is_no_document_has_no_operations(text: str):
    assert operation_lines(text) == {}


def test_every_operation_of_the_reference_document_has_its_line():
    path = Path(__file__).parents[2] / "targets" / "reference.openapi.yaml"
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = operation_lines(text)
    assert len(found) > 10
    for operation, line in found.items():
        assert lines[line - 1].strip().startswith(operation.split(" ")[0].lower())
