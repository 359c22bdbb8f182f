"""What the page of leads shows besides the leads: the filter as it was asked for, its chips, the links between pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol
from urllib.parse import urlencode

from tpe.infra.paging import WINDOW_ROWS_MAX, Page
from tpe.leads.model import LeadFilter, LeadPage, LeadStatus, Stage
from tpe.web.forms import Choice, Errors, choice_of, has_control_characters
from tpe.web.texts import STAGE_LABELS, STATUS_LABELS

LIST_PATH: Final = "/partner/leads"
ROWS_PER_PAGE: Final = 20
PAGE_NUMBER_MAX: Final = WINDOW_ROWS_MAX // ROWS_PER_PAGE
SEARCH_LENGTH_MAX: Final = 100
SCORE_MAX: Final = 100
PAGES_AROUND: Final = 1
"""Page numbers that are linked on each side of the current one."""


class Addressed(Protocol):
    """A query of a list that gives the addresses of its pages."""

    def address(self, *, page: int = 1) -> str:
        """Give the address of a page under this filter."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The filter as it stands in the address: texts, so that a refused value is shown again unaltered."""

    search: str = ""
    engagement_stage: str = ""
    status: str = ""
    min_score: str = ""
    max_score: str = ""
    primary_only: str = ""
    page: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> ListQuery:
        """Take what belongs to the filter from an address's query; anything else is ignored."""
        return cls(**{name: values.get(name, "").strip() for name in cls.__dataclass_fields__})

    @property
    def narrowed(self) -> bool:
        """Tell whether any filter beyond search and stage is set, so that they are shown open."""
        return bool(self.status or self.min_score or self.max_score or self.primary_only)

    @property
    def filtered(self) -> bool:
        """Tell whether anything is filtered at all."""
        return replace(self, page="") != ListQuery()

    def address(self, *, page: int = 1) -> str:
        """Give the address of a page under this filter."""
        members = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "page"}
        if page > 1:
            members["page"] = str(page)
        query = urlencode({name: value for name, value in members.items() if value})
        return f"{LIST_PATH}?{query}" if query else LIST_PATH

    def without(self, *names: str) -> str:
        """Give the address with some members of the filter taken out, at its first page."""
        return replace(self, **dict.fromkeys(names, "")).address()


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; where it asks for nothing sensible, ``errors`` says so and the filter admits all."""

    query: ListQuery
    chosen: LeadFilter
    page: Page
    errors: Errors


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, with the address that takes it out."""

    label: str
    remove: str


@dataclass(frozen=True, slots=True)
class Pager:
    """Links between pages. ``numbers`` has None where numbers are left out."""

    current: int
    last: int
    previous: str
    next: str
    numbers: tuple[tuple[int, str] | None, ...]


@dataclass(frozen=True, slots=True)
class LeadsView:
    """The page of leads. ``first`` and ``last`` count the rows shown, from 1."""

    asked: Asked
    found: LeadPage
    chips: tuple[Chip, ...]
    pager: Pager | None
    first: int
    last: int

    @property
    def beyond_the_end(self) -> bool:
        """Tell whether there are leads, but none on this page."""
        return not self.found.leads and self.found.total > 0


def read_query(values: Mapping[str, str]) -> Asked:
    """Read an address's query."""
    query = ListQuery.of(values)
    errors: Errors = {}
    stage = _choice(Stage, query.engagement_stage, "engagement_stage", errors)
    status = _choice(LeadStatus, query.status, "status", errors)
    low = _number(query.min_score, 0, SCORE_MAX, "min_score", errors)
    high = _number(query.max_score, 0, SCORE_MAX, "max_score", errors)
    page = _number(query.page, 1, PAGE_NUMBER_MAX, "page", errors)
    if low is not None and high is not None and low > high:
        errors["max_score"] = "The highest score must not be below the lowest."
    if len(query.search) > SEARCH_LENGTH_MAX:
        errors["search"] = f"Search for at most {SEARCH_LENGTH_MAX} characters."
    elif has_control_characters(query.search):
        errors["search"] = "The search has characters that no name contains."
    chosen = LeadFilter(stage, status, low, high, " ".join(query.search.split()) or None, bool(query.primary_only))
    return Asked(query, chosen, Page(page or 1, ROWS_PER_PAGE), errors)


def leads_view(asked: Asked, found: LeadPage) -> LeadsView:
    """Put the page of leads together."""
    first = found.page.offset + 1 if found.leads else 0
    last = found.page.offset + len(found.leads) if found.leads else 0
    last_page = min(found.total_pages, PAGE_NUMBER_MAX)
    pager = pager_of(asked.query, found.page.number, last_page) if last_page > 1 and found.leads else None
    return LeadsView(asked, found, chips_of(asked.query), pager, first, last)


def pager_of(query: Addressed, current: int, last: int) -> Pager:
    """Give the links from page ``current`` of ``last``: the ends, the neighbours, and both directions."""
    shown = {1, last, *range(current - PAGES_AROUND, current + PAGES_AROUND + 1)}
    numbers: list[tuple[int, str] | None] = []
    before = 0
    for page in sorted(page for page in shown if 1 <= page <= last):
        if page == before + 2:
            numbers.append((page - 1, query.address(page=page - 1)))
        elif page > before + 2:
            numbers.append(None)
        numbers.append((page, query.address(page=page)))
        before = page
    return Pager(
        current=current,
        last=last,
        previous=query.address(page=current - 1) if current > 1 else "",
        next=query.address(page=current + 1) if current < last else "",
        numbers=tuple(numbers),
    )


def chips_of(query: ListQuery) -> tuple[Chip, ...]:
    """Give the filters in force, in words."""
    stage, status = choice_of(Stage, query.engagement_stage), choice_of(LeadStatus, query.status)
    chips = [
        (f"“{query.search}”" if query.search else "", ("search",)),
        (STAGE_LABELS[stage] if stage else "", ("engagement_stage",)),
        (STATUS_LABELS[status] if status else "", ("status",)),
        (_score_words(query.min_score, query.max_score), ("min_score", "max_score")),
        ("Primary matches" if query.primary_only else "", ("primary_only",)),
    ]
    return tuple(Chip(label, query.without(*names)) for label, names in chips if label)


def _score_words(low: str, high: str) -> str:
    if low and high:
        return f"Score {low}–{high}"
    if low:
        return f"Score from {low}"
    return f"Score up to {high}" if high else ""


def _choice(options: type[Choice], text: str, name: str, errors: Errors) -> Choice | None:
    found = choice_of(options, text) if text else None
    if text and found is None:
        errors[name] = "Choose one of the options."
    return found


def _number(text: str, low: int, high: int, name: str, errors: Errors) -> int | None:
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,6}", text) is None or not low <= int(text) <= high:
        errors[name] = f"Enter a whole number from {low} to {high:,}."
        return None
    return int(text)
