"""How every API route treats the parts of a request that its handler never sees.

FastAPI ignores query names that it does not know, takes the last of repeated ones, and tells a body of the wrong media
type that its content is invalid. Here each is refused by its name: unknown or repeated query names with 400, another
media type than JSON with 415.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor

from tpe.infra.problems import BadRequestError, FieldError, UnsupportedMediaTypeError

WORDS = ("bulk", "export", "verify-start", "verify-code")
"""Segments that name an operation where another path has an id: ``GET /leads/export`` is no lead, and is told 405."""
QUERY_ERRORS_MAX = 20
"""Refused names that one answer lists."""


class IdConvertor(Convertor[str]):
    """Matches a segment that may be an id, read and refused by the route: ``/leads/{lead_id:id}``."""

    regex = rf"(?!(?:{'|'.join(WORDS)})(?:/|$))[^/]+"

    def convert(self, value: str) -> str:
        """Give the segment as it stands."""
        return value

    def to_string(self, value: str) -> str:
        """Give the segment as it stands."""
        return value


register_url_convertor("id", IdConvertor())


class ApiRoute(APIRoute):
    """A route that knows all its query names and takes JSON bodies only."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler with the checks above."""
        handler = super().get_route_handler()
        known = frozenset(_query_names(self.dependant))
        takes_body = self.body_field is not None

        async def checked(request: Request) -> Response:
            refuse_query_names(request.query_params.keys(), request.query_params.multi_items(), known)
            if takes_body:
                refuse_other_media(request.headers.get("content-type"), has_body=has_body(request))
            return await handler(request)

        return checked


def refuse_query_names(names: Iterable[str], items: list[tuple[str, str]], known: frozenset[str]) -> None:
    """BadRequestError when a query name is not ``known`` or stands there more than once."""
    names = list(names)
    errors = [FieldError("query", name, "is not known here") for name in names if name not in known]
    if len(items) > len(names):
        given = [name for name, _ in items]
        errors += [FieldError("query", name, "is given more than once") for name in names if given.count(name) > 1]
    if errors:
        raise BadRequestError("The query is not valid.", errors=errors[:QUERY_ERRORS_MAX])


def refuse_other_media(content_type: str | None, *, has_body: bool) -> None:
    """UnsupportedMediaTypeError when there is a body that is not declared as ``application/json``."""
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if has_body and media_type != "application/json":
        raise UnsupportedMediaTypeError


def has_body(request: Request) -> bool:
    """Tell from the headers whether a body follows (RFC 9112, section 6)."""
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def _query_names(dependant: Dependant) -> Iterable[str]:
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _query_names(inner)
