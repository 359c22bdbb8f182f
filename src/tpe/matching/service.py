"""Making matches and telling them. A match is a lead of its partner from the moment that it is made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tpe.infra.db import Connection, Database, execute, fetch_all, fetch_value
from tpe.matching import queries
from tpe.matching.model import MATCHES_MAX, Fit, Match, Need, Offer, Revenue, Trade, Wishes
from tpe.matching.scoring import best_fits

OFFERS_MAX: Final = 1_000
"""Partners that are compared: more than there are, and a bound on what one request reads."""


@dataclass(frozen=True, slots=True)
class _OfferRow:
    partner_id: int
    states: list[str]
    trades: list[str]
    needs: list[str]
    revenues: list[str]

    def offer(self) -> Offer:
        return Offer(
            self.partner_id,
            tuple(self.states),
            tuple(Trade(trade) for trade in self.trades),
            tuple(Need(need) for need in self.needs),
            tuple(Revenue(revenue) for revenue in self.revenues),
        )


@dataclass(frozen=True, slots=True)
class _MatchRow:
    id: int
    partner_id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    match_score: int
    match_reasons: list[str]
    is_primary_match: bool
    created_at: datetime

    def match(self) -> Match:
        return Match(
            id=self.id,
            partner_id=self.partner_id,
            company_name=self.company_name,
            contact_name=self.contact_name,
            email=self.email,
            phone=self.phone,
            website=self.website,
            match_score=self.match_score,
            match_reasons=tuple(self.match_reasons),
            is_primary_match=self.is_primary_match,
            created_at=self.created_at,
        )


async def make_matches(connection: Connection, contractor_id: int, wishes: Wishes) -> None:
    """Introduce a contractor to the partners that fit best, until it has MATCHES_MAX; what was made before stays.

    The caller holds the contractor's row in this transaction, so that two of its requests make no match too many.
    """
    missing = MATCHES_MAX - await fetch_value(connection, queries.MATCHES_MADE, {"contractor_id": contractor_id})
    if missing <= 0 or not wishes.needs:
        return
    values = {"contractor_id": contractor_id, "needs": [need.value for need in wishes.needs], "rows_max": OFFERS_MAX}
    rows = await fetch_all(connection, _OfferRow, queries.OFFERS, values)
    fits = best_fits(wishes, [row.offer() for row in rows], missing)
    if fits:  # all by one statement: the counts of their partners' leads are then kept in one order, whoever writes meanwhile
        await execute(connection, queries.ADD_MATCHES, {"contractor_id": contractor_id, "fits": _fits(fits)})


async def matches_of(db: Database, contractor_id: int) -> tuple[Match, ...]:
    """Give the partners that a contractor was introduced to, its primary one first."""
    values = {"contractor_id": contractor_id, "rows_max": MATCHES_MAX}
    async with db.connection() as connection:
        rows = await fetch_all(connection, _MatchRow, queries.MATCHES_OF_CONTRACTOR, values)
    return tuple(row.match() for row in rows)


def _fits(fits: Sequence[Fit]) -> str:
    return json.dumps(
        [{"partner_id": fit.partner_id, "score": fit.score, "reasons": fit.reasons, "is_best": fit is fits[0]} for fit in fits]
    )
