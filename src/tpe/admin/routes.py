"""The admin API."""

from __future__ import annotations

from fastapi import APIRouter

from tpe.admin.cached import fresh_admin_dashboard
from tpe.admin.schemas import AdminDashboardAnswer, AdminDashboardOut
from tpe.auth.guards import AdminCaller
from tpe.context import PlatformDep
from tpe.infra.documentation import responses
from tpe.infra.routing import ApiRoute

router = APIRouter(prefix="/api/admin", tags=["admin"], route_class=ApiRoute)


@router.get(
    "/dashboard", operation_id="adminDashboard", summary="The platform at a glance", responses=responses(400, 401, 403, 503)
)
async def dashboard(platform: PlatformDep, caller: AdminCaller) -> AdminDashboardAnswer:
    """Give counts, the partners with the most leads and the newest changes."""
    del caller  # admitted; every administrator sees the same
    return AdminDashboardAnswer(dashboard=AdminDashboardOut.model_validate(await fresh_admin_dashboard(platform)))
