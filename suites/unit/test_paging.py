"""Pages are bounded on both sides, and together hold every row once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.infra.paging import LIMIT_DEFAULT, LIMIT_MAX, WINDOW_ROWS_MAX, Page, page_of
from tpe.infra.problems import BadRequestError
from tpe.leads.model import LeadPage


def test_the_first_page_of_the_usual_size_is_the_default() -> None:
    assert page_of() == Page(1, LIMIT_DEFAULT)
    assert page_of().offset == 0


@pytest.mark.parametrize(("number", "limit"), [(1, 1), (1, LIMIT_MAX), (100, 100), (WINDOW_ROWS_MAX, 1)])
def test_pages_up_to_each_bound_are_given(number: int, limit: int) -> None:
    assert page_of(number, limit) == Page(number, limit)


@pytest.mark.parametrize(
    ("number", "limit", "field"),
    [
        (0, 1, "page"),
        (-1, 1, "page"),
        (1, 0, "limit"),
        (1, LIMIT_MAX + 1, "limit"),
        (101, 100, "page"),
        (WINDOW_ROWS_MAX + 1, 1, "page"),
    ],
)
def test_pages_beyond_each_bound_are_refused_by_name(number: int, limit: int, field: str) -> None:
    with pytest.raises(BadRequestError) as refusal:
        page_of(number, limit)
    assert [error.field for error in refusal.value.errors] == [field]


def test_every_value_out_of_range_is_named_at_once() -> None:
    with pytest.raises(BadRequestError) as refusal:
        page_of(0, 101)
    assert [error.field for error in refusal.value.errors] == ["page", "limit"]


@given(total=st.integers(0, WINDOW_ROWS_MAX), limit=st.integers(1, LIMIT_MAX))
def test_the_pages_hold_every_row_exactly_once(total: int, limit: int) -> None:
    pages = Page(1, limit).pages_for(total)
    spans = [(Page(number, limit).offset, min(Page(number, limit).offset + limit, total)) for number in range(1, pages + 1)]
    assert sum(end - start for start, end in spans) == total
    assert all(start < end for start, end in spans)
    assert all(left[1] == right[0] for left, right in pairwise(spans))


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (20, 1), (21, 2), (10_000, 500)])
def test_a_list_counts_its_pages(total: int, pages: int) -> None:
    assert LeadPage((), page_of(), total).total_pages == pages
