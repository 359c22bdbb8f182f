"""The nouns of contractors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contractor:
    """A contractor as it sees itself; never its password hash."""

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    is_active: bool
