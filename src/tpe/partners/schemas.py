"""Bodies about partners."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from tpe.infra.schemas import Line, Phone, RequestModel, ResponseModel, State, Unique, Version, VersionNumber, described
from tpe.matching.model import Need, Revenue, Trade
from tpe.matching.schemas import UNIQUE, Needs, Revenues, Trades
from tpe.partners.model import STATES_MAX, WEBSITE, WEBSITE_LENGTH_MAX, PartnerProfile

Website = Annotated[str, Field(max_length=WEBSITE_LENGTH_MAX, pattern=WEBSITE)]
States = Annotated[list[State], Field(max_length=STATES_MAX, json_schema_extra=UNIQUE), Unique]

PROFILE: Final[dict[str, Any]] = {
    "company_name": "Choi Finance",
    "contact_name": "Robert Choi",
    "phone": "+1 618 555 0106",
    "website": "https://partner1.example.test",
    "states": ["OR", "WA"],
    "trades": [],
    "needs": ["financing"],
    "revenues": ["500k_to_2m", "2m_to_10m"],
}


class PartnerOut(ResponseModel):
    """A partner as it sees itself. No states, trades or revenues means that it works with all of them."""

    model_config = described({"id": 1, **PROFILE, "email": "partner.one@example.test", "is_active": True, "version": 1})

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    states: list[str]
    trades: list[Trade]
    needs: list[Need]
    revenues: list[Revenue]
    is_active: bool
    version: Version


class PartnerAnswer(ResponseModel):
    """A partner."""

    success: Literal[True] = True
    partner: PartnerOut


class ChangePartnerRequest(RequestModel):
    """All that a partner says about itself; ``needs`` is what it offers of what contractors look for."""

    model_config = described({**PROFILE, "version": 1})

    company_name: Line
    contact_name: Line
    phone: Phone
    website: Website
    states: States
    trades: Trades
    needs: Needs
    revenues: Revenues
    version: VersionNumber | None = Field(None, description="The version that was read, when not sent as If-Match.")

    def profile(self) -> PartnerProfile:
        """Give what it says."""
        return PartnerProfile(
            company_name=self.company_name,
            contact_name=self.contact_name,
            phone=self.phone,
            website=self.website,
            states=tuple(self.states),
            trades=tuple(self.trades),
            needs=tuple(self.needs),
            revenues=tuple(self.revenues),
        )
