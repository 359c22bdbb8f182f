"""The page of leads: what an address asks for, the filters in force, the links between pages."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.infra.paging import Page
from tpe.leads.model import LeadFilter, LeadPage, LeadStatus, Stage
from tpe.web.lead_list import PAGE_NUMBER_MAX, ROWS_PER_PAGE, ListQuery, leads_view, pager_of, read_query


def test_an_address_without_a_query_asks_for_all_leads() -> None:
    asked = read_query({})
    assert (asked.chosen, asked.page, asked.errors) == (LeadFilter(), Page(1, ROWS_PER_PAGE), {})
    assert not asked.query.filtered
    assert not asked.query.narrowed


def test_every_member_of_the_filter_is_read() -> None:
    query = {
        "search": " Roof & Co ",
        "engagement_stage": "won",
        "status": "paused",
        "min_score": "0",
        "max_score": "100",
        "primary_only": "true",
        "page": "3",
        "unknown": "ignored",
    }
    asked = read_query(query)
    assert asked.chosen == LeadFilter(Stage.WON, LeadStatus.PAUSED, 0, 100, "Roof & Co", True)
    assert (asked.page.number, asked.errors) == (3, {})
    assert asked.query.filtered
    assert asked.query.narrowed


@pytest.mark.parametrize(
    ("member", "right", "wrong"),
    [
        ("engagement_stage", "new", "New"),
        ("status", "active", "gone"),
        ("min_score", "0", "-1"),
        ("max_score", "100", "101"),
        ("max_score", "7", "7.0"),
        ("min_score", "7", "٧"),
        ("page", "1", "0"),
        ("page", str(PAGE_NUMBER_MAX), str(PAGE_NUMBER_MAX + 1)),
        ("page", "1", "9" * 30),
        ("search", "x" * 100, "x" * 101),
        ("search", "a b", "a\x00b"),
    ],
)
def test_a_value_is_read_or_refused_under_its_own_name(member: str, right: str, wrong: str) -> None:
    assert read_query({member: right}).errors == {}
    refused = read_query({member: wrong})
    assert list(refused.errors) == [member]
    assert getattr(refused.query, member) == wrong


def test_the_highest_score_may_equal_the_lowest_but_not_be_below_it() -> None:
    assert read_query({"min_score": "50", "max_score": "50"}).errors == {}
    assert list(read_query({"min_score": "51", "max_score": "50"}).errors) == ["max_score"]


@given(st.text(max_size=60), st.sampled_from(["", *Stage]), st.integers(0, 100), st.integers(1, PAGE_NUMBER_MAX))
def test_the_address_of_a_filter_asks_for_that_filter_again(search: str, stage: str, score: int, page: int) -> None:
    query = ListQuery.of({"search": search, "engagement_stage": stage, "min_score": str(score)})
    address = urlsplit(query.address(page=page))
    again = ListQuery.of({name: values[-1] for name, values in parse_qs(address.query).items()})
    assert address.path == "/partner/leads"
    assert (again.search, again.engagement_stage, again.min_score) == (query.search, stage, str(score))
    assert again.page == ("" if page == 1 else str(page))


def test_each_filter_in_force_has_a_chip_that_takes_it_out_and_only_it() -> None:
    asked = read_query(
        {"search": "a", "engagement_stage": "new", "status": "active", "min_score": "5", "primary_only": "true", "page": "9"}
    )
    view = leads_view(asked, LeadPage((), asked.page, 0))
    assert [chip.label for chip in view.chips] == ["“a”", "New", "Active", "Score from 5", "Primary matches"]
    for chip, gone in zip(view.chips, ("search", "engagement_stage", "status", "min_score", "primary_only"), strict=True):
        left = set(parse_qs(urlsplit(chip.remove).query))
        assert left == {"search", "engagement_stage", "status", "min_score", "primary_only"} - {gone}


@pytest.mark.parametrize(
    ("low", "high", "label"), [("5", "9", "Score 5–9"), ("5", "", "Score from 5"), ("", "9", "Score up to 9")]
)
def test_the_score_filter_is_put_in_words(low: str, high: str, label: str) -> None:
    asked = read_query({"min_score": low, "max_score": high})
    assert [chip.label for chip in leads_view(asked, LeadPage((), asked.page, 0)).chips] == [label]


@given(st.integers(2, PAGE_NUMBER_MAX).flatmap(lambda last: st.tuples(st.integers(1, last), st.just(last))))
def test_the_pager_links_the_ends_and_the_neighbours_and_skips_at_least_two(place: tuple[int, int]) -> None:
    current, last = place
    pager = pager_of(ListQuery(), current, last)
    shown = [entry[0] if entry else None for entry in pager.numbers]
    numbers = [number for number in shown if number is not None]
    assert numbers == sorted(set(numbers))
    assert {1, last, current} <= set(numbers)
    assert len(shown) <= 9
    for before, entry, after in zip(shown, shown[1:], shown[2:], strict=False):
        if entry is None:
            assert before is not None
            assert after is not None
            assert after - before > 2
    assert bool(pager.previous) == (current > 1)
    assert bool(pager.next) == (current < last)


def test_one_page_needs_no_pager_and_a_page_beyond_the_end_says_so() -> None:
    asked = read_query({})
    assert leads_view(asked, LeadPage((), asked.page, 0)).pager is None
    beyond = read_query({"page": "40"})
    view = leads_view(beyond, LeadPage((), beyond.page, 21))
    assert view.beyond_the_end
    assert (view.pager, view.first, view.last) == (None, 0, 0)
