"""Registering as a contractor: who you are, then the code that came to the phone."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.auth import sessions
from tpe.auth.errors import PasswordRefusedError
from tpe.context import PlatformDep
from tpe.contractors.errors import CodeRefusedError, TooManyCodesError
from tpe.contractors.registration import Applicant, finish_registration, start_registration
from tpe.infra.problems import NotFoundError
from tpe.infra.schemas import UUID_TEXT
from tpe.web import cookies
from tpe.web.areas import CONTRACTOR_AREA
from tpe.web.forms import Errors, Form, read_form
from tpe.web.guards import CSRF_FIELD, require_own_site
from tpe.web.page_route import PageRoute
from tpe.web.registration_form import read_applicant, read_proof
from tpe.web.rendering import redirect, render

FORM_TOO_OLD = "The page was open for too long. Please send the form again."
NOBODY = Applicant("", "", "", "")

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/contractor/register")
async def register_page(request: Request) -> Response:
    """Ask who wants to register."""
    return _start_form(request, NOBODY, {})


@router.post("/contractor/register")
async def register(request: Request, platform: PlatformDep) -> Response:
    """Send a code to the phone, and lead to where it is entered."""
    form = await _own_form(request)
    applicant, errors = read_applicant(form)
    if not _is_ours(request, form):
        return _start_form(request, applicant, {"form": FORM_TOO_OLD}, status=403)
    if errors:
        return _start_form(request, applicant, errors, status=422)
    try:
        registration = await start_registration(platform.db, platform.passwords, platform.messages, applicant)
    except TooManyCodesError as error:
        return _start_form(request, applicant, {"form": str(error)}, status=429, headers=error.headers)
    return redirect(f"/contractor/register/{registration}")


@router.get("/contractor/register/{registration}")
async def code_page(request: Request, registration: str) -> Response:
    """Ask for the code."""
    _registration_of(registration)
    return _code_form(request, {})


@router.post("/contractor/register/{registration}")
async def enter_code(request: Request, platform: PlatformDep, registration: str) -> Response:
    """Make the account of whoever has the code, and log it in."""
    which, form = _registration_of(registration), await _own_form(request)
    proof, errors = read_proof(form)
    if not _is_ours(request, form):
        return _code_form(request, {"form": FORM_TOO_OLD}, status=403)
    if errors:
        return _code_form(request, errors, status=422)
    try:
        identity = await finish_registration(platform.db, platform.passwords, which, proof.code, proof.password)
    except CodeRefusedError as error:
        return _code_form(request, {"code": str(error)}, status=error.status)
    except PasswordRefusedError as error:
        return _code_form(request, {"password": str(error)}, status=error.status)
    session = await sessions.create(platform.db, identity)
    response = redirect(CONTRACTOR_AREA.home, flash="registered")
    cookies.set_session(response, session.secret)
    return response


async def _own_form(request: Request) -> Form:
    require_own_site(request)
    return await read_form(request)


def _is_ours(request: Request, form: Form) -> bool:
    return cookies.log_in_token_matches(request, form.secret(CSRF_FIELD))


def _registration_of(text: str) -> UUID:
    """Read a registration from an address; NotFoundError for whatever cannot be one."""
    if re.fullmatch(UUID_TEXT, text) is None:
        raise NotFoundError
    return UUID(text)


def _start_form(
    request: Request, wanted: Applicant, errors: Errors, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return _entry(request, "register.html", "Register", status, headers, wanted=wanted, errors=errors)


def _code_form(request: Request, errors: Errors, *, status: int = 200) -> Response:
    return _entry(request, "register_code.html", "Enter the code", status, None, errors=errors)


def _entry(request: Request, template: str, title: str, status: int, headers: dict[str, str] | None, **view: Any) -> Response:
    token = cookies.log_in_token(request)
    response = render(request, template, title=title, area=CONTRACTOR_AREA, status=status, headers=headers, token=token, **view)
    cookies.set_log_in_token(response, token)
    return response
