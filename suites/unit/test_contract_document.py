"""The committed document is the one served, and says all that an operation can answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from fastapi import FastAPI

from suites.unit.conftest import Ask
from tpe.infra.documentation import document_text, responses, served_document

COMMITTED = Path(__file__).parents[2] / "targets" / "reference.openapi.yaml"
LOG_INS = {"partnerLogIn", "contractorLogIn", "adminLogIn"}
OPEN_OPERATIONS = {*LOG_INS, "startRegistration", "finishRegistration", "healthLive", "healthReady"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    return loaded


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Give each schema that has examples with each of them, and each body's schema with its example."""
    if isinstance(node, dict):
        if isinstance(node.get("examples"), list):
            yield from ((node, example) for example in node["examples"])
        if "example" in node and "schema" in node:
            yield node["schema"], node["example"]
        for child in node.values():
            yield from examples(child)
    elif isinstance(node, list):
        for child in node:
            yield from examples(child)


def test_the_served_document_is_the_committed_one(ask: Ask, document: dict[str, Any]) -> None:
    assert ask("GET", "/api/openapi.json").json() == document


def test_writing_the_document_gives_the_committed_text(app: FastAPI) -> None:
    assert document_text(served_document(app)) == COMMITTED.read_text(encoding="utf-8")


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names)) == 35
    assert all(re.fullmatch("[a-z][A-Za-z]+", name) for name in names)


def test_every_operation_but_the_open_ones_names_its_roles_and_refusals(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        secured = operation["operationId"] not in OPEN_OPERATIONS
        schemes = {name for requirement in operation.get("security", []) for name in requirement}
        assert bool(schemes) is secured, operation["operationId"]
        assert schemes <= {"partnerToken", "contractorToken", "adminToken", "apiKey"}
        # A key stands for the only one that has it: there is no other role that could be told 403.
        assert ("403" in operation["responses"]) is bool(schemes - {"apiKey"}), operation["operationId"]
        assert ("401" in operation["responses"]) is (secured or operation["operationId"] in LOG_INS)


def test_every_operation_with_a_body_says_how_bodies_are_refused(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        refusals = {"413", "415", "422"} & set(operation["responses"])
        assert refusals == ({"413", "415", "422"} if "requestBody" in operation else set()), operation["operationId"]


def test_writes_to_what_others_write_say_how_versions_are_refused(document: dict[str, Any]) -> None:
    names = {"changeLead", "addNote", "changeContractor", "changePartner", "approvePartner"}
    writes = [operation for _, operation in operations(document) if operation["operationId"] in names]
    assert len(writes) == len(names)
    assert all({"404", "412", "428"} <= set(operation["responses"]) for operation in writes)


def test_every_error_is_a_problem_with_an_example_that_is_one(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                exported = operation["operationId"].startswith("export")
                assert list(response["content"]) == ["text/csv" if exported else "application/json"]
                continue
            content = response["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert content["example"]["status"] == int(status)
            assert list(response["content"]) == ["application/problem+json"]


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    found = list(examples(document))
    assert len(found) > 50
    for schema, example in found:
        jsonschema.validate(example, {**schema, "components": document["components"]})


def test_no_query_or_path_value_may_be_null_and_every_number_is_bounded(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            assert "anyOf" not in schema
            if schema.get("type") == "integer":
                assert {"minimum", "maximum"} <= set(schema), parameter["name"]


def test_unknown_members_are_refused_in_every_body(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name


def test_the_frameworks_own_schemas_are_gone(document: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])


def test_responses_are_named_once_and_in_order() -> None:
    assert list(responses(503, 400, 400)) == [400, 503]
