"""The contractor portal."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.auth.sessions import Session
from tpe.context import Platform, PlatformDep
from tpe.contractors.service import contractor_profile
from tpe.web import cookies
from tpe.web.areas import CONTRACTOR_AREA
from tpe.web.forms import Errors
from tpe.web.guards import ContractorSession, ContractorSubmission
from tpe.web.page_route import PageRoute
from tpe.web.password_form import change_own_password
from tpe.web.rendering import redirect, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/contractor")
async def profile(request: Request, platform: PlatformDep, session: ContractorSession) -> Response:
    """Show a contractor its own account."""
    return await _profile_page(request, platform, session, {})


@router.post("/contractor")
async def new_password(request: Request, platform: PlatformDep, submission: ContractorSubmission) -> Response:
    """Change a contractor's password; it logs in anew with the new one."""
    errors = await change_own_password(platform, submission)
    if errors:
        return await _profile_page(request, platform, submission.session, errors)
    response = redirect(CONTRACTOR_AREA.log_in, flash="password-changed")
    cookies.drop_session(response)
    return response


async def _profile_page(request: Request, platform: Platform, session: Session, errors: Errors) -> Response:
    contractor = await contractor_profile(platform.db, session.identity.account_id)
    status = 422 if errors else 200
    return render(
        request, "contractor_profile.html", title="Profile", session=session, status=status, contractor=contractor, errors=errors
    )
