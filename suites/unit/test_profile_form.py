"""The forms of profiles: what is taken, what is refused, and in which words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tpe.contractors.model import Contractor, ContractorProfile
from tpe.matching.model import Need, Revenue, Trade
from tpe.partners.model import Partner, PartnerProfile
from tpe.web.forms import Form
from tpe.web.profile_form import PartnerForm, ProfileForm

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


PARTNER = Partner(
    id=1,
    company_name="Some Supply",
    contact_name="Bob",
    email="bob@example.test",
    phone="+1 202 555 0102",
    website="https://some.example.test/start?x=1",
    states=("NV", "WA"),
    trades=(Trade.SOLAR,),
    needs=(Need.SUPPLIES, Need.TOOLS),
    revenues=(Revenue.UNDER_2M,),
    is_active=True,
    version=4,
)
PARTNER_FORM = PartnerForm.of(PARTNER)


def test_an_untouched_form_of_a_partner_means_the_profile_that_it_shows() -> None:
    assert PARTNER_FORM.parse() == (PartnerProfile.of(PARTNER), {})


@pytest.mark.parametrize(("text", "states"), [("", ()), ("nv; wa", ("NV", "WA")), (" NV ,\nWA,NV", ("NV", "WA"))])
def test_states_are_read_as_people_write_them(text: str, states: tuple[str, ...]) -> None:
    pairs = (
        ("company_name", "Some Supply"), ("contact_name", "Bob"), ("phone", "+1 202 555 0102"),
        ("website", "https://some.example.test"), ("states", text), ("needs", "tools"),
    )  # fmt: skip
    profile, errors = PartnerForm.sent(Form(dict(pairs), pairs)).parse()
    assert not errors
    assert profile is not None
    assert (profile.states, profile.needs, profile.trades) == (states, (Need.TOOLS,), ())


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("company_name", ""), ("contact_name", " "), ("phone", "12"), ("website", "some.example.test"),
        ("website", "javascript:1"),
        ("website", "https://" + "a" * 200), ("states", "Nevada"), ("states", "NV WA1"), ("states", " ".join(["NV"] * 3 + ["X"])),
        ("trades", ("x",)), ("needs", ("x",)), ("revenues", ("x",)),
    ],
)  # fmt: skip
def test_what_is_refused_of_a_partner_is_named(member: str, value: Any) -> None:
    profile, errors = replace(PARTNER_FORM, **{member: value}).parse()
    assert profile is None
    assert list(errors) == [member]
