"""What the pre-flight says where target file and document do not speak of the same things."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from harness.model.errors import PreflightError
from harness.model.target import Allow, CodeFlow, Environment, Login, ObjectKind, OperationHint, Role, SignUp, Target
from harness.runner.preflight import check_document

_OPERATION = {"responses": {"200": {"description": "done"}}}


@pytest.fixture
def target(tmp_path: Path) -> Target:
    document = tmp_path / "shop.openapi.json"
    paths = {"/orders": {"get": _OPERATION}, "/orders/{id}": {"put": _OPERATION}}
    document.write_text(json.dumps({"openapi": "3.1.0", "servers": [{"url": "/v1"}], "paths": paths}), encoding="utf-8")
    return Target(
        "shop",
        "Shop",
        Environment.LOCAL,
        tmp_path,
        ("127.0.0.1",),
        Allow(),
        (Role("buyer", Login("none")),),
        document=document,
        objects=(ObjectKind("order", "buyer", ("id",), "/orders", "$[*].id"),),
        operations=(OperationHint("PUT /orders/{id}"),),
    )


def test_objects_that_are_given_by_example_need_no_list(target: Target) -> None:
    check_document(dataclasses.replace(target, objects=(ObjectKind("order", "buyer", ("id",), examples={"one": (7,)}),)))


def test_a_target_file_that_names_what_the_document_has_is_let_through(target: Target) -> None:
    check_document(target)


@pytest.mark.parametrize(
    ("changed", "words", "hint"),
    [
        ({"operations": (OperationHint("PUT /v1/orders/{id}"),)}, "operations", 'did you mean "PUT /orders/{id}"?'),
        (
            {"objects": (ObjectKind("order", "buyer", ("id",), "/v1/orders", "$[*].id"),)},
            "objects.order.list_path",
            'did you mean "/orders"?',
        ),
        (
            {"objects": (ObjectKind("order", "buyer", ("/orders/{no}:id",), "/orders", "$[*].id"),)},
            "objects.order.parameters",
            'did you mean "/orders/{id}"?',
        ),
        (
            {"codes": (CodeFlow("sale", "GET /orders", "PUT /order/{id}"),)},
            "codes.sale.confirm",
            'did you mean "PUT /orders/{id}"?',
        ),
        ({"roles": (Role("buyer", Login("json", "/orders")),)}, "roles.buyer.login.path", '"/v1/orders"'),
        (
            {"roles": (Role("buyer", Login("none"), sign_up=SignUp("/orders", {})),)},
            "roles.buyer.sign_up.path",
            '"/v1/orders"',
        ),
    ],
)
def test_what_the_document_does_not_have_is_refused_with_the_nearest_name(
    target: Target, changed: dict[str, tuple[object, ...]], words: str, hint: str
) -> None:
    with pytest.raises(PreflightError) as refused:
        check_document(dataclasses.replace(target, **changed))  # type: ignore[arg-type]
    assert words in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize("path", ["/v1/orders", "/sessions", ""])
def test_a_log_in_may_be_anywhere_but_at_the_documents_path_without_its_server(target: Target, path: str) -> None:
    check_document(dataclasses.replace(target, roles=(Role("buyer", Login("json", path)),)))


def test_a_document_without_operations_is_refused(target: Target) -> None:
    assert target.document is not None
    target.document.write_text('{"openapi": "3.1.0", "paths": {}}', encoding="utf-8")
    with pytest.raises(PreflightError, match="without operations"):
        check_document(target)
