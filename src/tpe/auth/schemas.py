"""Bodies of the log-in operations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tpe.auth.identity import Role
from tpe.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from tpe.contractors.schemas import ContractorProfileOut
from tpe.infra.schemas import NO_NUL, RequestModel, ResponseModel, described
from tpe.partners.schemas import PartnerOut

EMAIL_LENGTH_MAX = 254
"""RFC 5321's longest forward path, without its brackets."""

# The pattern is printable ASCII around one "@", without classes such as \s that regular expressions disagree on.
Email = Annotated[
    str,
    Field(min_length=3, max_length=EMAIL_LENGTH_MAX, pattern=r"^[!-?A-~]+@[!-?A-~]+$", examples=["partner.one@example.test"]),
]
Password = Annotated[
    str, Field(min_length=1, max_length=PASSWORD_LENGTH_MAX, pattern=NO_NUL, json_schema_extra={"format": "password"})
]
NewPassword = Annotated[
    str,
    Field(
        min_length=PASSWORD_LENGTH_MIN,
        max_length=PASSWORD_LENGTH_MAX,
        pattern=NO_NUL,
        description="With a lower-case letter, an upper-case letter and a digit, and not the current one.",
        json_schema_extra={"format": "password"},
    ),
]


class LogInRequest(RequestModel):
    """Credentials of an account."""

    email: Email
    password: Password


class ChangePasswordRequest(RequestModel):
    """The current and the wanted password of the caller."""

    current_password: Password
    new_password: NewPassword


class PartnerLoggedIn(ResponseModel):
    """A new token and whose it is."""

    success: Literal[True] = True
    token: str
    partner: PartnerOut


class PartnerProfile(ResponseModel):
    """The caller's own account."""

    success: Literal[True] = True
    partner: PartnerOut


class ContractorLoggedIn(ResponseModel):
    """A new token and whose it is."""

    success: Literal[True] = True
    token: str
    contractor: ContractorProfileOut


class ContractorProfile(ResponseModel):
    """The caller's own account."""

    success: Literal[True] = True
    contractor: ContractorProfileOut


class AdminOut(ResponseModel):
    """An administrator."""

    model_config = described({"id": 1, "name": "Admin One", "email": "admin.one@example.test", "role": "admin"})

    id: int
    name: str
    email: str
    role: Literal[Role.ADMIN]


class AdminLoggedIn(ResponseModel):
    """A new token and whose it is."""

    success: Literal[True] = True
    token: str
    user: AdminOut


class AdminProfile(ResponseModel):
    """The caller's own account."""

    success: Literal[True] = True
    user: AdminOut


class Done(ResponseModel):
    """It is done; there is nothing else to say."""

    success: Literal[True] = True
    message: str
