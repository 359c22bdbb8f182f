"""The document of the hundred operations."""

from __future__ import annotations

from typing import Any

KINDS = (
    "invoices", "orders", "quotes", "receipts", "tickets", "notes", "tasks", "projects", "meetings", "contacts",
    "addresses", "vehicles", "tools", "sites", "permits", "photos", "reports", "payments", "refunds", "reviews",
)  # fmt: skip
STATES = ("open", "waiting", "done")


def document() -> dict[str, Any]:
    """OpenAPI 3.1, a log-in beside the hundred."""
    paths: dict[str, Any] = {"/login": {"post": _log_in()}}
    for kind in KINDS:
        paths[f"/{kind}"] = {"get": _list(kind), "post": _make(kind)}
        paths[f"/{kind}/{{id}}"] = {"parameters": [_ID], "get": _read(kind), "put": _change(kind), "delete": _delete(kind)}
    schemas = {"Error": _object(error={"type": "string"}), "Thing": _THING, "New": _NEW}
    return {
        "openapi": "3.1.0",
        "info": {"title": "A hundred operations", "version": "1"},
        "security": [{"session": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}}},
    }


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1, "maximum": 2_147_483_647}}
_TITLE = {"type": "string", "minLength": 1, "maxLength": 80}
_AMOUNT = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_STATE = {"type": "string", "enum": list(STATES)}
_NEW = _object(title=_TITLE, amount=_AMOUNT, state=_STATE)
_THING = _object(id={"type": "integer"}, title=_TITLE, amount=_AMOUNT, state=_STATE)


def _answer(schema: dict[str, Any], description: str = "Done.") -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _of(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _operation(name: str, status: str, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operationId": name, "responses": {status: answer, "default": _answer(_of("Error"), "Refused.")}, **more}


def _log_in() -> dict[str, Any]:
    sent = _object(email={"type": "string", "maxLength": 80}, password={"type": "string", "maxLength": 80})
    body = {"required": True, "content": {"application/json": {"schema": sent}}}
    return _operation("logIn", "200", _answer(_object(token={"type": "string"})), requestBody=body, security=[])


def _list(kind: str) -> dict[str, Any]:
    page = {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}
    state = {"name": "state", "in": "query", "schema": _STATE}
    return _operation(
        f"list-{kind}", "200", _answer(_object(items={"type": "array", "items": _of("Thing")})), parameters=[page, state]
    )


def _make(kind: str) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": _of("New")}}}
    return _operation(f"make-{kind}", "201", _answer(_of("Thing")), requestBody=body)


def _read(kind: str) -> dict[str, Any]:
    return _operation(f"read-{kind}", "200", _answer(_of("Thing")))


def _change(kind: str) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": _of("New")}}}
    return _operation(f"change-{kind}", "200", _answer(_of("Thing")), requestBody=body)


def _delete(kind: str) -> dict[str, Any]:
    return _operation(f"delete-{kind}", "204", {"description": "Gone."})
