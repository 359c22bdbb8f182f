"""What administrators see: frozen data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tpe.leads.model import Stage

TOP_PARTNERS_MAX = 10
ACTIVITY_ROWS_MAX = 10


@dataclass(frozen=True, slots=True)
class PartnerRank:
    """A partner among those with the most leads."""

    id: int
    company_name: str
    leads: int
    won: int


@dataclass(frozen=True, slots=True)
class Activity:
    """One change of a lead, platform-wide."""

    lead_id: int
    partner_name: str
    contractor_name: str
    field: str
    old_value: str | None
    new_value: str | None
    author_name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AdminDashboard:
    """The platform at a glance. ``by_stage`` has every stage; lists are bounded by the limits above."""

    partners: int
    active_partners: int
    contractors: int
    leads: int
    by_stage: dict[Stage, int]
    average_score: float | None
    top_partners: tuple[PartnerRank, ...]
    recent_activity: tuple[Activity, ...]
