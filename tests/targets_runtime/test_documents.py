"""The document as it is meant: log-ins, and what the target file calls everybody's, ask for no credential."""

from __future__ import annotations

import dataclasses

import pytest

from harness.model.target import OperationHint
from harness.probes.openapi.document import Document
from harness.targets.documents import opened
from tests.targets_runtime.conftest import shop

_COOKIE = [{"cookie": []}]
DATA = {
    "openapi": "3.1.0",
    "paths": {
        path: {"get": {"security": _COOKIE, "responses": {}}, "post": {"security": _COOKIE, "responses": {}}}
        for path in ("/enter", "/token", "/news", "/orders")
    },
    "components": {"securitySchemes": {"cookie": {"type": "apiKey", "in": "cookie", "name": "s"}}},
}


@pytest.mark.parametrize("base", ["", "/api"])
def test_log_ins_and_what_is_everybodys_are_open(base: str) -> None:
    document = Document.of({**DATA, "servers": [{"url": f"http://shop.test{base}"}]})
    role = shop().roles[0]
    login = dataclasses.replace(role.login, kind="json", path=f"{base}/token")
    target = dataclasses.replace(
        shop(),
        roles=(dataclasses.replace(role, login=login, page_login=f"{base}/enter"),),
        operations=(OperationHint("GET /news", roles=()), OperationHint("POST /news", roles=("buyer",))),
    )
    secured = {operation.name for operation in opened(document, target).operations if operation.is_secured}
    assert secured == {"POST /news", "GET /orders", "POST /orders"}
    assert opened(document, target).data == document.data
