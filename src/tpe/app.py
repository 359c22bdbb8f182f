"""Puts the platform together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from tpe.admin.account_routes import contractors_router as contractor_accounts_router
from tpe.admin.account_routes import router as accounts_router
from tpe.admin.routes import router as admin_router
from tpe.auth.attempts import LogInAttempts
from tpe.auth.keys import ApiKeys
from tpe.auth.passwords import Passwords
from tpe.auth.routes import admin_router as admin_auth_router
from tpe.auth.routes import contractor_router as contractor_auth_router
from tpe.auth.routes import partner_router as partner_auth_router
from tpe.auth.tokens import Tokens
from tpe.context import Platform
from tpe.contractors.routes import router as contractors_router
from tpe.infra.cache import Cache
from tpe.infra.clients import ClientAddresses
from tpe.infra.db import Database
from tpe.infra.documentation import served_document
from tpe.infra.errors import BodyLimit, install_error_handlers
from tpe.infra.headers import ExactOrigins, SecurityHeaders
from tpe.infra.health import router as health_router
from tpe.infra.limits import Counts, RateLimit, too_many
from tpe.infra.shared import Shared
from tpe.leads.bulk_routes import router as bulk_router
from tpe.leads.routes import router as leads_router
from tpe.messaging.routes import router as messages_router
from tpe.messaging.texts import text_messages
from tpe.partners.routes import router as partners_router
from tpe.settings import Settings
from tpe.web.routes import mount_static
from tpe.web.routes import router as pages_router

BODY_BYTES_MAX = 1_048_576
"""1 MiB: a hundred times the largest body that any operation takes."""
BODY_SECONDS_MAX = 15.0
"""How long a body may take to come: the largest one at 70 KB a second."""
API_ROUTERS = (
    partner_auth_router,
    contractor_auth_router,
    admin_auth_router,
    contractors_router,
    bulk_router,
    leads_router,
    partners_router,
    admin_router,
    accounts_router,
    contractor_accounts_router,
    messages_router,
    health_router,
)
API_VERSION = "1.0.0"
"""Version of the API's contract; the build has its own."""


class TpeApp(FastAPI):
    """FastAPI whose every response, those of its own outermost error handler included, carries the security headers."""

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap everything in the headers, the limit on requests and the limit on bodies."""
        settings: Settings = self.state.settings
        limited = RateLimit(
            BodyLimit(super().build_middleware_stack(), BODY_BYTES_MAX, BODY_SECONDS_MAX),
            ClientAddresses(settings.TRUSTED_PROXIES),
            refusal=ExactOrigins(too_many, settings.allowed_origins),
        )
        return SecurityHeaders(limited)

    def openapi(self) -> dict[str, Any]:
        """Give the document with all statuses (see tpe.infra.documentation)."""
        return served_document(self)


def build_version() -> str:
    """Give the version of the installed build."""
    return metadata.version("power100-harness")


def create_app(settings: Settings) -> FastAPI:
    """Make the application. It connects to nothing until it is started, and starts without its database, saying 503."""
    app = TpeApp(
        title="The Power100 Experience",
        version=API_VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=BODY_BYTES_MAX,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.add_middleware(ExactOrigins, origins=settings.allowed_origins)
    for router in API_ROUTERS:
        app.include_router(router)
    app.include_router(pages_router)
    mount_static(app)
    install_error_handlers(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    db = Database(settings.database_conninfo, size_max=settings.DB_POOL_SIZE_MAX, processes=settings.PROCESSES)
    passwords = Passwords()
    shared = Shared(settings)
    counts = Counts(shared)
    platform = Platform(
        settings=settings,
        db=db,
        shared=shared,
        cache=Cache(shared),
        counts=counts,
        attempts=LogInAttempts(db, passwords, counts, shared),
        passwords=passwords,
        tokens=Tokens(
            settings.JWT_SECRET.get_secret_value(),
            settings.JWT_EXPIRE,
            settings.JWT_SECRET_PREVIOUS.get_secret_value() if settings.JWT_SECRET_PREVIOUS else None,
        ),
        api_keys=ApiKeys(settings.api_keys),
        messages=text_messages(settings.TEXT_MESSAGES),
    )
    await platform.db.open()
    await shared.open()
    app.state.platform = platform
    try:
        yield
    finally:
        await shared.close()
        await platform.db.close()
        platform.passwords.close()
