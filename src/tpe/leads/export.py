"""A partner's leads as CSV, in the order of the list and under the same filter.

Leads are read in batches, each by a statement of its own that starts behind the last lead sent: a slow reader holds no
connection, and a long export costs the same per lead as a short one. What changes meanwhile may be in it as before or after.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from tpe.infra.csvtext import csv_parts
from tpe.infra.db import Database, fetch_all
from tpe.leads import queries
from tpe.leads.model import Lead, LeadFilter
from tpe.leads.rows import LeadRow
from tpe.leads.service import chosen_values

EXPORT_ROWS_MAX: Final = 10_000
"""Leads in one file at most, the best ones; a filter makes it fewer."""
BATCH_ROWS: Final = 1_000
COLUMNS: Final = (
    "id", "contractor", "company", "email", "phone", "city", "state", "match_score", "match_reasons", "is_primary_match",
    "engagement_stage", "status", "last_contact", "next_follow_up", "created_at",
)  # fmt: skip


async def export_leads(db: Database, partner_id: int, chosen: LeadFilter) -> AsyncIterator[str]:
    """Give the file in parts; the first is read before this returns, so that a database that is away is told as such."""

    async def batch(last: Lead | None) -> list[Lead]:
        return await _batch(db, partner_id, chosen, last)

    return await csv_parts(COLUMNS, batch, _row, batch_rows=BATCH_ROWS, rows_max=EXPORT_ROWS_MAX)


async def _batch(db: Database, partner_id: int, chosen: LeadFilter, last: Lead | None) -> list[Lead]:
    values: dict[str, Any] = {**chosen_values(partner_id, chosen), "limit": BATCH_ROWS}
    if last is not None:
        values |= {"score": last.match_score, "lead_id": last.id}
    async with db.connection() as connection:
        rows = await fetch_all(connection, LeadRow, queries.leads_behind(chosen, first=last is None), values)
    return [row.lead() for row in rows]


def _row(lead: Lead) -> tuple[object, ...]:
    contractor = lead.contractor
    return (
        lead.id,
        contractor.name,
        contractor.company_name,
        contractor.email,
        contractor.phone,
        contractor.city,
        contractor.state,
        lead.match_score,
        "; ".join(lead.match_reasons),
        "yes" if lead.is_primary_match else "no",
        lead.engagement_stage,
        lead.status,
        lead.last_contact.isoformat() if lead.last_contact else None,
        lead.next_follow_up.isoformat() if lead.next_follow_up else None,
        lead.created_at.isoformat(),
    )
