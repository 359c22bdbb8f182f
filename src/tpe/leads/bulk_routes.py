"""The partner portal's API for many leads at once: one change for all, and export."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter

from tpe.auth.guards import PartnerCaller
from tpe.context import PlatformDep
from tpe.infra.csvtext import CsvResponse, attachment
from tpe.infra.documentation import BODY_STATUSES, csv_file, responses
from tpe.infra.routing import ApiRoute
from tpe.leads.bulk import change_leads
from tpe.leads.bulk_schemas import ChangeLeadsRequest, ExportLeadsRequest, LeadsChanged
from tpe.leads.cached import forget_partner
from tpe.leads.export import export_leads

router = APIRouter(prefix="/api/partner-portal/leads", tags=["partner-portal"], route_class=ApiRoute)


@router.put(
    "/bulk/status",
    operation_id="changeLeads",
    summary="Set stage, status and follow-up of up to 100 leads",
    responses=responses(*BODY_STATUSES, 401, 403, 503),
)
async def change_many(platform: PlatformDep, caller: PartnerCaller, body: ChangeLeadsRequest) -> LeadsChanged:
    """Change each lead that is the caller's and still at the version named; tell what became of each.

    Every lead is decided for itself: one that is not the caller's (`not_found`), was written meanwhile (`stale`), or may not
    become this stage (`stage_refused`) stays as it is, and the others are changed, all of them in one transaction.
    """
    partner_id = caller.identity.account_id
    results = await change_leads(platform.db, partner_id, body.wanted(), body.change(), author=caller.identity)
    await forget_partner(platform, partner_id)
    return LeadsChanged.of(results)


@router.post(
    "/export",
    operation_id="exportLeads",
    summary="A partner's leads as CSV, best score first",
    response_class=CsvResponse,
    responses={200: csv_file(), **responses(*BODY_STATUSES, 401, 403, 503)},
)
async def export(platform: PlatformDep, caller: PartnerCaller, body: ExportLeadsRequest) -> CsvResponse:
    """Stream the leads that the filter admits, 10,000 at most; no cell is taken for a formula by a spreadsheet."""
    parts = await export_leads(platform.db, caller.identity.account_id, body.chosen())
    return CsvResponse(parts, headers=attachment(f"leads-{datetime.now(UTC):%Y-%m-%d}.csv"))
