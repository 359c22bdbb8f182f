"""Which contractor a route may show or change, for whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Security

from tpe.auth.guards import ADMIN_TOKEN, CONTRACTOR_TOKEN, Caller, ContractorCaller, Credentials, caller_of
from tpe.auth.identity import Role
from tpe.context import PlatformDep
from tpe.contractors import queries
from tpe.contractors.errors import ContractorNotFoundError
from tpe.infra.db import fetch_value
from tpe.infra.schemas import IdText

ContractorId = Annotated[IdText, Path(description="The contractor's id.", examples=[1])]


async def reader(
    platform: PlatformDep,
    as_contractor: Annotated[Credentials, Security(CONTRACTOR_TOKEN)],
    as_admin: Annotated[Credentials, Security(ADMIN_TOKEN)],
) -> Caller:
    """Admit contractors and administrators."""
    return await caller_of(platform, as_contractor or as_admin, Role.CONTRACTOR, Role.ADMIN)


async def own_contractor(caller: ContractorCaller, contractor_id: ContractorId) -> int:
    """Give the caller's own id; ContractorNotFoundError when the address names another contractor, as if it did not exist."""
    if contractor_id != caller.identity.account_id:
        raise ContractorNotFoundError
    return contractor_id


async def shown_contractor(platform: PlatformDep, caller: Annotated[Caller, Depends(reader)], contractor_id: ContractorId) -> int:
    """Give the contractor that is read: a contractor reads itself, an administrator anybody; ContractorNotFoundError else."""
    if caller.identity.role is Role.CONTRACTOR:
        return await own_contractor(caller, contractor_id)
    async with platform.db.connection() as connection:
        if not await fetch_value(connection, queries.CONTRACTOR_EXISTS, {"contractor_id": contractor_id}):
            raise ContractorNotFoundError
    return contractor_id


OwnContractor = Annotated[int, Depends(own_contractor)]
ShownContractor = Annotated[int, Depends(shown_contractor)]
