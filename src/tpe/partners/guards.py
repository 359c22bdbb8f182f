"""Which partner a route may show or change, for whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from tpe.auth.guards import Caller, PartnerCaller, any_caller
from tpe.auth.identity import Role
from tpe.infra.schemas import IdText
from tpe.partners.errors import PartnerNotFoundError

PartnerPath = Annotated[IdText, Path(description="The partner's id.", examples=[1])]


async def own_partner(caller: PartnerCaller, partner_id: PartnerPath) -> int:
    """Give the caller's own id; PartnerNotFoundError when the address names another partner, as if it did not exist."""
    if partner_id != caller.identity.account_id:
        raise PartnerNotFoundError
    return partner_id


async def shown_partner(caller: Annotated[Caller, Depends(any_caller)], partner_id: PartnerPath) -> int:
    """Give the partner that is read: a partner reads itself (PartnerNotFoundError else), an administrator anybody."""
    if caller.identity.role is Role.PARTNER:
        return await own_partner(caller, partner_id)
    return partner_id


OwnPartner = Annotated[int, Depends(own_partner)]
ShownPartner = Annotated[int, Depends(shown_partner)]
