"""Bodies about partners."""

from __future__ import annotations

from tpe.infra.schemas import ResponseModel, described


class PartnerOut(ResponseModel):
    """A partner as it sees itself."""

    model_config = described(
        {
            "id": 1,
            "company_name": "Choi Supply",
            "contact_name": "Robert Choi",
            "email": "partner.one@example.test",
            "phone": "+1 618 555 0106",
            "website": "https://partner1.example.test",
            "is_active": True,
        }
    )

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    is_active: bool
