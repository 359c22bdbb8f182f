"""The administrators' lists of partners and contractors."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.admin import accounts
from tpe.auth.sessions import Session
from tpe.context import Platform, PlatformDep
from tpe.infra.csvtext import CsvResponse, attachment
from tpe.infra.problems import BadRequestError, PreconditionFailedError
from tpe.infra.schemas import ID_MAX
from tpe.partners.errors import PartnerNotFoundError
from tpe.web.account_list import AccountQuery, AccountsView
from tpe.web.forms import version_of
from tpe.web.guards import AdminSession, AdminSubmission
from tpe.web.page_route import PageRoute
from tpe.web.rendering import redirect, render

PARTNERS, CONTRACTORS = "/admin/partners", "/admin/contractors"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get(PARTNERS)
async def partners(request: Request, platform: PlatformDep, session: AdminSession) -> Response:
    """Show one page of the partners."""
    return await _partners_page(request, platform, session, AccountQuery.of(PARTNERS, request.query_params))


@router.post(PARTNERS)
async def decide(platform: PlatformDep, submission: AdminSubmission) -> Response:
    """Let a partner in or keep it out, as the button says (``approve``, ``suspend``), and go back to the list."""
    form = submission.form
    active = {"approve": True, "suspend": False}.get(form.text("do"))
    if active is None or re.fullmatch("[1-9][0-9]{0,15}", form.text("partner"), re.ASCII) is None:
        raise BadRequestError("The form does not say what to do.")
    partner_id = int(form.text("partner"))
    if partner_id > ID_MAX:
        raise PartnerNotFoundError
    query = AccountQuery.of(PARTNERS, form.fields)
    page = int(query.page) if re.fullmatch("[1-9][0-9]{0,3}", query.page, re.ASCII) else 1
    try:
        await accounts.approve_partner(platform.db, partner_id, active=active, version=version_of(form))
    except PreconditionFailedError:
        return redirect(query.address(page=page), flash="partner-changed-meanwhile")
    return redirect(query.address(page=page), flash="partner-approved" if active else "partner-suspended")


@router.post(f"{PARTNERS}/export")
async def export_partners(platform: PlatformDep, submission: AdminSubmission) -> Response:
    """Give the partners that the list's filter admits as a file."""
    found, _, errors = AccountQuery.of(PARTNERS, submission.form.fields).asked()
    if errors:
        raise BadRequestError("The filter is not valid. Correct it on the list, then export again.")
    return _file("partners", CsvResponse(await accounts.export_partners(platform.db, found)))


@router.get(CONTRACTORS)
async def contractors(request: Request, platform: PlatformDep, session: AdminSession) -> Response:
    """Show one page of the contractors."""
    query = AccountQuery.of(CONTRACTORS, request.query_params)
    found, page, errors = query.asked()
    rows, total = ([], 0) if errors else await accounts.list_contractors(platform.db, found, page)
    view = AccountsView(query, tuple(rows), total, page, errors)
    status = 400 if errors else 200
    return render(request, "contractors.html", title="Contractors", session=session, status=status, view=view)


@router.post(f"{CONTRACTORS}/export")
async def export_contractors(platform: PlatformDep, submission: AdminSubmission) -> Response:
    """Give the contractors that the list's filter admits as a file."""
    found, _, errors = AccountQuery.of(CONTRACTORS, submission.form.fields).asked()
    if errors:
        raise BadRequestError("The filter is not valid. Correct it on the list, then export again.")
    return _file("contractors", CsvResponse(await accounts.export_contractors(platform.db, found)))


async def _partners_page(request: Request, platform: Platform, session: Session, query: AccountQuery) -> Response:
    found, page, errors = query.asked()
    rows, total = ([], 0) if errors else await accounts.list_partners(platform.db, found, page)
    view = AccountsView(query, tuple(rows), total, page, errors)
    return render(request, "partners.html", title="Partners", session=session, status=400 if errors else 200, view=view)


def _file(name: str, response: CsvResponse) -> CsvResponse:
    response.headers.update(attachment(f"{name}-{datetime.now(UTC):%Y-%m-%d}.csv"))
    return response
