"""The partners' API: what a partner says about itself."""

from __future__ import annotations

from fastapi import APIRouter, Response

from tpe.context import PlatformDep
from tpe.infra.documentation import BODY_STATUSES, etag_header, responses
from tpe.infra.routing import ApiRoute
from tpe.infra.versions import IfMatch, entity_tag, named_version
from tpe.partners.guards import OwnPartner, ShownPartner
from tpe.partners.schemas import ChangePartnerRequest, PartnerAnswer, PartnerOut
from tpe.partners.service import change_partner_profile, partner_profile

router = APIRouter(prefix="/api/partners", tags=["partners"], route_class=ApiRoute)


@router.get(
    "/{partner_id}",
    operation_id="getPartner",
    summary="A partner's profile",
    responses={200: etag_header(), **responses(400, 401, 403, 404, 503)},
)
async def get_partner(platform: PlatformDep, partner_id: ShownPartner, response: Response) -> PartnerAnswer:
    """Give a partner; its ETag is the version that a write must name."""
    partner = await partner_profile(platform.db, partner_id)
    response.headers["ETag"] = entity_tag(partner.version)
    return PartnerAnswer(partner=PartnerOut.model_validate(partner))


@router.put(
    "/{partner_id}",
    operation_id="changePartner",
    summary="Set a partner's profile",
    responses={200: etag_header(), **responses(*BODY_STATUSES, 401, 403, 404, 412, 428, 503)},
)
async def change_partner(
    platform: PlatformDep, partner_id: OwnPartner, body: ChangePartnerRequest, response: Response, if_match: IfMatch = None
) -> PartnerAnswer:
    """Write the profile, when it is still at the version named; contractors are matched by it from now on."""
    version = named_version(if_match, body.version)
    partner = await change_partner_profile(platform.db, partner_id, body.profile(), version=version)
    response.headers["ETag"] = entity_tag(partner.version)
    return PartnerAnswer(partner=PartnerOut.model_validate(partner))
