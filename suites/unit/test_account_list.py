"""The administrators' lists: what an address asks for, what is refused, and the addresses of other pages."""

from __future__ import annotations

import pytest

from tpe.admin.accounts import Found
from tpe.infra.paging import Page
from tpe.web.account_list import AccountQuery, AccountsView

PATH = "/admin/partners"


def test_an_address_is_read() -> None:
    query = AccountQuery.of(PATH, {"search": " roof ", "active": "false", "page": "3", "other": "x"})
    assert query.asked() == (Found("roof", False), Page(3, 20), {})
    assert query.filtered
    assert query.address() == f"{PATH}?search=roof&active=false"
    assert query.address(page=4) == f"{PATH}?search=roof&active=false&page=4"


def test_an_empty_address_asks_for_all() -> None:
    query = AccountQuery.of(PATH, {})
    assert query.asked() == (Found(), Page(1, 20), {})
    assert not query.filtered
    assert query.address() == PATH


@pytest.mark.parametrize(
    ("name", "value"),
    [("search", "x" * 101), ("search", "a\x00"), ("active", "yes"), ("page", "0"), ("page", "501"), ("page", "٣"), ("page", "x")],
)
def test_what_makes_no_sense_is_named(name: str, value: str) -> None:
    assert list(AccountQuery.of(PATH, {name: value}).asked()[2]) == [name]


@pytest.mark.parametrize(("total", "page", "pages"), [(20, 1, None), (21, 1, 2), (61, 2, 4), (100_000, 500, 500)])
def test_a_page_counts_its_rows_and_links_the_others(total: int, page: int, pages: int | None) -> None:
    view = AccountsView(AccountQuery(PATH), (object(),) * 3, total, Page(page, 20), {})
    assert (view.first, view.last) == ((page - 1) * 20 + 1, (page - 1) * 20 + 3)
    assert (view.pager.last if view.pager else None) == pages


def test_an_empty_page_has_no_rows_to_count() -> None:
    view = AccountsView(AccountQuery(PATH), (), 0, Page(1, 20), {})
    assert (view.first, view.last, view.pager) == (0, 0, None)
