"""Bodies of the admin API."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tpe.infra.schemas import ResponseModel
from tpe.leads.model import Stage


class PartnerRankOut(ResponseModel):
    """A partner among those with the most leads."""

    id: int
    company_name: str
    leads: int
    won: int


class ActivityOut(ResponseModel):
    """One change of a lead."""

    lead_id: int
    partner_name: str
    contractor_name: str
    field: str
    old_value: str | None
    new_value: str | None
    author_name: str
    created_at: datetime


class AdminDashboardOut(ResponseModel):
    """The platform at a glance; at most 10 rows in each list."""

    partners: int
    active_partners: int
    contractors: int
    leads: int
    by_stage: dict[Stage, int]
    average_score: float | None
    top_partners: list[PartnerRankOut]
    recent_activity: list[ActivityOut]


class AdminDashboardAnswer(ResponseModel):
    """The platform at a glance."""

    success: Literal[True] = True
    dashboard: AdminDashboardOut
