"""The OpenAPI document: every status of every operation, and nothing that the platform does not do."""

from __future__ import annotations

from typing import Any, Final

import yaml
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tpe.infra.limits import REQUESTS, is_exempt
from tpe.infra.problems import (
    PROBLEM_MEDIA_TYPE,
    PROBLEM_TYPE_PREFIX,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PayloadTooLargeError,
    PreconditionFailedError,
    PreconditionRequiredError,
    ProblemError,
    RequestTimeoutError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
    UnprocessableError,
    UnsupportedMediaTypeError,
)
from tpe.settings import Settings

DESCRIPTION: Final = f"""The Power100 Experience: contractors are matched with partners; partners work their matches as leads.

Errors are problem details (RFC 9457) that also carry `success: false` and `message`. JSON values are never coerced and
unknown members are refused. A write to a lead names the version that it read, as `If-Match` or as the member `version`.
A client may ask {REQUESTS.count} times within {REQUESTS.window_s // 60} minutes; then 429 says when it may again."""

_KINDS: Final[tuple[type[ProblemError], ...]] = (
    BadRequestError,
    UnauthenticatedError,
    ForbiddenError,
    NotFoundError,
    RequestTimeoutError,
    ConflictError,
    PreconditionFailedError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    UnprocessableError,
    PreconditionRequiredError,
    TooManyRequestsError,
    UnavailableError,
)
_BY_STATUS: Final = {kind.status: kind for kind in _KINDS}
_RETRY_AFTER: Final[dict[str, Any]] = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}
}
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "required": True, "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
BODY_STATUSES: Final = (400, 408, 413, 415, 422)
"""What every operation with a body can answer."""

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "title", "status", "detail", "success", "message"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Names the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What happened, for the caller."},
        "success": {"const": False, "type": "boolean"},
        "message": {"type": "string", "description": "The same as detail, under the platform's own name."},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["in", "field", "message"],
                "properties": {
                    "in": {"type": "string", "enum": ["query", "path", "header", "cookie", "body"]},
                    "field": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Give the error responses of an operation for FastAPI's ``responses``; every status that it can answer is named."""
    return {status: _response(_BY_STATUS[status]) for status in sorted(set(statuses))}


def etag_header() -> dict[str, Any]:
    """Give the description of a response that carries the version of what it tells."""
    schema = {"type": "string", "pattern": '^"[1-9][0-9]*"$'}
    return {"headers": {"ETag": {"description": "The version, for If-Match.", "required": True, "schema": schema}}}


def csv_file() -> dict[str, Any]:
    """Give the description of a response that is a CSV file."""
    header = {"description": "The file's name.", "required": True, "schema": {"type": "string", "pattern": "^attachment; "}}
    return {
        "description": "The file",
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "headers": {"Content-Disposition": header},
    }


def served_document(app: FastAPI) -> dict[str, Any]:
    """Give the document that the platform serves at /api/openapi.json."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
        settings: Settings = app.state.settings
        if settings.NEXT_PUBLIC_API_URL:
            document["servers"] = [{"url": settings.NEXT_PUBLIC_API_URL}]
        if settings.NEXT_PUBLIC_ENVIRONMENT:
            document["info"]["x-environment"] = settings.NEXT_PUBLIC_ENVIRONMENT
        document["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(unused, None)
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _tidy(operation)
                if not is_exempt(path):
                    operation["responses"]["429"] = _response(TooManyRequestsError)
                    operation["responses"] = dict(sorted(operation["responses"].items()))
        app.openapi_schema = document
    return app.openapi_schema


def document_text(document: dict[str, Any]) -> str:
    """Give a document as the YAML text that is committed."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _response(kind: type[ProblemError]) -> dict[str, Any]:
    example = {
        "type": PROBLEM_TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.default_message,
        "success": False,
        "message": kind.default_message,
    }
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    response: dict[str, Any] = {"description": kind.title, "content": content}
    if kind.status in _HEADERS:
        response["headers"] = _HEADERS[kind.status]
    return response


def _tidy(operation: dict[str, Any]) -> None:
    """Take out what FastAPI adds of its own: its 422 where ours says 400, and null in values that are text by nature."""
    if "application/json" in operation["responses"].get("422", {}).get("content", {}):
        del operation["responses"]["422"]
    for parameter in operation.get("parameters", []):
        alternatives = parameter["schema"].pop("anyOf", None)
        if alternatives is not None:
            parameter["schema"].update(next(schema for schema in alternatives if schema != {"type": "null"}))
