"""Bodies about contractors."""

from __future__ import annotations

from tpe.infra.schemas import ResponseModel, described


class ContractorProfileOut(ResponseModel):
    """A contractor as it sees itself."""

    model_config = described(
        {
            "id": 1,
            "name": "Norman Cochran",
            "company_name": "Cochran Remodeling",
            "email": "contractor.one@example.test",
            "phone": "+1 607 555 0117",
            "city": "South Eric",
            "state": "WA",
            "is_active": True,
        }
    )

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    is_active: bool
