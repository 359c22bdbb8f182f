"""Who may call a route of the API: dependencies that give the caller or refuse it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tpe.auth.identity import Identity, Role
from tpe.auth.service import identity_of_token
from tpe.auth.tokens import TokenClaims
from tpe.context import Platform, PlatformDep
from tpe.infra.problems import BadRequestError, FieldError, ForbiddenError, UnauthenticatedError
from tpe.infra.schemas import IdText
from tpe.leads.service import require_partner

PARTNER_TOKEN = HTTPBearer(
    scheme_name="partnerToken", bearerFormat="JWT", auto_error=False, description="From POST /api/partner-auth/login."
)
CONTRACTOR_TOKEN = HTTPBearer(
    scheme_name="contractorToken", bearerFormat="JWT", auto_error=False, description="From POST /api/contractor-auth/login."
)
ADMIN_TOKEN = HTTPBearer(scheme_name="adminToken", bearerFormat="JWT", auto_error=False, description="From POST /api/auth/login.")

Credentials = HTTPAuthorizationCredentials | None


@dataclass(frozen=True, slots=True)
class Caller:
    """An identity and the token that proved it."""

    identity: Identity
    claims: TokenClaims


async def caller_of(platform: Platform, credentials: Credentials, *roles: Role) -> Caller:
    """Give the caller; UnauthenticatedError without a valid token, ForbiddenError when it is of none of ``roles``."""
    if credentials is None:
        raise UnauthenticatedError
    claims = platform.tokens.read(credentials.credentials)
    identity = await identity_of_token(platform.db, claims)
    if identity.role not in roles:
        raise ForbiddenError
    return Caller(identity, claims)


async def partner_caller(platform: PlatformDep, credentials: Annotated[Credentials, Security(PARTNER_TOKEN)]) -> Caller:
    """Admit partners only."""
    return await caller_of(platform, credentials, Role.PARTNER)


async def contractor_caller(platform: PlatformDep, credentials: Annotated[Credentials, Security(CONTRACTOR_TOKEN)]) -> Caller:
    """Admit contractors only."""
    return await caller_of(platform, credentials, Role.CONTRACTOR)


async def admin_caller(platform: PlatformDep, credentials: Annotated[Credentials, Security(ADMIN_TOKEN)]) -> Caller:
    """Admit administrators only."""
    return await caller_of(platform, credentials, Role.ADMIN)


async def any_caller(
    platform: PlatformDep,
    as_partner: Annotated[Credentials, Security(PARTNER_TOKEN)],
    as_admin: Annotated[Credentials, Security(ADMIN_TOKEN)],
) -> Caller:
    """Admit partners and administrators."""
    return await caller_of(platform, as_partner or as_admin, Role.PARTNER, Role.ADMIN)


PartnerId = Annotated[
    IdText | None,
    Query(description="Whose leads: an administrator must say, a partner may name itself only.", examples=[1]),
]


async def portal_partner(
    platform: PlatformDep, caller: Annotated[Caller, Depends(any_caller)], partner_id: PartnerId = None
) -> int:
    """Give the partner whose portal is read.

    A partner reads its own (ForbiddenError when it names another); an administrator must name one (BadRequestError
    without, NotFoundError when it does not exist).
    """
    if caller.identity.role is Role.PARTNER:
        if partner_id not in (None, caller.identity.account_id):
            raise ForbiddenError("A partner may read its own leads only.")
        return caller.identity.account_id
    if partner_id is None:
        errors = [FieldError("query", "partner_id", "is required for administrators")]
        raise BadRequestError("Say which partner's leads you mean.", errors=errors)
    await require_partner(platform.db, partner_id)
    return partner_id


PartnerCaller = Annotated[Caller, Depends(partner_caller)]
ContractorCaller = Annotated[Caller, Depends(contractor_caller)]
AdminCaller = Annotated[Caller, Depends(admin_caller)]
PortalPartner = Annotated[int, Depends(portal_partner)]
