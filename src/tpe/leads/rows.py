"""What the database gives and takes of leads: rows on their way to and from the model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tpe.auth.identity import Identity
from tpe.leads.model import ContractorSummary, Lead, LeadStatus, Stage


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead with its contractor, as the statements on leads give it."""

    id: int
    partner_id: int
    contractor_id: int
    contractor_name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    match_score: int
    match_reasons: list[str]
    is_primary_match: bool
    engagement_stage: str
    status: str
    last_contact_at: datetime | None
    next_follow_up: date | None
    version: int
    created_at: datetime
    updated_at: datetime

    def lead(self) -> Lead:
        """Give the lead."""
        contractor = ContractorSummary(
            self.contractor_id, self.contractor_name, self.company_name, self.email, self.phone, self.city, self.state
        )
        return Lead(
            id=self.id,
            partner_id=self.partner_id,
            contractor=contractor,
            match_score=self.match_score,
            match_reasons=tuple(self.match_reasons),
            is_primary_match=self.is_primary_match,
            engagement_stage=Stage(self.engagement_stage),
            status=LeadStatus(self.status),
            last_contact=self.last_contact_at,
            next_follow_up=self.next_follow_up,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


def author_values(author: Identity) -> dict[str, Any]:
    """Give the columns that say who wrote something."""
    return {"author_role": author.role.value, "author_id": author.account_id, "author_name": author.name}
