"""Bodies about accounts as administrators see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from tpe.admin.accounts import ContractorAccount, Found, PartnerAccount
from tpe.infra.paging import Page
from tpe.infra.schemas import NO_NUL, RequestModel, ResponseModel, Version, VersionNumber, described
from tpe.leads.bulk_schemas import SEARCH_LENGTH_MAX
from tpe.leads.schemas import Pagination

Search = Annotated[str, Field(max_length=SEARCH_LENGTH_MAX, pattern=NO_NUL)]


class PartnerAccountOut(ResponseModel):
    """A partner as administrators see it."""

    model_config = described(
        {
            "id": 1,
            "company_name": "Choi Finance",
            "contact_name": "Robert Choi",
            "email": "partner.one@example.test",
            "phone": "+1 618 555 0106",
            "is_active": True,
            "leads": 100,
            "version": 1,
            "created_at": "2024-11-02T09:30:00Z",
        }
    )

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    is_active: bool
    leads: int
    version: Version
    created_at: datetime


class ContractorAccountOut(ResponseModel):
    """A contractor as administrators see it. Without an account it was recorded and has not registered."""

    model_config = described(
        {
            "id": 1,
            "name": "Norman Cochran",
            "company_name": "Cochran Remodeling",
            "email": "contractor.one@example.test",
            "phone": "+1 607 555 0117",
            "city": "South Eric",
            "state": "WA",
            "has_account": True,
            "is_active": True,
            "created_at": "2024-11-02T09:30:00Z",
        }
    )

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    has_account: bool
    is_active: bool
    created_at: datetime


class PartnersAnswer(ResponseModel):
    """One page of partners, the newest first."""

    success: Literal[True] = True
    partners: list[PartnerAccountOut]
    pagination: Pagination

    @classmethod
    def of(cls, accounts: Sequence[PartnerAccount], total: int, page: Page) -> Self:
        """Make the body from a page."""
        partners = [PartnerAccountOut.model_validate(account) for account in accounts]
        return cls(partners=partners, pagination=pagination_of(total, page))


class ContractorsAnswer(ResponseModel):
    """One page of contractors, the newest first."""

    success: Literal[True] = True
    contractors: list[ContractorAccountOut]
    pagination: Pagination

    @classmethod
    def of(cls, accounts: Sequence[ContractorAccount], total: int, page: Page) -> Self:
        """Make the body from a page."""
        contractors = [ContractorAccountOut.model_validate(account) for account in accounts]
        return cls(contractors=contractors, pagination=pagination_of(total, page))


class PartnerAccountAnswer(ResponseModel):
    """A partner as it is after the decision."""

    success: Literal[True] = True
    partner: PartnerAccountOut


class ApproveRequest(RequestModel):
    """Whether the partner may log in and is matched."""

    model_config = described({"is_active": True, "version": 1})

    is_active: bool
    version: VersionNumber | None = Field(None, description="The version that was read, when not sent as If-Match.")


class ExportPartnersRequest(RequestModel):
    """Which partners to export; without a member all of them."""

    model_config = described({"search": "choi", "is_active": True})

    search: Search | None = None
    is_active: bool | None = None

    def found(self) -> Found:
        """Give the filter."""
        return Found(self.search or None, self.is_active)


class ExportContractorsRequest(RequestModel):
    """Which contractors to export; without a member the newest 10,000."""

    model_config = described({"search": "cochran"})

    search: Search | None = None

    def found(self) -> Found:
        """Give the filter."""
        return Found(self.search or None)


def pagination_of(total: int, page: Page) -> Pagination:
    """Give where a page stands."""
    return Pagination(page=page.number, limit=page.limit, total=total, totalPages=page.pages_for(total))
