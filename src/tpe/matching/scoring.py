"""How well a partner fits a contractor. Pure: the same profiles give the same score, and each point has its reason.

| part | points |
|---|---|
| needs: the share of what the contractor looks for that the partner offers | 50 |
| place: the partner works in the contractor's state | 25 |
| revenue: the partner works with businesses of the contractor's size | 15 |
| trade: the partner knows one of the contractor's trades | 10 |

A partner that offers nothing of what is looked for does not fit at all. What was not told earns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tpe.matching.model import MATCHES_MAX, Fit, Need, Offer, Trade, Wishes

NEEDS_POINTS: Final = 50
PLACE_POINTS: Final = 25
REVENUE_POINTS: Final = 15
TRADE_POINTS: Final = 10

NEED_WORDS: Final = {
    Need.SUPPLIES: "supplies",
    Need.FINANCING: "financing",
    Need.SOFTWARE: "software",
    Need.MARKETING: "marketing",
    Need.INSURANCE: "insurance",
    Need.TOOLS: "tools",
    Need.TRAINING: "training",
    Need.LOGISTICS: "logistics",
}
TRADE_WORDS: Final = {trade: trade.value for trade in Trade} | {Trade.HEATING_AIR: "heating and air"}


def best_fits(wishes: Wishes, offers: Sequence[Offer], count: int = MATCHES_MAX) -> list[Fit]:
    """Give the ``count`` partners that fit best, best first; of equal ones the one that joined first."""
    fits = [fit for offer in offers if (fit := fit_of(wishes, offer)) is not None]
    return sorted(fits, key=lambda fit: (-fit.score, fit.partner_id))[:count]


def fit_of(wishes: Wishes, offer: Offer) -> Fit | None:
    """Give how well a partner fits; None when it offers nothing of what is looked for."""
    met = [need for need in Need if need in wishes.needs and need in offer.needs]
    if not met:
        return None
    parts = [
        (NEEDS_POINTS * len(met) // len(wishes.needs), f"Offers {_listed([NEED_WORDS[need] for need in met])}"),
        _place(wishes, offer),
        _revenue(wishes, offer),
        _trade(wishes, offer),
    ]
    return Fit(offer.partner_id, sum(points for points, _ in parts), tuple(reason for points, reason in parts if points))


def _place(wishes: Wishes, offer: Offer) -> tuple[int, str]:
    if not wishes.state or (offer.states and wishes.state not in offer.states):
        return 0, ""
    return PLACE_POINTS, f"Works in {wishes.state}" if offer.states else "Works in every state"


def _revenue(wishes: Wishes, offer: Offer) -> tuple[int, str]:
    if wishes.revenue is None or (offer.revenues and wishes.revenue not in offer.revenues):
        return 0, ""
    return REVENUE_POINTS, "Works with businesses of this size"


def _trade(wishes: Wishes, offer: Offer) -> tuple[int, str]:
    known = [trade for trade in Trade if trade in wishes.trades and (not offer.trades or trade in offer.trades)]
    return (TRADE_POINTS, f"Knows {_listed([TRADE_WORDS[trade] for trade in known])}") if known else (0, "")


def _listed(words: Sequence[str]) -> str:
    """Give ``a``, ``a and b`` or ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
