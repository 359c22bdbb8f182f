"""What a partner does with many leads of the list at once: move the ticked ones, or keep them as a file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from tpe.context import PlatformDep
from tpe.infra.csvtext import CsvResponse, attachment
from tpe.infra.problems import BadRequestError
from tpe.infra.schemas import ID_MAX, VERSION_MAX
from tpe.leads.bulk import BULK_LEADS_MAX, Outcome, ReadLead, change_leads
from tpe.leads.cached import forget_partner
from tpe.leads.export import export_leads
from tpe.leads.model import LeadChange, Stage
from tpe.web.forms import Form, choice_of
from tpe.web.guards import PartnerSubmission
from tpe.web.lead_list import LIST_PATH, ListQuery, read_query
from tpe.web.page_route import PageRoute
from tpe.web.rendering import redirect

_TICKED: Final = re.compile(r"([1-9][0-9]{0,15}):([1-9][0-9]{0,9})", re.ASCII)

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/partner/leads/bulk")
async def move(platform: PlatformDep, submission: PartnerSubmission) -> Response:
    """Move the ticked leads to a stage, and go back to the list where they were ticked."""
    ticked, stage = _ticked(submission.form), choice_of(Stage, submission.form.text("stage"))
    if not ticked or stage is None:
        return redirect(_back(submission.form), flash="nothing-ticked")
    who = submission.session.identity
    results = await change_leads(platform.db, who.account_id, ticked, LeadChange(stage), author=who)
    await forget_partner(platform, who.account_id)
    all_moved = all(result.outcome is Outcome.CHANGED for result in results)
    return redirect(_back(submission.form), flash="leads-moved" if all_moved else "some-not-moved")


@router.post("/partner/leads/export")
async def export(platform: PlatformDep, submission: PartnerSubmission) -> Response:
    """Give the leads that the list's filter admits as a file."""
    asked = read_query(submission.form.fields)
    if asked.errors:
        raise BadRequestError("The filter is not valid. Correct it on the list, then export again.")
    parts = await export_leads(platform.db, submission.session.identity.account_id, asked.chosen)
    return CsvResponse(parts, headers=attachment(f"leads-{datetime.now(UTC):%Y-%m-%d}.csv"))


def _ticked(form: Form) -> list[ReadLead]:
    """Read the ticked leads, each once; BadRequestError when they are none of the list's."""
    found = [_TICKED.fullmatch(text) for text in dict.fromkeys(form.texts("lead"))]
    leads = {int(match[1]): ReadLead(int(match[1]), int(match[2])) for match in found if match is not None}
    wrong = None in found or len(found) > BULK_LEADS_MAX
    if wrong or any(lead.id > ID_MAX or lead.version > VERSION_MAX for lead in leads.values()):
        raise BadRequestError("The form is incomplete. Open the list again and repeat your change.")
    return list(leads.values())


def _back(form: Form) -> str:
    """Give the address of the list as it was filtered; the list itself says what is wrong with a filter."""
    query = ListQuery.of(form.fields)
    page = f"{'&' if query.filtered else '?'}{urlencode({'page': query.page})}" if query.page else ""
    return query.address() + page if len(query.address()) < 1_000 else LIST_PATH
