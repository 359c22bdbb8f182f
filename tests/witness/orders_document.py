"""What the small platform of `orders` says of itself."""

from __future__ import annotations

from typing import Any

from harness.probes.openapi.document import Document

BEARER = [{"token": []}]
ID = {"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}
TEXT = {"type": "string", "minLength": 1}


def _operation(security: list[Any] | None = None, *, body: Any = None, **more: Any) -> dict[str, Any]:
    sent = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else {}
    return {"responses": {"default": {"description": "any"}}, **({"security": security} if security else {}), **sent, **more}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


DOCUMENT = Document.of(
    {
        "openapi": "3.0.3",
        "info": {"title": "Orders", "version": "1"},
        "paths": {
            "/sessions": {"post": _operation(body=_object(["user", "pass"], user=TEXT, **{"pass": TEXT}))},
            "/orders": {
                "get": _operation(
                    BEARER,
                    parameters=[
                        {"name": "q", "in": "query", "schema": {"type": "string"}},
                        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 50}},
                    ],
                ),
                "post": _operation(BEARER, body=_object(["title"], title=TEXT)),
            },
            "/orders/{order_id}": {
                "parameters": [ID],
                "get": _operation(BEARER),
                "delete": _operation(BEARER),
                "patch": _operation(BEARER, body=_object(["note", "version"], note=TEXT, version={"type": "integer"})),
            },
            "/orders/{order_id}/label": {
                "parameters": [ID],
                "put": _operation(BEARER, body=_object([], colour=TEXT, label=TEXT)),
            },
            "/orders/{order_id}/lines": {"parameters": [ID], "get": _operation(BEARER)},
            "/orders/{order_id}/namesakes": {"parameters": [ID], "get": _operation(BEARER)},
            "/orders/{order_id}/payments": {
                "parameters": [ID, {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
                "post": _operation(BEARER, body=_object(["cents"], cents={"type": "integer", "minimum": 1, "maximum": 100_000})),
            },
            "/orders/{order_id}/close": {"parameters": [ID], "post": _operation(BEARER)},
            "/counts": {"get": _operation(BEARER)},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
