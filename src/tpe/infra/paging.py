"""Pages of lists: bounded, so that no request reads more than TOTAL_MAX rows."""

from __future__ import annotations

from dataclasses import dataclass

from tpe.infra.problems import BadRequestError, FieldError

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
"""Rows on one page, from the platform's API rules."""
WINDOW_ROWS_MAX = 10_000
"""page x limit never exceeds this: an offset scan deeper than that is refused, not served slowly."""
TOTAL_MAX = 10_000
"""Totals are exact up to here and are reported as this number beyond it: counting further costs and tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which page (from 1) of how many rows (1 to LIMIT_MAX). Made by ``page_of``, which refuses what is out of range."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """Give how many rows come before this page."""
        return (self.number - 1) * self.limit

    def pages_for(self, total: int) -> int:
        """Give how many pages of this size hold ``total`` rows (0 for none)."""
        return -(-total // self.limit)


def page_of(number: int = 1, limit: int = LIMIT_DEFAULT) -> Page:
    """Make a Page; BadRequestError when a value or their product is out of range."""
    errors = []
    if number < 1:
        errors.append(FieldError("query", "page", "must be at least 1"))
    if not 1 <= limit <= LIMIT_MAX:
        errors.append(FieldError("query", "limit", f"must be between 1 and {LIMIT_MAX}"))
    if not errors and number * limit > WINDOW_ROWS_MAX:
        errors.append(FieldError("query", "page", f"page x limit must be at most {WINDOW_ROWS_MAX}"))
    if errors:
        raise BadRequestError("The page asked for is out of range.", errors=errors)
    return Page(number, limit)
