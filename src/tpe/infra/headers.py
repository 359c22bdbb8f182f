"""Headers that every response carries, errors included, and the origins that browsers may call from."""

from __future__ import annotations

import json
from typing import Final

from fastapi import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tpe.infra.problems import PROBLEM_MEDIA_TYPE, BadRequestError

CORS_METHODS: Final = ("GET", "POST", "PUT")
CORS_REQUEST_HEADERS: Final = ("Authorization", "Content-Type", "If-Match")
CORS_RESPONSE_HEADERS: Final = ("ETag", "Retry-After")
CORS_MAX_AGE_S: Final = 600

API_CSP: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final[dict[str, str]] = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: forms would then be sent with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CACHE_CONTROL: Final = "no-store"
"""Everything but what says otherwise itself (static files) is somebody's own."""


def security_headers(path: str) -> dict[str, str]:
    """Give the headers of a response at ``path``: the content policy of the API is tighter than that of the pages."""
    policy = API_CSP if path.startswith("/api/") else PAGE_CSP
    return {**SECURITY_HEADERS, "Content-Security-Policy": policy}


class SecurityHeaders:
    """ASGI middleware that adds the headers; outermost of all, so that the server's own errors carry them too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, adding the headers to whatever answers it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(security_headers(scope["path"]))
                headers.setdefault("Cache-Control", CACHE_CONTROL)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ExactOrigins(CORSMiddleware):
    """CORS for a list of exact origins, credentials included; everyone else gets no CORS header and a problem."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_REQUEST_HEADERS,
            expose_headers=CORS_RESPONSE_HEADERS,
            allow_credentials=True,
            max_age=CORS_MAX_AGE_S,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a pre-flight request; a refused one learns nothing of what is allowed."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refusal = BadRequestError("This origin, method or header may not be used across origins.")
        return Response(json.dumps(refusal.problem.body()), 400, {"Vary": "Origin"}, PROBLEM_MEDIA_TYPE)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Add the headers for a listed origin; for any other only say that the answer depends on it."""
        if self.is_allowed_origin(request_headers.get("origin", "")):
            await super().send(message, send, request_headers)
            return
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).add_vary_header("Origin")
        await send(message)
