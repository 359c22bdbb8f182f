"""Scoring: deterministic, explained point by point, and honest about what was not told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.matching.model import MATCHES_MAX, Fit, Need, Offer, Revenue, Trade, Wishes
from tpe.matching.scoring import best_fits, fit_of

WISHES = Wishes("WA", (Trade.ROOFING, Trade.HEATING_AIR), (Need.FINANCING, Need.TRAINING, Need.TOOLS), Revenue.UNDER_2M)
EVERYTHING = Offer(7, (), (), tuple(Need), ())

wishes = st.builds(
    Wishes,
    st.sampled_from(["", "WA", "OR"]),
    st.lists(st.sampled_from(Trade), unique=True).map(tuple),
    st.lists(st.sampled_from(Need), unique=True).map(tuple),
    st.none() | st.sampled_from(Revenue),
)
offers = st.builds(
    Offer,
    st.integers(1, 50),
    st.lists(st.sampled_from(["WA", "OR", "NV"]), unique=True).map(tuple),
    st.lists(st.sampled_from(Trade), unique=True).map(tuple),
    st.lists(st.sampled_from(Need), unique=True).map(tuple),
    st.lists(st.sampled_from(Revenue), unique=True).map(tuple),
)


def test_a_partner_that_offers_all_to_all_scores_a_hundred_and_says_why() -> None:
    assert fit_of(WISHES, EVERYTHING) == Fit(
        7,
        100,
        (
            "Offers financing, tools and training",
            "Works in every state",
            "Works with businesses of this size",
            "Knows roofing and heating and air",
        ),
    )


@pytest.mark.parametrize(
    ("offer", "score", "reasons"),
    [
        (Offer(1, ("WA", "OR"), (), (Need.TOOLS,), ()), 16 + 25 + 15 + 10, 4),
        (Offer(1, ("OR",), (), (Need.TOOLS,), ()), 16 + 15 + 10, 3),
        (Offer(1, (), (Trade.SOLAR,), (Need.TOOLS, Need.FINANCING), ()), 33 + 25 + 15, 3),
        (Offer(1, (), (), (Need.TOOLS,), (Revenue.OVER_10M,)), 16 + 25 + 10, 3),
        (Offer(1, ("OR",), (Trade.SOLAR,), (Need.TOOLS,), (Revenue.OVER_10M,)), 16, 1),
    ],
)
def test_each_part_counts_for_itself(offer: Offer, score: int, reasons: int) -> None:
    fit = fit_of(WISHES, offer)
    assert fit is not None
    assert (fit.score, len(fit.reasons)) == (score, reasons)


@pytest.mark.parametrize("offer", [Offer(1, (), (), (), ()), Offer(1, (), (), (Need.SUPPLIES,), ())])
def test_a_partner_that_offers_nothing_of_what_is_looked_for_does_not_fit(offer: Offer) -> None:
    assert fit_of(WISHES, offer) is None


def test_what_was_not_told_earns_nothing() -> None:
    fit = fit_of(Wishes("", (), (Need.TOOLS,), None), EVERYTHING)
    assert fit == Fit(7, 50, ("Offers tools",))


def test_the_best_come_first_and_of_equal_ones_the_one_that_joined_first() -> None:
    worse = Offer(1, ("OR",), (), tuple(Need), ())
    found = best_fits(WISHES, [Offer(9, (), (), tuple(Need), ()), worse, EVERYTHING, Offer(2, (), (), (), ())])
    assert [fit.partner_id for fit in found] == [7, 9]


@given(wishes, st.lists(offers, max_size=12, unique_by=lambda offer: offer.partner_id))
def test_scores_are_within_bounds_and_every_fit_has_a_reason_whatever_the_profiles(wished: Wishes, offered: list[Offer]) -> None:
    found = best_fits(wished, offered)
    assert len(found) <= MATCHES_MAX
    assert all(1 <= fit.score <= 100 and fit.reasons and all(fit.reasons) for fit in found)
    assert found == best_fits(wished, offered[::-1])
    assert [fit.score for fit in found] == sorted((fit.score for fit in found), reverse=True)
