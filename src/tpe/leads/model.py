"""The nouns of leads: frozen data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tpe.infra.paging import Page


class Stage(StrEnum):
    """How far a partner has come with a lead; stored as contractor_partner_matches.engagement_stage."""

    NEW = "new"
    CONTACTED = "contacted"
    MEETING_SCHEDULED = "meeting_scheduled"
    PROPOSAL_SENT = "proposal_sent"
    NEGOTIATING = "negotiating"
    WON = "won"
    LOST = "lost"
    NURTURING = "nurturing"


class LeadStatus(StrEnum):
    """Whether a lead is worked at all, whatever its stage."""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class ContractorSummary:
    """What a partner sees of a contractor in a lead."""

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str


@dataclass(frozen=True, slots=True)
class Lead:
    """A match of a contractor with a partner. ``match_score`` is 0 to 100; ``version`` counts its writes from 1."""

    id: int
    partner_id: int
    contractor: ContractorSummary
    match_score: int
    match_reasons: tuple[str, ...]
    is_primary_match: bool
    engagement_stage: Stage
    status: LeadStatus
    last_contact: datetime | None
    next_follow_up: date | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a lead, never changed once written."""

    id: int
    body: str
    author_role: str
    author_name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One member of a lead that one write changed: a row of its history."""

    id: int
    field: str
    old_value: str | None
    new_value: str | None
    version: int
    author_role: str
    author_name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LeadDetail:
    """A lead with its newest notes and changes, newest first, at most DETAIL_ROWS_MAX of each."""

    lead: Lead
    notes: tuple[Note, ...]
    history: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads of a partner to list; ``None`` or ``False`` does not filter. Scores are inclusive."""

    engagement_stage: Stage | None = None
    status: LeadStatus | None = None
    min_score: int | None = None
    max_score: int | None = None
    search: str | None = None
    """Words, each of which begins a word of the contractor's name or company, or its e-mail whole; case ignored."""
    primary_only: bool = False

    @property
    def email(self) -> str | None:
        """Give the e-mail that is searched for: what has an @ can be nothing else."""
        return self.search if self.search and "@" in self.search else None

    @property
    def words(self) -> str | None:
        """Give the words that are searched for."""
        return None if self.email else self.search


@dataclass(frozen=True, slots=True)
class LeadPage:
    """One page of a list. ``total`` is exact up to TOTAL_MAX (tpe.infra.paging) and stays there beyond it."""

    leads: tuple[Lead, ...]
    page: Page
    total: int

    @property
    def total_pages(self) -> int:
        """Give how many pages of this size hold ``total`` rows; 0 when there are none."""
        return self.page.pages_for(self.total)


@dataclass(frozen=True, slots=True)
class LeadChange:
    """What a write sets on a lead. ``status`` of ``None`` leaves it; ``next_follow_up`` counts only with its flag."""

    engagement_stage: Stage
    status: LeadStatus | None = None
    set_follow_up: bool = False
    next_follow_up: date | None = None


@dataclass(frozen=True, slots=True)
class LeadStats:
    """Counts over all leads of a partner. Each mapping has every stage or status, zero included."""

    total: int
    by_stage: dict[Stage, int]
    by_status: dict[LeadStatus, int]
    primary: int
    average_score: float | None
    follow_ups_due: int
    """Active open leads whose next follow-up is today (UTC) or earlier; exact up to TOTAL_MAX (tpe.infra.paging)."""


@dataclass(frozen=True, slots=True)
class PartnerDashboard:
    """A partner's first screen: counts, its best new leads, the next follow-ups; at most DASHBOARD_ROWS_MAX each."""

    stats: LeadStats
    new_leads: tuple[Lead, ...]
    follow_ups: tuple[Lead, ...]


DETAIL_ROWS_MAX = 100
DASHBOARD_ROWS_MAX = 5
