"""What contractors are, for the API and the pages alike."""

from __future__ import annotations

from tpe.contractors import queries
from tpe.contractors.errors import ContractorNotFoundError
from tpe.contractors.model import Contractor
from tpe.infra.db import Database, fetch_one


async def contractor_profile(db: Database, contractor_id: int) -> Contractor:
    """Give a contractor; ContractorNotFoundError when there is none."""
    async with db.connection() as connection:
        contractor = await fetch_one(connection, Contractor, queries.CONTRACTOR_BY_ID, {"contractor_id": contractor_id})
    if contractor is None:
        raise ContractorNotFoundError
    return contractor
