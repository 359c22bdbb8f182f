"""The nouns of contractors."""

from __future__ import annotations

from dataclasses import dataclass

from tpe.matching.model import Need, Revenue, Trade, Wishes


@dataclass(frozen=True, slots=True)
class Contractor:
    """A contractor as it sees itself; never its password hash. ``version`` counts the writes of its profile from 1."""

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    trades: tuple[Trade, ...]
    needs: tuple[Need, ...]
    revenue: Revenue | None
    team_size: int | None
    is_active: bool
    version: int


@dataclass(frozen=True, slots=True)
class ContractorProfile:
    """What a contractor may say about itself: all of its account but the e-mail address that it logs in with."""

    name: str
    company_name: str
    phone: str
    city: str
    state: str
    trades: tuple[Trade, ...]
    needs: tuple[Need, ...]
    revenue: Revenue | None
    team_size: int | None

    @property
    def wishes(self) -> Wishes:
        """Give what counts when partners are compared."""
        return Wishes(self.state, self.trades, self.needs, self.revenue)

    @classmethod
    def of(cls, contractor: Contractor) -> ContractorProfile:
        """Give what a contractor says about itself now."""
        return cls(**{name: getattr(contractor, name) for name in cls.__dataclass_fields__})


TEAM_SIZE_MAX = 100_000
