"""What contractors are and say about themselves, for the API and the pages alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tpe.contractors import queries
from tpe.contractors.errors import ContractorNotFoundError
from tpe.contractors.model import Contractor, ContractorProfile
from tpe.infra.db import Connection, Database, fetch_one
from tpe.infra.problems import PreconditionFailedError
from tpe.matching.model import Need, Revenue, Trade
from tpe.matching.service import make_matches


@dataclass(frozen=True, slots=True)
class _ContractorRow:
    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    trades: list[str]
    needs: list[str]
    revenue: str | None
    team_size: int | None
    is_active: bool
    version: int

    def contractor(self) -> Contractor:
        return Contractor(
            id=self.id,
            name=self.name,
            company_name=self.company_name,
            email=self.email,
            phone=self.phone,
            city=self.city,
            state=self.state,
            trades=tuple(Trade(trade) for trade in self.trades),
            needs=tuple(Need(need) for need in self.needs),
            revenue=Revenue(self.revenue) if self.revenue else None,
            team_size=self.team_size,
            is_active=self.is_active,
            version=self.version,
        )


async def contractor_profile(db: Database, contractor_id: int) -> Contractor:
    """Give a contractor; ContractorNotFoundError when there is none."""
    async with db.connection() as connection:
        return await _contractor(connection, contractor_id)


async def change_profile(db: Database, contractor_id: int, profile: ContractorProfile, *, version: int) -> Contractor:
    """Set what a contractor says about itself, and introduce it to the partners that fit best now.

    ContractorNotFoundError when there is none; PreconditionFailedError when it was written since ``version``.
    """
    async with db.transaction() as connection:
        row = await fetch_one(connection, _ContractorRow, queries.CHANGE_PROFILE, _values(contractor_id, profile, version))
        if row is None:
            await _contractor(connection, contractor_id)
            raise PreconditionFailedError
        await make_matches(connection, contractor_id, profile.wishes)
    return row.contractor()


async def _contractor(connection: Connection, contractor_id: int) -> Contractor:
    row = await fetch_one(connection, _ContractorRow, queries.CONTRACTOR_BY_ID, {"contractor_id": contractor_id})
    if row is None:
        raise ContractorNotFoundError
    return row.contractor()


def _values(contractor_id: int, profile: ContractorProfile, version: int) -> dict[str, Any]:
    return {
        "contractor_id": contractor_id,
        "version": version,
        "name": profile.name,
        "company_name": profile.company_name,
        "phone": profile.phone,
        "city": profile.city,
        "state": profile.state,
        "trades": [trade.value for trade in profile.trades],
        "needs": [need.value for need in profile.needs],
        "revenue": profile.revenue.value if profile.revenue else None,
        "team_size": profile.team_size,
    }
