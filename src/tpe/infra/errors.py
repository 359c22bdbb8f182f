"""Turns every error into an answer: problem details for the API, a page of its own for everything else."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tpe.infra.problems import (
    PROBLEM_MEDIA_TYPE,
    BadRequestError,
    FieldError,
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    Problem,
    ProblemError,
    RequestTimeoutError,
    UnprocessableError,
)

API_PREFIX = "/api/"
FIELD_ERRORS_MAX = 20
FIELD_NAME_LENGTH_MAX = 100
ProblemPage = Callable[[Request, Problem], Response]
"""Renders a problem for people; ``tpe.web`` puts its own into ``app.state.problem_page``."""

_MESSAGES = {"string_pattern_mismatch": "has a form that is not allowed here"}
_BY_STATUS: dict[int, type[ProblemError]] = {
    400: BadRequestError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    408: RequestTimeoutError,
    413: PayloadTooLargeError,
}


def install_error_handlers(app: FastAPI) -> None:
    """Make ``app`` answer every error as above. Call once all routes are there: 405 names what they allow."""
    allowed_methods = _allowed_methods(app)

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return problem_response(request, error)

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(request, validation_problem(error.errors()))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = {"Allow": ", ".join(allowed_methods(request.url.path))} if error.status_code == 405 else None
        return problem_response(request, http_problem(error.status_code, headers))

    async def on_fault(request: Request, error: Exception) -> Response:
        del error  # the server logs it with its traceback; the caller learns nothing of it
        return problem_response(request, ProblemError())

    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_fault)


def problem_response(request: Request, error: ProblemError) -> Response:
    """Answer with the problem of ``error``: a page outside of the API when there is one, JSON otherwise."""
    page: ProblemPage | None = getattr(request.app.state, "problem_page", None)
    if page is not None and not request.url.path.startswith(API_PREFIX):
        response = page(request, error.problem)
        response.headers.update(error.headers)
        return response
    body = json.dumps(error.problem.body())  # ASCII: names in it may hold what UTF-8 cannot
    return Response(body, status_code=error.status, media_type=PROBLEM_MEDIA_TYPE, headers=error.headers)


class BodyLimit:
    """ASGI middleware that refuses a body announced as larger than ``bytes_max`` before a byte of it is read, and gives a
    body up that has not come within ``seconds_max``.

    FastAPI's own limit (``max_body_size``) counts bodies that do not announce their size; for those that do, it answers
    in plain text, which this prevents.
    """

    def __init__(self, app: ASGIApp, bytes_max: int, seconds_max: float) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose announced body is not too large."""
        if scope["type"] == "http" and _announced_bytes(scope) > self._bytes_max:
            response = problem_response(Request(scope), PayloadTooLargeError())
            await response(scope, receive, send)
            return
        await self._app(scope, _within(receive, self._seconds_max) if scope["type"] == "http" else receive, send)


def _within(receive: Receive, seconds: float) -> Receive:
    """Give a ``receive`` whose body has to be whole so many seconds after it was first asked for; HTTPException 408 otherwise."""
    deadline: float | None = None
    whole = False

    async def timed() -> Message:
        nonlocal deadline, whole
        if whole:  # what comes now is the end of the connection, which may take as long as the answer
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        whole = not message.get("more_body", False)
        return message

    return timed


def _announced_bytes(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0  # the server has refused anything else already


def http_problem(status: int, headers: dict[str, str] | None = None) -> ProblemError:
    """Give the problem for a status that the framework decided on."""
    kind = _BY_STATUS.get(status)
    if kind is not None:
        return kind(headers=headers)
    error = ProblemError(HTTPStatus(status).phrase, headers=headers)
    error.status = status  # type: ignore[misc]
    return error


def validation_problem(errors: Sequence[Any]) -> ProblemError:
    """Give 400 for what is wrong before the content (query, path, header, JSON syntax) and 422 for wrong content."""
    fields = [_field_error(error) for error in errors[:FIELD_ERRORS_MAX]]
    if any(error["type"] == "json_invalid" for error in errors):
        return BadRequestError("The body is not valid JSON.")
    if any(field.location != "body" for field in fields):
        return BadRequestError("The request is not valid.", errors=fields)
    return UnprocessableError("The content of the body is not valid.", errors=fields)


def _field_error(error: dict[str, Any]) -> FieldError:
    location, *rest = [str(part) for part in error["loc"]] or ["body"]
    name = ".".join(rest).encode("utf-8", "replace").decode()[:FIELD_NAME_LENGTH_MAX]
    return FieldError(location, name, _MESSAGES.get(error["type"]) or str(error["msg"]).removeprefix("Value error, "))


def _allowed_methods(app: FastAPI) -> Callable[[str], list[str]]:
    """Give a function from a path to all methods of all routes that match it (Starlette names the first route's only)."""
    table: list[tuple[re.Pattern[str], set[str]]] = []
    for context in iter_route_contexts(app.routes):
        if context.path is not None and context.methods:
            table.append((compile_path(context.path)[0], context.methods))
    return lambda path: sorted(set().union(*(methods for pattern, methods in table if pattern.match(path))))
