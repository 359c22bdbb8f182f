"""The contractors' API: registration."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from tpe.auth.schemas import ContractorLoggedIn
from tpe.context import PlatformDep
from tpe.contractors.registration import finish_registration, start_registration
from tpe.contractors.schemas import CodeSent, ContractorProfileOut, VerifyCodeRequest, VerifyStartRequest
from tpe.contractors.service import contractor_profile
from tpe.infra.documentation import BODY_STATUSES, responses
from tpe.infra.routing import ApiRoute

router = APIRouter(prefix="/api/contractors", tags=["contractors"], route_class=ApiRoute)


@router.post(
    "/verify-start",
    status_code=202,
    operation_id="startRegistration",
    summary="Ask for a code to register with",
    responses=responses(*BODY_STATUSES, 429, 503),
)
async def start(platform: PlatformDep, body: VerifyStartRequest) -> CodeSent:
    """Send a six-digit code to the phone. The answer is the same whether the e-mail address has an account or not."""
    registration = await start_registration(platform.db, platform.passwords, platform.messages, body.applicant())
    return CodeSent(
        verification_id=registration, message="If this phone can be reached, it gets a code that is valid for 10 minutes."
    )


@router.post(
    "/verify-code",
    status_code=201,
    operation_id="finishRegistration",
    summary="Finish a registration with its code",
    responses=responses(*BODY_STATUSES, 503),
)
async def finish(platform: PlatformDep, body: VerifyCodeRequest) -> ContractorLoggedIn:
    """Make the account, with the password chosen, and log it in. A code works once and is locked after five tries."""
    identity = await finish_registration(platform.db, platform.passwords, UUID(body.verification_id), body.code, body.password)
    contractor = await contractor_profile(platform.db, identity.account_id)
    return ContractorLoggedIn(token=platform.tokens.make(identity), contractor=ContractorProfileOut.model_validate(contractor))
