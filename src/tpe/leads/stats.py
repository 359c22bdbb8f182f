"""Adding up counted leads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tpe.leads.model import LeadStats, LeadStatus, Stage


@dataclass(frozen=True, slots=True)
class StatsRow:
    """The leads of one stage and status, counted by the database."""

    engagement_stage: str
    status: str
    leads: int
    primary_leads: int
    score_sum: int


def collect_stats(rows: Sequence[StatsRow], due: int) -> LeadStats:
    """Add the rows up; ``due`` follow-ups were counted apart. The average has one decimal and is None when there are no leads."""
    by_stage = {stage: sum(r.leads for r in rows if r.engagement_stage == stage) for stage in Stage}
    by_status = {status: sum(r.leads for r in rows if r.status == status) for status in LeadStatus}
    total = sum(r.leads for r in rows)
    return LeadStats(
        total=total,
        by_stage=by_stage,
        by_status=by_status,
        primary=sum(r.primary_leads for r in rows),
        average_score=round(sum(r.score_sum for r in rows) / total, 1) if total else None,
        follow_ups_due=due,
    )
