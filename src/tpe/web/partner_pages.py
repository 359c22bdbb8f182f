"""The partner portal: dashboard, list of leads, one lead."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.auth.sessions import Session
from tpe.context import Platform, PlatformDep
from tpe.infra.problems import BadRequestError
from tpe.infra.schemas import ID_MAX
from tpe.leads import cached, service
from tpe.leads.errors import LeadNotFoundError, StaleVersionError
from tpe.leads.lifecycle import allowed_stages
from tpe.leads.model import LeadDetail, LeadPage, Stage
from tpe.web.cookies import moved_to
from tpe.web.forms import Errors, WorkForm, parse_note, version_of
from tpe.web.guards import PartnerSession, PartnerSubmission, Submission
from tpe.web.lead_list import leads_view, read_query
from tpe.web.page_route import PageRoute
from tpe.web.rendering import redirect, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class LeadView:
    """A lead with its two forms: as it is, or as a form was sent that is shown again with what is wrong."""

    detail: LeadDetail
    work: WorkForm
    note: str = ""
    errors: Errors = field(default_factory=dict)
    stale: str = ""
    """Which form was based on an outdated read (``work`` or ``note``); empty when none was."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Give the stages that the lead may be set to."""
        return allowed_stages(self.detail.lead.engagement_stage)


@router.get("/partner")
async def dashboard(request: Request, platform: PlatformDep, session: PartnerSession) -> Response:
    """Show a partner's first screen."""
    board = await cached.partner_dashboard(platform, session.identity.account_id)
    today = datetime.now(UTC).date()
    return render(request, "partner_dashboard.html", title="Dashboard", session=session, board=board, today=today)


@router.get("/partner/leads")
async def leads(request: Request, platform: PlatformDep, session: PartnerSession) -> Response:
    """Show one page of a partner's leads; a filter that makes no sense is shown with what is wrong and no leads."""
    asked = read_query(request.query_params)
    found = LeadPage((), asked.page, 0)
    if not asked.errors:
        found = await service.list_leads(platform.db, session.identity.account_id, asked.chosen, asked.page)
    today, status = datetime.now(UTC).date(), 400 if asked.errors else 200
    view = leads_view(asked, found)
    return render(request, "leads.html", title="Leads", session=session, status=status, view=view, today=today)


@router.get("/partner/leads/{lead_id}")
async def lead(request: Request, platform: PlatformDep, session: PartnerSession, lead_id: str) -> Response:
    """Show a lead."""
    detail = await service.lead_detail(platform.db, session.identity.account_id, _id_of(lead_id))
    return _lead_page(request, session, LeadView(detail, WorkForm.of_lead(detail.lead)))


@router.post("/partner/leads/{lead_id}")
async def work_on_lead(request: Request, platform: PlatformDep, submission: PartnerSubmission, lead_id: str) -> Response:
    """Do what the button says: save the lead's stage, status and follow-up (``work``), or add a note (``note``).

    Both forms are posted to the lead's own address, so that a reload, the way back, or a log-in in between ends there.
    """
    detail = await service.lead_detail(platform.db, submission.session.identity.account_id, _id_of(lead_id))
    match submission.form.text("do"):
        case "work":
            return await _work(request, platform, submission, detail)
        case "note":
            return await _note(request, platform, submission, detail)
    raise BadRequestError("The form does not say what to do.")


async def _work(request: Request, platform: Platform, submission: Submission, detail: LeadDetail) -> Response:
    session, lead, version = submission.session, detail.lead, version_of(submission.form)
    work = WorkForm.sent(submission.form)
    if lead.version != version:
        return _stale_work(request, session, detail, work)
    change, errors = work.parse(lead)
    if change is None:
        return _lead_page(request, session, LeadView(detail, work, errors=errors), status=422)
    if work.holds_on(lead):
        return redirect(_path(lead.id), flash="nothing-changed")
    who = session.identity
    try:
        await service.change_lead(platform.db, who.account_id, lead.id, change, version=version, author=who)
        await cached.forget_partner(platform, who.account_id)
    except StaleVersionError:
        return _stale_work(request, session, await service.lead_detail(platform.db, who.account_id, lead.id), work)
    moved = change.engagement_stage is not lead.engagement_stage
    return redirect(_path(lead.id), flash=moved_to(change.engagement_stage) if moved else "lead-saved")


async def _note(request: Request, platform: Platform, submission: Submission, detail: LeadDetail) -> Response:
    session, lead, version = submission.session, detail.lead, version_of(submission.form)
    body, errors = parse_note(submission.form)
    if errors:
        view = LeadView(detail, WorkForm.of_lead(lead), note=body, errors=errors)
        return _lead_page(request, session, view, status=422)
    who = session.identity
    try:
        await service.add_note(platform.db, who.account_id, lead.id, body, version=version, author=who)
        await cached.forget_partner(platform, who.account_id)
    except StaleVersionError:
        return _stale_note(request, session, await service.lead_detail(platform.db, who.account_id, lead.id), body)
    return redirect(_path(lead.id), flash="note-added")


def _stale_work(request: Request, session: Session, detail: LeadDetail, work: WorkForm) -> Response:
    """Show the lead as it is now beside the change that was refused; a form sent twice has simply been saved."""
    if work.holds_on(detail.lead):
        return redirect(_path(detail.lead.id), flash="lead-saved")
    return _lead_page(request, session, LeadView(detail, work, stale="work"), status=StaleVersionError.status)


def _stale_note(request: Request, session: Session, detail: LeadDetail, body: str) -> Response:
    """Keep the note that was refused in its form; a form sent twice has simply been saved."""
    newest = detail.notes[0] if detail.notes else None
    if newest is not None and (newest.body, newest.author_name) == (body, session.identity.name):
        return redirect(_path(detail.lead.id), flash="note-added")
    view = LeadView(detail, WorkForm.of_lead(detail.lead), note=body, stale="note")
    return _lead_page(request, session, view, status=StaleVersionError.status)


def _lead_page(request: Request, session: Session, view: LeadView, *, status: int = 200) -> Response:
    title, today = view.detail.lead.contractor.name, datetime.now(UTC).date()
    return render(request, "lead.html", title=title, session=session, status=status, view=view, today=today)


def _path(lead_id: int) -> str:
    return f"/partner/leads/{lead_id}"


def _id_of(text: str) -> int:
    """Read a lead's number from an address; LeadNotFoundError for whatever cannot be one."""
    if re.fullmatch(r"[1-9][0-9]{0,15}", text) is None or int(text) > ID_MAX:
        raise LeadNotFoundError
    return int(text)
