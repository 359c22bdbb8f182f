"""The API of accounts: lists and searches, the approval of partners, exports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from tpe.admin import accounts
from tpe.admin.account_schemas import (
    ApproveRequest,
    ContractorsAnswer,
    ExportContractorsRequest,
    ExportPartnersRequest,
    PartnerAccountAnswer,
    PartnerAccountOut,
    PartnersAnswer,
)
from tpe.admin.accounts import Found
from tpe.auth.guards import AdminCaller
from tpe.auth.machine import AdminOrMachine
from tpe.context import PlatformDep
from tpe.infra.csvtext import CsvResponse, attachment
from tpe.infra.documentation import BODY_STATUSES, csv_file, etag_header, responses
from tpe.infra.paging import Page
from tpe.infra.routing import ApiRoute
from tpe.infra.schemas import NO_NUL, Flag
from tpe.infra.versions import IfMatch, entity_tag, named_version
from tpe.leads.bulk_schemas import SEARCH_LENGTH_MAX
from tpe.leads.routes import lead_page
from tpe.partners.guards import PartnerPath

router = APIRouter(prefix="/api/admin", tags=["admin"], route_class=ApiRoute)
contractors_router = APIRouter(prefix="/api/contractors", tags=["contractors"], route_class=ApiRoute)

Search = Annotated[
    str | None, Query(max_length=SEARCH_LENGTH_MAX, pattern=NO_NUL, description="A part of a name, or an e-mail address.")
]
PageAsked = Annotated[Page, Depends(lead_page)]


@router.get(
    "/partners", operation_id="listPartners", summary="All partners, the newest first", responses=responses(400, 401, 403, 503)
)
async def list_partners(
    platform: PlatformDep,
    caller: AdminCaller,
    page: PageAsked,
    search: Search = None,
    is_active: Annotated[Flag | None, Query(description="Approved ones, or those that are not.")] = None,
) -> PartnersAnswer:
    """Give one page of the partners."""
    del caller  # admitted; every administrator sees the same
    found, total = await accounts.list_partners(platform.db, Found(search or None, is_active), page)
    return PartnersAnswer.of(found, total, page)


@router.put(
    "/partners/{partner_id}/approval",
    operation_id="approvePartner",
    summary="Let a partner in, or keep it out",
    responses={200: etag_header(), **responses(*BODY_STATUSES, 401, 403, 404, 412, 428, 503)},
)
async def approve(
    platform: PlatformDep,
    caller: AdminCaller,
    partner_id: PartnerPath,
    body: ApproveRequest,
    response: Response,
    if_match: IfMatch = None,
) -> PartnerAccountAnswer:
    """Decide, when the partner is still at the version named. Keeping it out ends its sessions and tokens at once."""
    del caller
    version = named_version(if_match, body.version)
    account = await accounts.approve_partner(platform.db, partner_id, active=body.is_active, version=version)
    response.headers["ETag"] = entity_tag(account.version)
    return PartnerAccountAnswer(partner=PartnerAccountOut.model_validate(account))


@router.post(
    "/partners/export",
    operation_id="exportPartners",
    summary="Partners as CSV",
    response_class=CsvResponse,
    responses={200: csv_file(), **responses(*BODY_STATUSES, 401, 403, 503)},
)
async def export_partners(platform: PlatformDep, caller: AdminCaller, body: ExportPartnersRequest) -> CsvResponse:
    """Stream the partners that are found, 10,000 at most."""
    del caller
    parts = await accounts.export_partners(platform.db, body.found())
    return CsvResponse(parts, headers=attachment(f"partners-{datetime.now(UTC):%Y-%m-%d}.csv"))


@router.post(
    "/contractors/export",
    operation_id="exportContractors",
    summary="Contractors as CSV",
    response_class=CsvResponse,
    responses={200: csv_file(), **responses(*BODY_STATUSES, 401, 403, 503)},
)
async def export_contractors(platform: PlatformDep, caller: AdminCaller, body: ExportContractorsRequest) -> CsvResponse:
    """Stream the contractors that are found, 10,000 at most."""
    del caller
    parts = await accounts.export_contractors(platform.db, body.found())
    return CsvResponse(parts, headers=attachment(f"contractors-{datetime.now(UTC):%Y-%m-%d}.csv"))


@contractors_router.get(
    "",
    operation_id="listContractors",
    summary="All contractors, the newest first",
    dependencies=[AdminOrMachine],
    responses=responses(400, 401, 403, 503),
)
async def list_contractors(platform: PlatformDep, page: PageAsked, search: Search = None) -> ContractorsAnswer:
    """Give one page of the contractors, to administrators and to the automation."""
    found, total = await accounts.list_contractors(platform.db, Found(search or None), page)
    return ContractorsAnswer.of(found, total, page)
