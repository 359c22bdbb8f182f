"""What partners are."""

from __future__ import annotations

from tpe.infra.db import Database, fetch_one
from tpe.partners import queries
from tpe.partners.errors import PartnerNotFoundError
from tpe.partners.model import Partner


async def partner_profile(db: Database, partner_id: int) -> Partner:
    """Give a partner; PartnerNotFoundError when there is none."""
    async with db.connection() as connection:
        partner = await fetch_one(connection, Partner, queries.PARTNER_BY_ID, {"partner_id": partner_id})
    if partner is None:
        raise PartnerNotFoundError
    return partner
