"""What a match is made from: frozen data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Trade(StrEnum):
    """What a contractor does, and what a partner knows."""

    ROOFING = "roofing"
    REMODELING = "remodeling"
    PLUMBING = "plumbing"
    ELECTRIC = "electric"
    WINDOWS = "windows"
    SIDING = "siding"
    KITCHENS = "kitchens"
    BATHS = "baths"
    FLOORING = "flooring"
    PAINTING = "painting"
    LANDSCAPING = "landscaping"
    SOLAR = "solar"
    DECKS = "decks"
    INSULATION = "insulation"
    HEATING_AIR = "heating_air"
    FOUNDATIONS = "foundations"


class Need(StrEnum):
    """What a contractor looks for, and what a partner offers."""

    SUPPLIES = "supplies"
    FINANCING = "financing"
    SOFTWARE = "software"
    MARKETING = "marketing"
    INSURANCE = "insurance"
    TOOLS = "tools"
    TRAINING = "training"
    LOGISTICS = "logistics"


class Revenue(StrEnum):
    """What a contractor takes in a year, in US dollars."""

    UNDER_500K = "under_500k"
    UNDER_2M = "500k_to_2m"
    UNDER_10M = "2m_to_10m"
    OVER_10M = "over_10m"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What counts of a contractor when partners are compared. Empty members were not told."""

    state: str
    trades: tuple[Trade, ...]
    needs: tuple[Need, ...]
    revenue: Revenue | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What counts of a partner. No states, trades or revenues means all of them; without needs it offers nothing."""

    partner_id: int
    states: tuple[str, ...]
    trades: tuple[Trade, ...]
    needs: tuple[Need, ...]
    revenues: tuple[Revenue, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a partner fits: 0 to 100, and a reason for each part of the score."""

    partner_id: int
    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A partner that a contractor was introduced to; the partner works it as the lead ``id``."""

    id: int
    partner_id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    match_score: int
    match_reasons: tuple[str, ...]
    is_primary_match: bool
    created_at: datetime


MATCHES_MAX = 2
"""A contractor is introduced to this many partners at most."""
