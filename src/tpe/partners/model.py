"""The nouns of partners."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner as it sees itself; never its password hash."""

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    website: str
    is_active: bool
