"""How much data each size holds, and how the leads are shared out among the partners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEMO_PARTNERS: Final = ("partner.one@example.test", "partner.two@example.test")
"""Accounts with the password of TPE_SEED_PASSWORD; they have the ids 1 and 2."""
DEMO_CONTRACTORS: Final = ("contractor.one@example.test", "contractor.two@example.test")
"""Accounts with the password of TPE_SEED_PASSWORD; they have the ids 1 and 2. All other contractors have not registered."""
DEMO_ADMINS: Final = ("admin.one@example.test", "admin.two@example.test")
"""Accounts with the password of TPE_SEED_PASSWORD; they have the ids 1 and 2, and there are no other administrators."""

FIRST_SHARE_PERCENT: Final = 10
"""partner.one holds this share of all leads: what the suites log in as has a real amount of data."""
SECOND_SHARE_PERCENT: Final = 5
SECOND_LEADS_MAX: Final = 300
"""partner.two holds its share, but never more than this: a partner of ordinary size."""
SKEW: Final = 0.7
"""Exponent of the Zipf-like weights rank ** -SKEW of all other partners."""


@dataclass(frozen=True, slots=True)
class Size:
    """Row counts of a size. Each contractor has a primary lead; ``leads - contractors`` of them have a second one."""

    name: str
    leads: int
    partners: int
    contractors: int

    @property
    def description(self) -> str:
        """Give the counts in words."""
        return f"{self.name} = {self.leads:,} leads of {self.contractors:,} contractors with {self.partners:,} partners"


SIZES: Final = {
    size.name: size
    for size in (
        Size("tiny", leads=120, partners=8, contractors=80),
        Size("small", leads=1_000, partners=25, contractors=600),
        Size("medium", leads=100_000, partners=200, contractors=60_000),
        Size("large", leads=1_000_000, partners=1_000, contractors=600_000),
    )
}


def leads_per_partner(size: Size) -> list[int]:
    """Give how many leads each partner holds, by id from 1; the sum is exactly ``size.leads``."""
    first = size.leads * FIRST_SHARE_PERCENT // 100
    second = min(size.leads * SECOND_SHARE_PERCENT // 100, SECOND_LEADS_MAX)
    rest = size.leads - first - second
    weights = [rank**-SKEW for rank in range(1, size.partners - 1)]
    shares = [int(rest * weight / sum(weights)) for weight in weights]
    for index in range(rest - sum(shares)):  # what rounding down left over, fewer than there are partners
        shares[index] += 1
    return [first, second, *shares]
