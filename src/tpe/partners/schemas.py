"""Bodies about partners."""

from __future__ import annotations

from tpe.infra.schemas import ResponseModel


class PartnerOut(ResponseModel):
    """A partner as it sees itself."""

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    is_active: bool
