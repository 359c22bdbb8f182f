"""Posted forms and the addresses after a log-in: what is taken, what is refused, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.infra.problems import BadRequestError
from tpe.leads.model import ContractorSummary, Lead, LeadChange, LeadStatus, Stage
from tpe.leads.schemas import NOTE_LENGTH_MAX
from tpe.web import texts
from tpe.web.areas import ADMIN_AREA, PARTNER_AREA, Area
from tpe.web.forms import Form, WorkForm, parse_note, version_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LEAD = Lead(
    id=5,
    partner_id=1,
    contractor=ContractorSummary(9, "Ann Roof", "Roof & Co", "ann@example.test", "+1 202 555 0101 x12", "Reno", "NV"),
    match_score=80,
    match_reasons=("Works in your service area",),
    is_primary_match=True,
    engagement_stage=Stage.CONTACTED,
    status=LeadStatus.ACTIVE,
    last_contact=NOW,
    next_follow_up=date(2026, 12, 1),
    version=3,
    created_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize("right", ["1", "2147483647"])
def test_a_version_that_a_lead_can_have_is_read(right: str) -> None:
    assert version_of(Form({"version": right})) == int(right)


@pytest.mark.parametrize("wrong", ["", "0", "-1", "01", "2147483648", "1.0", "x", "٣", "9" * 30])
def test_any_other_version_is_refused(wrong: str) -> None:
    with pytest.raises(BadRequestError, match="incomplete"):
        version_of(Form({"version": wrong}))


def test_an_untouched_form_holds_on_its_lead_and_changes_nothing() -> None:
    work = WorkForm.of_lead(LEAD)
    assert work == WorkForm("contacted", "active", "2026-12-01")
    assert work.holds_on(LEAD)
    assert work.parse(LEAD) == (LeadChange(Stage.CONTACTED, LeadStatus.ACTIVE, False, date(2026, 12, 1)), {})


@pytest.mark.parametrize("follow_up", ["", "2027-01-05"])
def test_a_follow_up_counts_as_set_only_when_it_differs(follow_up: str) -> None:
    change, errors = WorkForm("won", "paused", follow_up).parse(LEAD)
    day = date.fromisoformat(follow_up) if follow_up else None
    assert (change, errors) == (LeadChange(Stage.WON, LeadStatus.PAUSED, True, day), {})


@pytest.mark.parametrize(
    ("work", "refused"),
    [
        (WorkForm("new", "active", ""), ["engagement_stage"]),
        (WorkForm("sold", "active", ""), ["engagement_stage"]),
        (WorkForm("won", "gone", ""), ["status"]),
        (WorkForm("won", "active", "2026-02-30"), ["next_follow_up"]),
        (WorkForm("won", "active", "1 Dec 2026"), ["next_follow_up"]),
        (WorkForm("won", "active", "20261201"), ["next_follow_up"]),
        (WorkForm("", "", "x"), ["engagement_stage", "status", "next_follow_up"]),
    ],
)
def test_each_refused_field_is_named(work: WorkForm, refused: list[str]) -> None:
    change, errors = work.parse(LEAD)
    assert change is None
    assert list(errors) == refused


def test_a_form_that_closed_a_lead_holds_though_the_follow_up_was_cleared() -> None:
    sent = WorkForm("won", "active", "2026-12-01")
    assert sent.holds_on(replace(LEAD, engagement_stage=Stage.WON, next_follow_up=None))
    assert not sent.holds_on(replace(LEAD, engagement_stage=Stage.LOST, next_follow_up=None))
    assert not sent.holds_on(replace(LEAD, engagement_stage=Stage.WON, next_follow_up=date(2026, 12, 2)))
    assert not WorkForm("contacted", "active", "2026-12-01").holds_on(replace(LEAD, next_follow_up=None))


def test_a_note_is_kept_as_typed_but_for_the_space_around_it() -> None:
    assert parse_note(Form({"body": " one\r\n\r\ntwo\tthree \r\n"})) == ("one\n\ntwo\tthree", {})
    assert parse_note(Form({"body": "x" * NOTE_LENGTH_MAX}))[1] == {}


@pytest.mark.parametrize("body", ["", " \r\n ", "x" * (NOTE_LENGTH_MAX + 1), "a\x00b", "a\x1bb"])
def test_an_empty_too_long_or_unstorable_note_is_refused(body: str) -> None:
    assert list(parse_note(Form({"body": body}))[1]) == ["body"]


@pytest.mark.parametrize("wish", ["/partner", "/partner/leads", "/partner/leads/7", "/partner/leads?search=a%26b&page=2"])
def test_the_log_in_leads_to_a_page_of_its_own_area(wish: str) -> None:
    assert PARTNER_AREA.destination(wish) == wish
    assert ADMIN_AREA.destination(wish) == "/admin"


OTHERS = [
    "",
    "/",
    "//evil.example",
    "https://evil.example/partner",
    "/partner//evil.example",
    "/partner/../admin",
    "/partner\\evil",
    "/partnership",
    "/partner/leads#x",
    "/partner/leads\n",
    "/partner/login",
    "/partner/logout",
    "/partner/leads?next=//evil.example",
    "/partner/leads?" + "a" * 500,
]


@pytest.mark.parametrize("wish", OTHERS)
def test_any_other_wish_leads_home(wish: str) -> None:
    assert PARTNER_AREA.destination(wish) == "/partner"


@given(st.text(), st.sampled_from([PARTNER_AREA, ADMIN_AREA]))
def test_no_wish_leads_out_of_the_area(tail: str, area: Area) -> None:
    for wish in (tail, area.home + tail, f"{area.home}/{tail}"):
        destination = area.destination(wish)
        assert destination == area.home or destination.startswith((f"{area.home}/", f"{area.home}?"))
        assert "//" not in destination
        assert destination.isprintable()


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("+1 202 555 0101", "tel:+12025550101"),
        ("(202) 555-0101 x12", "tel:2025550101;ext=12"),
        ("+44 20 7946 0000", "tel:+442079460000"),
        ('javascript:alert("1")', "tel:1"),
    ],
)
def test_a_phone_number_becomes_a_link_that_dials_it(phone: str, link: str) -> None:
    assert texts.telephone_link(phone) == link


def test_dates_counts_and_values_are_put_in_words() -> None:
    assert texts.moment(NOW) == "24 Nov 2026, 12:00 UTC"
    assert [texts.due(date(2026, 11, day), date(2026, 11, 24)) for day in (23, 24, 25)] == ["overdue", "today", "later"]
    assert [texts.count_up_to(count) for count in (0, 9_999, 10_000)] == ["0", "9,999", "10,000 or more"]
    assert [texts.score_level(score) for score in (59, 60, 79, 80)] == ["low", "middle", "middle", "high"]
    assert texts.value_label("engagement_stage", "meeting_scheduled") == "Meeting scheduled"
    assert texts.value_label("status", "paused") == "Paused"
    assert texts.value_label("next_follow_up", "2026-12-01") == "1 Dec 2026"
    assert texts.value_label("next_follow_up", None) == "none"
    assert texts.initials("  mullins & sons finance") == "MS"
    assert texts.initials("—") == "?"
    assert texts.mail_link("a+b?c@example.test") == "mailto:a%2Bb%3Fc@example.test"
