"""What administrators see, for the API and the pages alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tpe.admin import queries
from tpe.admin.model import ACTIVITY_ROWS_MAX, TOP_PARTNERS_MAX, Activity, AdminDashboard, PartnerRank
from tpe.infra.db import Database, fetch_all, fetch_one
from tpe.leads.model import Stage


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of the platform's accounts."""

    partners: int
    active_partners: int
    contractors: int


@dataclass(frozen=True, slots=True)
class StageRow:
    """The leads of one stage, counted by the database."""

    engagement_stage: str
    leads: int
    score_sum: int


async def admin_dashboard(db: Database) -> AdminDashboard:
    """Give the platform at a glance."""
    async with db.connection() as connection:
        totals = await fetch_one(connection, Totals, queries.TOTALS, {})
        stages = await fetch_all(connection, StageRow, queries.LEADS_BY_STAGE, {})
        top = await fetch_all(connection, PartnerRank, queries.TOP_PARTNERS, {"rows_max": TOP_PARTNERS_MAX})
        activity = await fetch_all(connection, Activity, queries.RECENT_ACTIVITY, {"rows_max": ACTIVITY_ROWS_MAX})
    assert totals is not None, "counts always give a row"
    return collect_dashboard(totals, stages, top, activity)


def collect_dashboard(
    totals: Totals, stages: Sequence[StageRow], top: Sequence[PartnerRank], activity: Sequence[Activity]
) -> AdminDashboard:
    """Put the parts together; every stage is present, the average has one decimal and is None without leads."""
    by_stage = {stage: sum(row.leads for row in stages if row.engagement_stage == stage) for stage in Stage}
    leads = sum(by_stage.values())
    return AdminDashboard(
        partners=totals.partners,
        active_partners=totals.active_partners,
        contractors=totals.contractors,
        leads=leads,
        by_stage=by_stage,
        average_score=round(sum(row.score_sum for row in stages) / leads, 1) if leads else None,
        top_partners=tuple(top),
        recent_activity=tuple(activity),
    )
