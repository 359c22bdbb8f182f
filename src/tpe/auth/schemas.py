"""Bodies of the log-in operations."""

from __future__ import annotations

from typing import Literal

from tpe.auth.credentials import Email, NewPassword, Password
from tpe.auth.identity import Role
from tpe.contractors.schemas import ContractorProfileOut
from tpe.infra.schemas import RequestModel, ResponseModel, described
from tpe.partners.schemas import PartnerOut


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
