"""The partner portal's API: leads, their stage, notes and counts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from tpe.auth.guards import PartnerCaller, PortalPartner
from tpe.context import PlatformDep
from tpe.infra.documentation import BODY_STATUSES, etag_header, responses
from tpe.infra.paging import LIMIT_DEFAULT, Page, page_of
from tpe.infra.routing import ApiRoute
from tpe.infra.schemas import NO_NUL, Flag, IdText, LimitText, PageText, ScoreText
from tpe.infra.versions import IfMatch, entity_tag, named_version
from tpe.leads import cached, service
from tpe.leads.bulk_schemas import SEARCH_LENGTH_MAX
from tpe.leads.model import LeadFilter, LeadStatus, Stage
from tpe.leads.schemas import (
    AddNoteRequest,
    ChangeLeadRequest,
    DashboardAnswer,
    DashboardOut,
    LeadAnswer,
    LeadDetailAnswer,
    LeadDetailOut,
    LeadOut,
    LeadsAnswer,
    NoteAnswer,
    StatsAnswer,
    StatsOut,
)

SEARCH_DESCRIPTION = "Words, each of which begins a word of the contractor's name or company; or its whole e-mail."

router = APIRouter(prefix="/api/partner-portal", tags=["partner-portal"], route_class=ApiRoute)

LeadId = Annotated[IdText, Path(description="The lead's id.", examples=[1])]
Score = Annotated[ScoreText | None, Query()]


async def lead_filter(
    engagement_stage: Annotated[Stage | None, Query()] = None,
    status: Annotated[LeadStatus | None, Query()] = None,
    min_score: Score = None,
    max_score: Score = None,
    search: Annotated[
        str | None,
        Query(max_length=SEARCH_LENGTH_MAX, pattern=NO_NUL, description=SEARCH_DESCRIPTION),
    ] = None,
    primary_only: Annotated[Flag, Query(description="Primary matches only.")] = False,
) -> LeadFilter:
    """Read which leads are asked for."""
    return LeadFilter(engagement_stage, status, min_score, max_score, " ".join((search or "").split()) or None, primary_only)


async def lead_page(
    page: Annotated[PageText, Query(description="page x limit is at most 10,000.")] = 1,
    limit: Annotated[LimitText, Query()] = LIMIT_DEFAULT,
) -> Page:
    """Read which page is asked for."""
    return page_of(page, limit)


@router.get(
    "/leads",
    operation_id="listLeads",
    summary="A partner's leads, best score first",
    responses=responses(400, 401, 403, 404, 503),
)
async def list_leads(
    platform: PlatformDep,
    partner_id: PortalPartner,
    chosen: Annotated[LeadFilter, Depends(lead_filter)],
    page: Annotated[Page, Depends(lead_page)],
) -> LeadsAnswer:
    """Give one page of the leads that the filter admits."""
    return LeadsAnswer.of(await service.list_leads(platform.db, partner_id, chosen, page))


@router.get(
    "/leads/stats",
    operation_id="leadStats",
    summary="Counts over a partner's leads",
    responses=responses(400, 401, 403, 404, 503),
)
async def lead_stats(platform: PlatformDep, partner_id: PortalPartner) -> StatsAnswer:
    """Give the counts by stage and status, and what is due."""
    return StatsAnswer(stats=StatsOut.model_validate(await cached.lead_stats(platform, partner_id)))


@router.get(
    "/leads/{lead_id:id}",
    operation_id="getLead",
    summary="A lead with its notes and history",
    responses={200: etag_header(), **responses(400, 401, 403, 404, 503)},
)
async def get_lead(platform: PlatformDep, partner_id: PortalPartner, lead_id: LeadId, response: Response) -> LeadDetailAnswer:
    """Give a lead in full; its ETag is the version that a write must name."""
    detail = await service.lead_detail(platform.db, partner_id, lead_id)
    response.headers["ETag"] = entity_tag(detail.lead.version)
    lead = LeadOut.model_validate(detail.lead)
    return LeadDetailAnswer(
        lead=LeadDetailOut.model_validate({**dict(lead), "notes": list(detail.notes), "history": list(detail.history)})
    )


@router.put(
    "/leads/{lead_id}/status",
    operation_id="changeLead",
    summary="Set a lead's stage, status and follow-up",
    responses={200: etag_header(), **responses(*BODY_STATUSES, 401, 403, 404, 409, 412, 428, 503)},
)
async def change_lead(
    platform: PlatformDep,
    caller: PartnerCaller,
    lead_id: LeadId,
    body: ChangeLeadRequest,
    response: Response,
    if_match: IfMatch = None,
) -> LeadAnswer:
    """Write what the body sets, when the lead is still at the version named; record what changed."""
    lead = await service.change_lead(
        platform.db,
        caller.identity.account_id,
        lead_id,
        body.change(),
        version=named_version(if_match, body.version),
        author=caller.identity,
    )
    await cached.forget_partner(platform, caller.identity.account_id)
    response.headers["ETag"] = entity_tag(lead.version)
    return LeadAnswer(lead=LeadOut.model_validate(lead))


@router.post(
    "/leads/{lead_id}/notes",
    status_code=201,
    operation_id="addNote",
    summary="Add a note to a lead",
    responses={201: etag_header(), **responses(*BODY_STATUSES, 401, 403, 404, 412, 428, 503)},
)
async def add_note(
    platform: PlatformDep,
    caller: PartnerCaller,
    lead_id: LeadId,
    body: AddNoteRequest,
    response: Response,
    if_match: IfMatch = None,
) -> NoteAnswer:
    """Add a note, when the lead is still at the version named."""
    note, lead = await service.add_note(
        platform.db,
        caller.identity.account_id,
        lead_id,
        body.body,
        version=named_version(if_match, body.version),
        author=caller.identity,
    )
    await cached.forget_partner(platform, caller.identity.account_id)
    response.headers["ETag"] = entity_tag(lead.version)
    return NoteAnswer.of(note, lead)


@router.get(
    "/dashboard",
    operation_id="partnerDashboard",
    summary="A partner's first screen",
    responses=responses(400, 401, 403, 404, 503),
)
async def dashboard(platform: PlatformDep, partner_id: PortalPartner) -> DashboardAnswer:
    """Give the counts, the best new leads and the next follow-ups."""
    found = await cached.partner_dashboard(platform, partner_id)
    return DashboardAnswer(dashboard=DashboardOut.model_validate(found))
