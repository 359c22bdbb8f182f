"""Roles and identities: who a request acts for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who may log in. The value is the ``role`` claim of a token."""

    PARTNER = "partner"
    CONTRACTOR = "contractor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Identity:
    """An account that has proved who it is. ``name`` is a partner's company name, or a contractor's or admin's own name."""

    role: Role
    account_id: int
    email: str
    name: str
    credential_version: int
    """Counts password changes; a token or session made under an earlier one is no longer valid."""
