"""What the administrators' lists of accounts show besides the accounts: the filter, the links between pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from tpe.admin.accounts import Found
from tpe.infra.paging import Page
from tpe.web.forms import Errors, has_control_characters
from tpe.web.lead_list import PAGE_NUMBER_MAX, ROWS_PER_PAGE, SEARCH_LENGTH_MAX, Pager, pager_of

ACTIVE: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class AccountQuery:
    """The filter as it stands in the address: texts, so that a refused value is shown again unaltered."""

    path: str
    search: str = ""
    active: str = ""
    page: str = ""

    @classmethod
    def of(cls, path: str, values: Mapping[str, str]) -> AccountQuery:
        """Take what belongs to the filter from an address's query or a form; anything else is ignored."""
        return cls(path, *(values.get(name, "").strip() for name in ("search", "active", "page")))

    @property
    def filtered(self) -> bool:
        """Tell whether anything is filtered at all."""
        return bool(self.search or self.active)

    def address(self, *, page: int = 1) -> str:
        """Give the address of a page under this filter."""
        members = {"search": self.search, "active": self.active, "page": str(page) if page > 1 else ""}
        query = urlencode({name: value for name, value in members.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def asked(self) -> tuple[Found, Page, Errors]:
        """Give what the address asks for; where it asks for nothing sensible, the errors say so."""
        errors: Errors = {}
        if len(self.search) > SEARCH_LENGTH_MAX or has_control_characters(self.search):
            errors["search"] = f"Search for at most {SEARCH_LENGTH_MAX} characters."
        number = int(self.page) if re.fullmatch("[1-9][0-9]{0,3}", self.page, re.ASCII) else 0
        if self.page and not 1 <= number <= PAGE_NUMBER_MAX:
            errors["page"] = f"Enter a whole number from 1 to {PAGE_NUMBER_MAX:,}."
        if self.active not in ("", *ACTIVE):
            errors["active"] = "Choose one of the options."
        return Found(self.search or None, ACTIVE.get(self.active)), Page(number or 1, ROWS_PER_PAGE), errors


@dataclass(frozen=True, slots=True)
class AccountsView:
    """A page of accounts. ``first`` and ``last`` count the rows shown, from 1."""

    query: AccountQuery
    accounts: tuple[Any, ...]
    total: int
    page: Page
    errors: Errors

    @property
    def first(self) -> int:
        """Give the number of the first row shown."""
        return self.page.offset + 1 if self.accounts else 0

    @property
    def last(self) -> int:
        """Give the number of the last row shown."""
        return self.page.offset + len(self.accounts)

    @property
    def pager(self) -> Pager | None:
        """Give the links between pages; None where there is one page only."""
        last = min(self.page.pages_for(self.total), PAGE_NUMBER_MAX)
        return pager_of(self.query, self.page.number, last) if last > 1 and self.accounts else None
