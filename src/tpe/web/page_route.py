"""The route class of pages: what stops a page becomes a page too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from tpe.infra.problems import ProblemError
from tpe.web.guards import LogInNeededError, kept_session
from tpe.web.rendering import problem_page, redirect


class PageRoute(APIRoute):
    """Answers a missing session with the way to the log-in page, and a problem with a page that tells it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's own handler."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except LogInNeededError as error:
                return redirect(_log_in_address(error))
            except ProblemError as error:
                response = problem_page(request, error.problem, session=kept_session(request))
                response.headers.update({name: value for name, value in error.headers.items() if name == "Retry-After"})
                return response

        return handle


def _log_in_address(error: LogInNeededError) -> str:
    destination = error.area.destination(error.wish)
    if destination == error.area.home:
        return error.area.log_in
    return f"{error.area.log_in}?{urlencode({'next': destination})}"
