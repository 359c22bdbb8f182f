"""Working leads, for the API and the pages alike.

Every function takes the partner whose leads are meant; another partner's lead is the same as none. A write names the
version that it read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tpe.auth.identity import Identity
from tpe.infra.db import Connection, Database, execute, fetch_all, fetch_one, fetch_value
from tpe.infra.paging import TOTAL_MAX, Page
from tpe.leads import queries
from tpe.leads.errors import LeadNotFoundError, StaleVersionError
from tpe.leads.lifecycle import FieldChange, WorkState, apply_change, differences
from tpe.leads.model import (
    DASHBOARD_ROWS_MAX,
    DETAIL_ROWS_MAX,
    Change,
    Lead,
    LeadChange,
    LeadDetail,
    LeadFilter,
    LeadPage,
    LeadStats,
    Note,
    PartnerDashboard,
)
from tpe.leads.rows import LeadRow, author_values
from tpe.leads.stats import StatsRow, collect_stats
from tpe.partners.errors import PartnerNotFoundError


@dataclass(frozen=True, slots=True)
class _Written:
    version: int
    updated_at: datetime


async def list_leads(db: Database, partner_id: int, chosen: LeadFilter, page: Page) -> LeadPage:
    """Give one page of a partner's leads, best score first."""
    values = filter_values(partner_id, chosen, page)
    async with db.connection() as connection:
        total = await fetch_value(connection, queries.leads_total(chosen), values)
        rows = await fetch_all(connection, LeadRow, queries.leads_page(chosen), values) if total > page.offset else []
    return LeadPage(tuple(row.lead() for row in rows), page, total)


async def lead_detail(db: Database, partner_id: int, lead_id: int) -> LeadDetail:
    """Give a lead with its newest notes and changes; LeadNotFoundError when it is not this partner's."""
    bounds = {"lead_id": lead_id, "rows_max": DETAIL_ROWS_MAX}
    async with db.connection() as connection:
        lead = await _lead(connection, partner_id, lead_id)
        notes = await fetch_all(connection, Note, queries.NOTES_OF_LEAD, bounds)
        history = await fetch_all(connection, Change, queries.HISTORY_OF_LEAD, bounds)
    return LeadDetail(lead, tuple(notes), tuple(history))


async def change_lead(db: Database, partner_id: int, lead_id: int, change: LeadChange, *, version: int, author: Identity) -> Lead:
    """Set stage, status and follow-up of a lead and record what changed; give the lead as it is then.

    LeadNotFoundError when it is not this partner's; StaleVersionError when it was written since ``version``;
    StageRefusedError when its life cycle does not allow the stage.
    """
    async with db.transaction() as connection:
        lead = await _lead_at(connection, partner_id, lead_id, version)
        before = WorkState(lead.engagement_stage, lead.status, lead.last_contact, lead.next_follow_up)
        after = apply_change(before, change, datetime.now(UTC))
        values = {
            "lead_id": lead_id,
            "version": version,
            "engagement_stage": after.engagement_stage.value,
            "status": after.status.value,
            "last_contact": after.last_contact,
            "next_follow_up": after.next_follow_up,
        }
        written = await fetch_one(connection, _Written, queries.CHANGE_LEAD, values)
        if written is None:
            raise StaleVersionError
        await _record(connection, lead_id, written.version, differences(before, after), author)
    return replace(
        lead,
        engagement_stage=after.engagement_stage,
        status=after.status,
        last_contact=after.last_contact,
        next_follow_up=after.next_follow_up,
        version=written.version,
        updated_at=written.updated_at,
    )


async def add_note(
    db: Database, partner_id: int, lead_id: int, body: str, *, version: int, author: Identity
) -> tuple[Note, Lead]:
    """Add a note to a lead; give it and the lead with its raised version. Errors as ``change_lead``, but for the stage."""
    async with db.transaction() as connection:
        lead = await _lead_at(connection, partner_id, lead_id, version)
        written = await fetch_one(connection, _Written, queries.TOUCH_LEAD, {"lead_id": lead_id, "version": version})
        if written is None:
            raise StaleVersionError
        values = {"lead_id": lead_id, "body": body, **author_values(author)}
        note = await fetch_one(connection, Note, queries.ADD_NOTE, values)
        assert note is not None, "INSERT … RETURNING gives the row that it inserted"
    return note, replace(lead, version=written.version, updated_at=written.updated_at)


