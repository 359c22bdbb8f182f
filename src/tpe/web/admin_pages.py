"""The administrators' pages."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.admin.cached import fresh_admin_dashboard
from tpe.context import PlatformDep
from tpe.web.guards import AdminSession
from tpe.web.page_route import PageRoute
from tpe.web.rendering import render

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/admin")
async def dashboard(request: Request, platform: PlatformDep, session: AdminSession) -> Response:
    """Show the platform at a glance."""
    board = await fresh_admin_dashboard(platform)
    return render(request, "admin_dashboard.html", title="Dashboard", session=session, board=board)
