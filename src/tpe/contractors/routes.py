"""The contractors' API: registration, profile, matches."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from tpe.auth.schemas import ContractorLoggedIn
from tpe.context import PlatformDep
from tpe.contractors.guards import OwnContractor, ShownContractor
from tpe.contractors.registration import finish_registration, start_registration
from tpe.contractors.schemas import (
    ChangeProfileRequest,
    CodeSent,
    ContractorAnswer,
    ContractorProfileOut,
    MatchesAnswer,
    VerifyCodeRequest,
    VerifyStartRequest,
)
from tpe.contractors.service import change_profile, contractor_profile
from tpe.infra.documentation import BODY_STATUSES, etag_header, responses
from tpe.infra.routing import ApiRoute
from tpe.infra.versions import IfMatch, entity_tag, named_version
from tpe.matching.service import matches_of

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


@router.get(
    "/{contractor_id:id}",
    operation_id="getContractor",
    summary="A contractor's profile",
    responses={200: etag_header(), **responses(400, 401, 403, 404, 503)},
)
async def get_contractor(platform: PlatformDep, contractor_id: ShownContractor, response: Response) -> ContractorAnswer:
    """Give a contractor; its ETag is the version that a write must name."""
    contractor = await contractor_profile(platform.db, contractor_id)
    response.headers["ETag"] = entity_tag(contractor.version)
    return ContractorAnswer(contractor=ContractorProfileOut.model_validate(contractor))


@router.put(
    "/{contractor_id:id}",
    operation_id="changeContractor",
    summary="Set a contractor's profile and make its matches",
    responses={200: etag_header(), **responses(*BODY_STATUSES, 401, 403, 404, 412, 428, 503)},
)
async def change_contractor(
    platform: PlatformDep,
    contractor_id: OwnContractor,
    body: ChangeProfileRequest,
    response: Response,
    if_match: IfMatch = None,
) -> ContractorAnswer:
    """Write the profile, when it is still at the version named; introduce the contractor to the partners that fit best.

    A contractor has two matches at most, and those that were made stay.
    """
    version = named_version(if_match, body.version)
    contractor = await change_profile(platform.db, contractor_id, body.profile(), version=version)
    response.headers["ETag"] = entity_tag(contractor.version)
    return ContractorAnswer(contractor=ContractorProfileOut.model_validate(contractor))


@router.get(
    "/{contractor_id}/matches",
    operation_id="listMatches",
    summary="The partners that a contractor was introduced to",
    responses=responses(400, 401, 403, 404, 503),
)
async def list_matches(platform: PlatformDep, contractor_id: ShownContractor) -> MatchesAnswer:
    """Give at most two partners with the score and its reasons."""
    return MatchesAnswer.of(await matches_of(platform.db, contractor_id))
