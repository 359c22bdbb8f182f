"""The nouns of partners."""

from __future__ import annotations

from dataclasses import dataclass

from tpe.matching.model import Need, Revenue, Trade


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner as it sees itself; never its password hash. ``version`` counts the writes of its profile from 1."""

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    states: tuple[str, ...]
    trades: tuple[Trade, ...]
    needs: tuple[Need, ...]
    revenues: tuple[Revenue, ...]
    is_active: bool
    version: int


@dataclass(frozen=True, slots=True)
class PartnerProfile:
    """What a partner may say about itself. No states, trades or revenues means that it works with all of them."""

    company_name: str
    contact_name: str
    phone: str
    website: str
    states: tuple[str, ...]
    trades: tuple[Trade, ...]
    needs: tuple[Need, ...]
    """What it offers of what contractors look for."""
    revenues: tuple[Revenue, ...]

    @classmethod
    def of(cls, partner: Partner) -> PartnerProfile:
        """Give what a partner says about itself now."""
        return cls(**{name: getattr(partner, name) for name in cls.__dataclass_fields__})


STATES_MAX = 60
WEBSITE = r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?$"
WEBSITE_LENGTH_MAX = 200
