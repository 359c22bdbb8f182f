"""The form of a contractor's profile: what is taken, what is refused, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tpe.contractors.model import Contractor, ContractorProfile
from tpe.matching.model import Need, Revenue, Trade
from tpe.web.forms import Form
from tpe.web.profile_form import ProfileForm

CONTRACTOR = Contractor(
    id=1,
    name="Ann Roof",
    company_name="Roof & Co",
    email="ann@example.test",
    phone="+1 202 555 0101",
    city="Reno",
    state="NV",
    trades=(Trade.ROOFING, Trade.SOLAR),
    needs=(Need.TOOLS,),
    revenue=Revenue.UNDER_2M,
    team_size=3,
    is_active=True,
    version=2,
)
FORM = ProfileForm.of(CONTRACTOR)


def test_an_untouched_form_means_the_profile_that_it_shows() -> None:
    assert FORM.parse() == (ContractorProfile.of(CONTRACTOR), {})


def test_a_sent_form_is_read_with_all_its_ticked_boxes() -> None:
    pairs = (
        ("name", " Ann Roof "), ("company_name", "Roof & Co"), ("phone", "+1 202 555 0101"), ("city", "Reno"), ("state", "nv"),
        ("trades", "solar"), ("trades", "roofing"), ("needs", "tools"), ("revenue", "500k_to_2m"), ("team_size", "3"),
    )  # fmt: skip
    assert ProfileForm.sent(Form(dict(pairs), pairs)).parse() == (ContractorProfile.of(CONTRACTOR), {})


def test_what_was_left_out_is_not_told() -> None:
    profile, errors = replace(FORM, trades=(), needs=(), revenue="", team_size="").parse()
    assert profile is not None
    assert not errors
    assert (profile.trades, profile.needs, profile.revenue, profile.team_size) == ((), (), None, None)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", ""), ("name", "x" * 121), ("company_name", "a\x00b"), ("phone", "12345"), ("phone", "call me"), ("city", ""),
        ("state", "Nevada"), ("state", ""), ("trades", ("juggling",)), ("needs", ("roofing",)), ("revenue", "plenty"),
        ("team_size", "0"), ("team_size", "100001"), ("team_size", "-1"), ("team_size", "1.5"), ("team_size", "٣"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named(member: str, value: Any) -> None:
    profile, errors = replace(FORM, **{member: value}).parse()
    assert profile is None
    assert list(errors) == [member]
