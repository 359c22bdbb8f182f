"""Log-in and own account: /api/partner-auth for partners, /api/contractor-auth for contractors, /api/auth for administrators."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from tpe.auth.guards import AdminCaller, ContractorCaller, PartnerCaller
from tpe.auth.identity import Identity, Role
from tpe.auth.schemas import (
    AdminLoggedIn,
    AdminOut,
    AdminProfile,
    ChangePasswordRequest,
    ContractorLoggedIn,
    ContractorProfile,
    Done,
    LogInRequest,
    PartnerLoggedIn,
    PartnerProfile,
)
from tpe.auth.service import revoke_token
from tpe.context import PlatformDep
from tpe.contractors.schemas import ContractorProfileOut
from tpe.contractors.service import contractor_profile
from tpe.infra.clients import ClientDep
from tpe.infra.documentation import BODY_STATUSES, responses
from tpe.infra.routing import ApiRoute
from tpe.partners.schemas import PartnerOut
from tpe.partners.service import partner_profile

partner_router = APIRouter(prefix="/api/partner-auth", tags=["partner-auth"], route_class=ApiRoute)
contractor_router = APIRouter(prefix="/api/contractor-auth", tags=["contractor-auth"], route_class=ApiRoute)
admin_router = APIRouter(prefix="/api/auth", tags=["auth"], route_class=ApiRoute)


@partner_router.post(
    "/login", operation_id="partnerLogIn", summary="Log in as a partner", responses=responses(*BODY_STATUSES, 401, 503)
)
async def partner_log_in(platform: PlatformDep, client: ClientDep, body: LogInRequest) -> PartnerLoggedIn:
    """Give a bearer token for a partner's e-mail and password."""
    identity = await platform.attempts.log_in(client, Role.PARTNER, body.email, body.password)
    partner = await partner_profile(platform.db, identity.account_id)
    return PartnerLoggedIn(token=platform.tokens.make(identity), partner=PartnerOut.model_validate(partner))


@partner_router.post(
    "/logout",
    operation_id="partnerLogOut",
    summary="End the token that this request carries",
    responses=responses(400, 401, 403, 503),
)
async def partner_log_out(platform: PlatformDep, caller: PartnerCaller) -> Done:
    """Revoke the caller's token; its other tokens stay."""
    await revoke_token(platform.db, caller.claims)
    return Done(message="You are logged out.")


@partner_router.get(
    "/profile", operation_id="partnerProfile", summary="The caller's own account", responses=responses(400, 401, 403, 503)
)
async def profile(platform: PlatformDep, caller: PartnerCaller) -> PartnerProfile:
    """Give the partner whose token this is."""
    partner = await partner_profile(platform.db, caller.identity.account_id)
    return PartnerProfile(partner=PartnerOut.model_validate(partner))


@partner_router.put(
    "/change-password",
    operation_id="partnerChangePassword",
    summary="Set a new password and end all tokens and sessions",
    responses=responses(*BODY_STATUSES, 401, 403, 503),
)
async def change_partner_password(platform: PlatformDep, caller: PartnerCaller, body: ChangePasswordRequest) -> Done:
    """Change the caller's password; every token and session made before is refused from now on, this one included."""
    await platform.attempts.change_password(caller.identity, body.current_password, body.new_password)
    return Done(message="The password is changed. Please log in again.")


@contractor_router.post(
    "/login", operation_id="contractorLogIn", summary="Log in as a contractor", responses=responses(*BODY_STATUSES, 401, 503)
)
async def contractor_log_in(platform: PlatformDep, client: ClientDep, body: LogInRequest) -> ContractorLoggedIn:
    """Give a bearer token for a contractor's e-mail and password."""
    identity = await platform.attempts.log_in(client, Role.CONTRACTOR, body.email, body.password)
    contractor = await contractor_profile(platform.db, identity.account_id)
    return ContractorLoggedIn(token=platform.tokens.make(identity), contractor=ContractorProfileOut.model_validate(contractor))


@contractor_router.post(
    "/logout",
    operation_id="contractorLogOut",
    summary="End the token that this request carries",
    responses=responses(400, 401, 403, 503),
)
async def contractor_log_out(platform: PlatformDep, caller: ContractorCaller) -> Done:
    """Revoke the caller's token; its other tokens stay."""
    await revoke_token(platform.db, caller.claims)
    return Done(message="You are logged out.")


@contractor_router.get(
    "/profile", operation_id="contractorProfile", summary="The caller's own account", responses=responses(400, 401, 403, 503)
)
async def own_contractor_profile(platform: PlatformDep, caller: ContractorCaller) -> ContractorProfile:
    """Give the contractor whose token this is."""
    contractor = await contractor_profile(platform.db, caller.identity.account_id)
    return ContractorProfile(contractor=ContractorProfileOut.model_validate(contractor))


@contractor_router.put(
    "/change-password",
    operation_id="contractorChangePassword",
    summary="Set a new password and end all tokens and sessions",
    responses=responses(*BODY_STATUSES, 401, 403, 503),
)
async def change_contractor_password(platform: PlatformDep, caller: ContractorCaller, body: ChangePasswordRequest) -> Done:
    """Change the caller's password; every token and session made before is refused from now on, this one included."""
    await platform.attempts.change_password(caller.identity, body.current_password, body.new_password)
    return Done(message="The password is changed. Please log in again.")


@admin_router.post(
    "/login", operation_id="adminLogIn", summary="Log in as an administrator", responses=responses(*BODY_STATUSES, 401, 503)
)
async def admin_log_in(platform: PlatformDep, client: ClientDep, body: LogInRequest) -> AdminLoggedIn:
    """Give a bearer token for an administrator's e-mail and password."""
    identity = await platform.attempts.log_in(client, Role.ADMIN, body.email, body.password)
    return AdminLoggedIn(token=platform.tokens.make(identity), user=_admin(identity))


@admin_router.post(
    "/logout",
    operation_id="adminLogOut",
    summary="End the token that this request carries",
    responses=responses(400, 401, 403, 503),
)
async def admin_log_out(platform: PlatformDep, caller: AdminCaller) -> Done:
    """Revoke the caller's token; its other tokens stay."""
    await revoke_token(platform.db, caller.claims)
    return Done(message="You are logged out.")


@admin_router.get("/me", operation_id="adminProfile", summary="The caller's own account", responses=responses(400, 401, 403, 503))
async def me(caller: AdminCaller) -> AdminProfile:
    """Give the administrator whose token this is."""
    return AdminProfile(user=_admin(caller.identity))


def _admin(identity: Identity) -> AdminOut:
    role: Literal[Role.ADMIN] = Role.ADMIN
    return AdminOut(id=identity.account_id, name=identity.name, email=identity.email, role=role)
