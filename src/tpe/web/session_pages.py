"""Logging in and out of every area."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.auth import sessions
from tpe.auth.errors import BadCredentialsError
from tpe.auth.passwords import PASSWORD_LENGTH_MAX
from tpe.context import Platform, PlatformDep
from tpe.web import cookies
from tpe.web.areas import ADMIN_AREA, AREAS, CONTRACTOR_AREA, PARTNER_AREA, Area
from tpe.web.forms import has_control_characters, read_form
from tpe.web.guards import CSRF_FIELD, AdminSubmission, ContractorSubmission, PartnerSubmission, current_session, require_own_site
from tpe.web.page_route import PageRoute
from tpe.web.rendering import redirect, render

EMAIL_LENGTH_MAX: Final = 254
"""RFC 5321: the longest address that mail can be sent to."""
REFUSED: Final = "E-mail or password is wrong."
FORM_TOO_OLD: Final = "The page was open for too long. Please log in again."

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/partner/login")
async def partner_log_in_page(request: Request, platform: PlatformDep) -> Response:
    """Show the partners' log-in form."""
    return await _log_in_page(request, platform, PARTNER_AREA)


@router.post("/partner/login")
async def partner_log_in(request: Request, platform: PlatformDep) -> Response:
    """Log a partner in."""
    return await _log_in(request, platform, PARTNER_AREA)


@router.post("/partner/logout")
async def partner_log_out(request: Request, platform: PlatformDep, submission: PartnerSubmission) -> Response:
    """Log a partner out."""
    return await _log_out(request, platform, AREAS[submission.session.identity.role])


@router.get("/contractor/login")
async def contractor_log_in_page(request: Request, platform: PlatformDep) -> Response:
    """Show the contractors' log-in form."""
    return await _log_in_page(request, platform, CONTRACTOR_AREA)


@router.post("/contractor/login")
async def contractor_log_in(request: Request, platform: PlatformDep) -> Response:
    """Log a contractor in."""
    return await _log_in(request, platform, CONTRACTOR_AREA)


@router.post("/contractor/logout")
async def contractor_log_out(request: Request, platform: PlatformDep, submission: ContractorSubmission) -> Response:
    """Log a contractor out."""
    return await _log_out(request, platform, AREAS[submission.session.identity.role])


@router.get("/admin/login")
async def admin_log_in_page(request: Request, platform: PlatformDep) -> Response:
    """Show the administrators' log-in form."""
    return await _log_in_page(request, platform, ADMIN_AREA)


@router.post("/admin/login")
async def admin_log_in(request: Request, platform: PlatformDep) -> Response:
    """Log an administrator in."""
    return await _log_in(request, platform, ADMIN_AREA)


@router.post("/admin/logout")
async def admin_log_out(request: Request, platform: PlatformDep, submission: AdminSubmission) -> Response:
    """Log an administrator out."""
    return await _log_out(request, platform, AREAS[submission.session.identity.role])


async def _log_in_page(request: Request, platform: Platform, area: Area) -> Response:
    session = await current_session(request, platform)
    destination = area.destination(request.query_params.get("next", ""))
    if session is not None and session.identity.role is area.role:
        return redirect(destination)
    return _form(request, area, destination)


async def _log_in(request: Request, platform: Platform, area: Area) -> Response:
    require_own_site(request)
    form = await read_form(request)
    destination, email = area.destination(form.text("next")), form.text("email")
    if not cookies.log_in_token_matches(request, form.secret(CSRF_FIELD)):
        return _form(request, area, destination, email=email, error=FORM_TOO_OLD, status=403)
    password = form.secret("password")
    if not _plausible(email, password):
        return _refused(request, area, destination, email)
    try:
        identity = await platform.attempts.log_in(request.state.client, area.role, email, password)
    except BadCredentialsError:
        return _refused(request, area, destination, email)
    await _end_session_sent(request, platform)
    session = await sessions.create(platform.db, identity)
    response = redirect(destination)
    cookies.set_session(response, session.secret)
    return response


async def _log_out(request: Request, platform: Platform, area: Area) -> Response:
    await _end_session_sent(request, platform)
    response = redirect(area.log_in, flash="logged-out")
    cookies.drop_session(response)
    return response


async def _end_session_sent(request: Request, platform: Platform) -> None:
    """End the session that came with the request: after a log-in the old one must not live on beside the new one."""
    if secret := request.cookies.get(sessions.COOKIE_NAME, ""):
        await sessions.end(platform.db, secret)


def _plausible(email: str, password: str) -> bool:
    """Tell whether these can be an account's: bounded, and storable by the database."""
    lengths = 0 < len(email) <= EMAIL_LENGTH_MAX and 0 < len(password) <= PASSWORD_LENGTH_MAX
    return lengths and not has_control_characters(email) and "\n" not in email


def _refused(request: Request, area: Area, destination: str, email: str) -> Response:
    # RFC 9110 wants a challenge with a 401; an unknown scheme makes no browser ask for a password by itself.
    headers = {"WWW-Authenticate": 'Form realm="tpe"'}
    return _form(request, area, destination, email=email, error=REFUSED, status=401, headers=headers)


def _form(
    request: Request,
    area: Area,
    destination: str,
    *,
    email: str = "",
    error: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    token = cookies.log_in_token(request)
    response = render(
        request,
        "log_in.html",
        title=f"{area.title}: log in",
        area=area,
        status=status,
        headers=headers,
        token=token,
        destination="" if destination == area.home else destination,
        email=email[:EMAIL_LENGTH_MAX],
        error=error,
    )
    cookies.set_log_in_token(response, token)
    return response
