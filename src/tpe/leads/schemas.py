"""Bodies of the partner portal."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from tpe.infra.schemas import NO_NUL, IsoDate, RequestModel, ResponseModel, Version, VersionNumber, described
from tpe.leads import examples
from tpe.leads.model import Lead, LeadChange, LeadPage, LeadStatus, Note, Stage

NOTE_LENGTH_MAX = 5_000

StageText = Annotated[Stage, Field(strict=False)]
StatusText = Annotated[LeadStatus, Field(strict=False)]


class ContractorOut(ResponseModel):
    """What a partner sees of a contractor."""

    model_config = described(examples.CONTRACTOR)

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str


class LeadOut(ResponseModel):
    """A contractor matched with the partner, and how far the partner has come."""

    model_config = described(examples.LEAD)

    id: int
    partner_id: int
    contractor: ContractorOut
    match_score: int = Field(ge=0, le=100)
    match_reasons: list[str]
    is_primary_match: bool
    engagement_stage: Stage
    status: LeadStatus
    last_contact: datetime | None
    next_follow_up: date | None
    version: Version
    created_at: datetime
    updated_at: datetime


class NoteOut(ResponseModel):
    """A note on a lead."""

    model_config = described(examples.NOTE)

    id: int
    body: str
    author_role: str
    author_name: str
    created_at: datetime


class ChangeOut(ResponseModel):
    """One member of a lead that one write changed."""

    model_config = described(examples.CHANGE)

    id: int
    field: str
    old_value: str | None
    new_value: str | None
    version: Version
    author_role: str
    author_name: str
    created_at: datetime


class LeadDetailOut(LeadOut):
    """A lead with its newest notes and changes, newest first, at most 100 of each."""

    model_config = described({**examples.LEAD, "notes": [examples.NOTE], "history": [examples.CHANGE]})

    notes: list[NoteOut]
    history: list[ChangeOut]


class Pagination(ResponseModel):
    """Where the page stands. ``total`` is exact up to 10,000 and stays there beyond it."""

    model_config = described(examples.PAGINATION)

    page: int = Field(ge=1)
    limit: int = Field(ge=1, le=100)
    total: int = Field(ge=0, le=10_000)
    totalPages: int = Field(ge=0)


class LeadsAnswer(ResponseModel):
    """One page of leads."""

    success: Literal[True] = True
    leads: list[LeadOut]
    pagination: Pagination

    @classmethod
    def of(cls, found: LeadPage) -> Self:
        """Make the body from a page."""
        pagination = Pagination(page=found.page.number, limit=found.page.limit, total=found.total, totalPages=found.total_pages)
        return cls(leads=[LeadOut.model_validate(lead) for lead in found.leads], pagination=pagination)


class LeadDetailAnswer(ResponseModel):
    """A lead in full."""

    success: Literal[True] = True
    lead: LeadDetailOut


class LeadAnswer(ResponseModel):
    """A lead as it is after a write."""

    success: Literal[True] = True
    lead: LeadOut


class NoteAnswer(ResponseModel):
    """A new note, and the lead's version after it."""

    success: Literal[True] = True
    note: NoteOut
    version: Version

    @classmethod
    def of(cls, note: Note, lead: Lead) -> Self:
        """Make the body from a note and its lead."""
        return cls(note=NoteOut.model_validate(note), version=lead.version)


class StatsOut(ResponseModel):
    """Counts over all leads of a partner."""

    total: int
    by_stage: dict[Stage, int]
    by_status: dict[LeadStatus, int]
    primary: int
    average_score: float | None
    follow_ups_due: int


class StatsAnswer(ResponseModel):
    """Counts over all leads of a partner."""

    success: Literal[True] = True
    stats: StatsOut


class DashboardOut(ResponseModel):
    """A partner's first screen; at most 5 leads in each list."""

    stats: StatsOut
    new_leads: list[LeadOut]
    follow_ups: list[LeadOut]


class DashboardAnswer(ResponseModel):
    """A partner's first screen."""

    success: Literal[True] = True
    dashboard: DashboardOut


class ChangeLeadRequest(RequestModel):
    """What to set on a lead. A member that is absent stays as it is; ``next_follow_up`` of null clears it."""

    model_config = described(examples.CHANGE_REQUEST)

    engagement_stage: StageText
    status: StatusText | None = None
    next_follow_up: IsoDate | None = None
    version: VersionNumber | None = Field(None, description="The version that was read, when not sent as If-Match.")

    def change(self) -> LeadChange:
        """Give the change that this asks for."""
        return LeadChange(
            engagement_stage=self.engagement_stage,
            status=self.status,
            set_follow_up="next_follow_up" in self.model_fields_set,
            next_follow_up=self.next_follow_up,
        )


class AddNoteRequest(RequestModel):
    """A note to add to a lead."""

    body: str = Field(min_length=1, max_length=NOTE_LENGTH_MAX, pattern=NO_NUL, examples=["Called; wants a quote by Friday."])
    version: VersionNumber | None = Field(None, description="The version that was read, when not sent as If-Match.")