async def lead_stats(db: Database, partner_id: int) -> LeadStats:
    """Give the counts over all leads of a partner."""
    async with db.connection() as connection:
        return await _stats(connection, partner_id)


async def partner_dashboard(db: Database, partner_id: int) -> PartnerDashboard:
    """Give a partner's first screen."""
    bounds = {"partner_id": partner_id, "rows_max": DASHBOARD_ROWS_MAX}
    async with db.connection() as connection:
        stats = await _stats(connection, partner_id)
        new_leads = await fetch_all(connection, LeadRow, queries.NEW_LEADS, bounds)
        follow_ups = await fetch_all(connection, LeadRow, queries.FOLLOW_UPS, bounds)
    return PartnerDashboard(stats, tuple(row.lead() for row in new_leads), tuple(row.lead() for row in follow_ups))


async def require_partner(db: Database, partner_id: int) -> None:
    """PartnerNotFoundError when there is no such partner (an admin may name any number)."""
    async with db.connection() as connection:
        if not await fetch_value(connection, queries.PARTNER_EXISTS, {"partner_id": partner_id}):
            raise PartnerNotFoundError


def words_query(partner_id: int, text: str) -> str:
    """Give the tsquery for a partner's leads with a word beginning with each word of ``text``, every character literal."""
    quoted = (word.replace("\\", "\\\\").replace("'", "''") for word in text.split())
    return " & ".join(f"'{partner_id}/{word}':*" for word in quoted)


def filter_values(partner_id: int, chosen: LeadFilter, page: Page) -> dict[str, Any]:
    """Give the values that the statements of a list bind."""
    return {**chosen_values(partner_id, chosen), "limit": page.limit, "offset": page.offset, "total_max": TOTAL_MAX}


def chosen_values(partner_id: int, chosen: LeadFilter) -> dict[str, Any]:
    """Give the values that the statements of a filter are bound to."""
    return {
        "partner_id": partner_id,
        "engagement_stage": chosen.engagement_stage.value if chosen.engagement_stage else None,
        "status": chosen.status.value if chosen.status else None,
        "min_score": chosen.min_score,
        "max_score": chosen.max_score,
        "words": words_query(partner_id, chosen.words) if chosen.words else None,
        "email": chosen.email,
    }


async def _lead(connection: Connection, partner_id: int, lead_id: int) -> Lead:
    values = {"lead_id": lead_id, "partner_id": partner_id}
    row = await fetch_one(connection, LeadRow, queries.LEAD_BY_ID, values)
    if row is None:
        raise LeadNotFoundError
    return row.lead()


async def _lead_at(connection: Connection, partner_id: int, lead_id: int, version: int) -> Lead:
    lead = await _lead(connection, partner_id, lead_id)
    if lead.version != version:
        raise StaleVersionError
    return lead


async def _stats(connection: Connection, partner_id: int) -> LeadStats:
    rows = await fetch_all(connection, StatsRow, queries.STATS_OF_PARTNER, {"partner_id": partner_id})
    due = await fetch_value(connection, queries.FOLLOW_UPS_DUE, {"partner_id": partner_id, "total_max": TOTAL_MAX})
    return collect_stats(rows, due)


async def _record(connection: Connection, lead_id: int, version: int, changes: tuple[FieldChange, ...], author: Identity) -> None:
    if not changes:
        return
    values = {
        "lead_id": lead_id,
        "version": version,
        "fields": [change.field for change in changes],
        "old_values": [change.old_value for change in changes],
        "new_values": [change.new_value for change in changes],
        **author_values(author),
    }
    await execute(connection, queries.ADD_HISTORY, values)
