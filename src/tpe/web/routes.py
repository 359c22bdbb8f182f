"""All pages, and how an application takes them in: ``include_router(router)`` and ``mount_static(app)``."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from tpe.web import (
    admin_account_pages,
    admin_pages,
    contractor_pages,
    partner_account_pages,
    partner_bulk_pages,
    partner_pages,
    registration_pages,
    session_pages,
)
from tpe.web.areas import PARTNER_AREA
from tpe.web.assets import STATIC_PREFIX, serve_asset
from tpe.web.page_route import PageRoute
from tpe.web.rendering import problem_page, redirect

router = APIRouter(route_class=PageRoute, include_in_schema=False)
router.include_router(session_pages.router)
router.include_router(partner_bulk_pages.router)
router.include_router(partner_pages.router)
router.include_router(partner_account_pages.router)
router.include_router(registration_pages.router)
router.include_router(contractor_pages.router)
router.include_router(admin_pages.router)
router.include_router(admin_account_pages.router)


@router.get("/")
async def entrance() -> Response:
    """Lead to the partner portal."""
    return redirect(PARTNER_AREA.home)


def mount_static(app: FastAPI) -> None:
    """Serve the pages' static files, and tell the application how a problem outside of the pages' routes looks."""
    app.add_route(STATIC_PREFIX + "{name}", serve_asset, methods=["GET"], include_in_schema=False)
    app.state.problem_page = problem_page
