"""Bodies about contractors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field

from tpe.auth.credentials import Email, NewPassword
from tpe.contractors.model import TEAM_SIZE_MAX, ContractorProfile
from tpe.contractors.registration import CODE_DIGITS, Applicant
from tpe.infra.schemas import (
    UUID_TEXT,
    Line,
    Phone,
    RequestModel,
    ResponseModel,
    State,
    Version,
    VersionNumber,
    described,
    read_integral,
)
from tpe.matching.model import MATCHES_MAX, Match, Need, Revenue, Trade
from tpe.matching.schemas import Needs, RevenueText, Trades

TeamSize = Annotated[int, Field(ge=1, le=TEAM_SIZE_MAX), BeforeValidator(read_integral)]

PROFILE: Final[dict[str, Any]] = {
    "name": "Norman Cochran",
    "company_name": "Cochran Remodeling",
    "phone": "+1 607 555 0117",
    "city": "South Eric",
    "state": "WA",
    "trades": ["remodeling", "kitchens"],
    "needs": ["financing", "marketing"],
    "revenue": "500k_to_2m",
    "team_size": 12,
}


class ContractorProfileOut(ResponseModel):
    """A contractor as it sees itself. City and state are empty until it has said them."""

    model_config = described({"id": 1, **PROFILE, "email": "contractor.one@example.test", "is_active": True, "version": 1})

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    trades: list[Trade]
    needs: list[Need]
    revenue: Revenue | None
    team_size: int | None
    is_active: bool
    version: Version


class ContractorAnswer(ResponseModel):
    """A contractor."""

    success: Literal[True] = True
    contractor: ContractorProfileOut


class ChangeProfileRequest(RequestModel):
    """All that a contractor says about itself; what it looks for decides which partners it is introduced to."""

    model_config = described({**PROFILE, "version": 1})

    name: Line
    company_name: Line
    phone: Phone
    city: Line
    state: State
    trades: Trades
    needs: Needs
    revenue: RevenueText | None
    team_size: TeamSize | None
    version: VersionNumber | None = Field(None, description="The version that was read, when not sent as If-Match.")

    def profile(self) -> ContractorProfile:
        """Give what it says."""
        return ContractorProfile(
            name=self.name,
            company_name=self.company_name,
            phone=self.phone,
            city=self.city,
            state=self.state,
            trades=tuple(self.trades),
            needs=tuple(self.needs),
            revenue=self.revenue,
            team_size=self.team_size,
        )


class MatchedPartnerOut(ResponseModel):
    """A partner that a contractor was introduced to."""

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str


class MatchOut(ResponseModel):
    """An introduction: which partner, how well it fits, and a reason for each part of the score."""

    model_config = described(
        {
            "id": 1,
            "partner": {
                "id": 1,
                "company_name": "Choi Finance",
                "contact_name": "Robert Choi",
                "email": "partner.one@example.test",
                "phone": "+1 618 555 0106",
                "website": "https://partner1.example.test",
            },
            "match_score": 90,
            "match_reasons": ["Offers financing and marketing", "Works in WA", "Works with businesses of this size"],
            "is_primary_match": True,
            "created_at": "2026-03-02T09:30:00Z",
        }
    )

    id: int
    partner: MatchedPartnerOut
    match_score: int = Field(ge=0, le=100)
    match_reasons: list[str]
    is_primary_match: bool
    created_at: datetime


class MatchesAnswer(ResponseModel):
    """The partners that a contractor was introduced to, its primary one first; at most 2."""

    success: Literal[True] = True
    matches: list[MatchOut] = Field(max_length=MATCHES_MAX)

    @classmethod
    def of(cls, matches: Sequence[Match]) -> Self:
        """Make the body from matches."""
        return cls(matches=[_match(match) for match in matches])


def _match(match: Match) -> MatchOut:
    return MatchOut(
        id=match.id,
        partner=MatchedPartnerOut(
            id=match.partner_id,
            company_name=match.company_name,
            contact_name=match.contact_name,
            email=match.email,
            phone=match.phone,
            website=match.website,
        ),
        match_score=match.match_score,
        match_reasons=list(match.match_reasons),
        is_primary_match=match.is_primary_match,
        created_at=match.created_at,
    )


class VerifyStartRequest(RequestModel):
    """Who wants to register, and the phone that gets the code."""

    model_config = described(
        {
            "name": "Contractor Four",
            "email": "contractor.four@example.test",
            "phone": "+1 202 555 0104",
            "company_name": "Four Roofing",
        }
    )

    name: Line
    email: Email
    phone: Phone
    company_name: Line

    def applicant(self) -> Applicant:
        """Give who applies."""
        return Applicant(self.name, self.email, self.phone, self.company_name)


class CodeSent(ResponseModel):
    """Where to send the code to; the same for an address that has an account."""

    model_config = described(
        {"success": True, "verification_id": "5f0c2a52-6d1e-4f7b-9a53-0d4a8f3f2b61", "message": "A code is on its way."}
    )

    success: Literal[True] = True
    verification_id: UUID
    message: str


class VerifyCodeRequest(RequestModel):
    """The code that came to the phone, and the password of the account to be made."""

    model_config = described(
        {"verification_id": "5f0c2a52-6d1e-4f7b-9a53-0d4a8f3f2b61", "code": "204816", "password": "Choose1OfYourOwn"}
    )

    verification_id: Annotated[str, Field(pattern=UUID_TEXT, description="From verify-start.")]
    code: Annotated[str, Field(pattern=rf"^[0-9]{{{CODE_DIGITS}}}$")]
    password: NewPassword
