"""Bodies about contractors."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from tpe.auth.credentials import Email, NewPassword
from tpe.contractors.registration import CODE_DIGITS, Applicant
from tpe.infra.schemas import UUID_TEXT, Line, Phone, RequestModel, ResponseModel, described


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
