"""Makes what contractors look for and what partners offer. Pure, and drawn apart from all other values."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from tpe.matching.model import Need, Revenue, Trade
from tpe.seed.copytext import NULL, Column, Ints, listed, numbers, picked

STATES: Final = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME", "MD", "MA",
    "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN",
    "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
)  # fmt: skip
EVERYTHING_SHARE: Final = 0.5
"""This share of the partners works in every state, and another half with every trade."""
STATES_SERVED: Final = 12
TRADES_KNOWN: Final = 5
TEAM_SIZES: Final = (1, 60)


def wishes(seed: int, trades: Ints) -> dict[str, Column]:
    """Give what as many contractors look for as there are ``trades`` (places in Trade)."""
    rng, count = np.random.default_rng([seed, 1]), len(trades)
    needs = [_array(*some) for wanted in (1, 2, 3) for some in combinations(Need, wanted)]
    revenues = (*Revenue, NULL)
    return {
        "trades": (picked([_array(trade) for trade in Trade], trades),),
        "needs": (picked(needs, rng.integers(0, len(needs), count)),),
        "revenue": (picked(revenues, rng.integers(0, len(revenues), count)),),
        "team_size": (numbers(rng.integers(*TEAM_SIZES, count)),),
    }


def offers(seed: int, kinds: list[int]) -> dict[str, Column]:
    """Give what as many partners offer as there are ``kinds`` (places in Need: what each sells)."""
    rng, count = np.random.default_rng([seed, 2]), len(kinds)
    needs, others = tuple(Need), rng.integers(1, len(Need), count).tolist()
    revenues = [_array(*some) for some in ((), *combinations(Revenue, 2))]
    return {
        "states": (listed([_some(STATES, STATES_SERVED, rng) for _ in kinds]),),
        "trades": (listed([_some(tuple(Trade), TRADES_KNOWN, rng) for _ in kinds]),),
        "needs": (listed([_array(needs[k], needs[(k + other) % len(needs)]) for k, other in zip(kinds, others, strict=True)]),),
        "revenues": (picked(revenues, rng.integers(0, len(revenues), count)),),
    }


def _some(values: tuple[str, ...], count: int, rng: np.random.Generator) -> str:
    """Give an array of ``count`` values, or an empty one, which means all."""
    if rng.random() < EVERYTHING_SHARE:
        return _array()
    return _array(*(values[index] for index in sorted(rng.choice(len(values), count, replace=False).tolist())))


def _array(*values: str) -> str:
    return f"{{{','.join(values)}}}"
