"""What partners are and say about themselves, for the API and the pages alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tpe.infra.db import Connection, Database, fetch_one
from tpe.infra.problems import PreconditionFailedError
from tpe.matching.model import Need, Revenue, Trade
from tpe.partners import queries
from tpe.partners.errors import PartnerNotFoundError
from tpe.partners.model import Partner, PartnerProfile


@dataclass(frozen=True, slots=True)
class _PartnerRow:
    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    states: list[str]
    trades: list[str]
    needs: list[str]
    revenues: list[str]
    is_active: bool
    version: int

    def partner(self) -> Partner:
        return Partner(
            id=self.id,
            company_name=self.company_name,
            contact_name=self.contact_name,
            email=self.email,
            phone=self.phone,
            website=self.website,
            states=tuple(self.states),
            trades=tuple(Trade(trade) for trade in self.trades),
            needs=tuple(Need(need) for need in self.needs),
            revenues=tuple(Revenue(revenue) for revenue in self.revenues),
            is_active=self.is_active,
            version=self.version,
        )


async def partner_profile(db: Database, partner_id: int) -> Partner:
    """Give a partner; PartnerNotFoundError when there is none."""
    async with db.connection() as connection:
        return await _partner(connection, partner_id)


async def change_partner_profile(db: Database, partner_id: int, profile: PartnerProfile, *, version: int) -> Partner:
    """Set what a partner says about itself; contractors that are matched from now on are matched by it.

    PartnerNotFoundError when there is none; PreconditionFailedError when it was written since ``version``.
    """
    async with db.transaction() as connection:
        row = await fetch_one(connection, _PartnerRow, queries.CHANGE_PROFILE, _values(partner_id, profile, version))
        if row is None:
            await _partner(connection, partner_id)
            raise PreconditionFailedError
    return row.partner()


async def _partner(connection: Connection, partner_id: int) -> Partner:
    row = await fetch_one(connection, _PartnerRow, queries.PARTNER_BY_ID, {"partner_id": partner_id})
    if row is None:
        raise PartnerNotFoundError
    return row.partner()


def _values(partner_id: int, profile: PartnerProfile, version: int) -> dict[str, Any]:
    return {
        "partner_id": partner_id,
        "version": version,
        "company_name": profile.company_name,
        "contact_name": profile.contact_name,
        "phone": profile.phone,
        "website": profile.website,
        "states": list(profile.states),
        "trades": [trade.value for trade in profile.trades],
        "needs": [need.value for need in profile.needs],
        "revenues": [revenue.value for revenue in profile.revenues],
    }
