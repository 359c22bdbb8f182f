"""The parts of the site, one for each role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tpe.auth.identity import Role

NEXT_LENGTH_MAX: Final = 500
"""Characters of an address to go to after the log-in; our longest filter has half of it."""


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """A link of the main navigation."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Area:
    """The pages of one role."""

    role: Role
    title: str
    audience: str
    account: str
    """What its account is called: "Log in with your … account"."""
    claim: str
    pitch: str
    """What its log-in page says beside the form, large and small."""
    home: str
    navigation: tuple[NavigationItem, ...]
    register: str = ""
    """Where somebody without an account makes one; empty where accounts are given."""

    @property
    def log_in(self) -> str:
        """Give the path of the log-in page."""
        return f"{self.home}/login"

    @property
    def log_out(self) -> str:
        """Give the path that a log-out is posted to."""
        return f"{self.home}/logout"

    def destination(self, wish: str) -> str:
        """Give where to go after the log-in: the wish when it is a page of this area, else the home page.

        Only a plain path of ours with a plain query passes, so that no address made by others leads anywhere else.
        """
        pattern = re.escape(self.home) + r"(/[a-z0-9_-]+)*(\?[A-Za-z0-9_.~%&=+*-]*)?"
        inside = len(wish) <= NEXT_LENGTH_MAX and re.fullmatch(pattern, wish) is not None
        return wish if inside and wish.partition("?")[0] not in (self.log_in, self.log_out) else self.home


PARTNER_AREA: Final = Area(
    Role.PARTNER,
    "Partner portal",
    "partners",
    "partner",
    "The right contractors, matched to you.",
    "See who you were introduced to, how well you fit, and what to do next.",
    "/partner",
    (
        NavigationItem("Dashboard", "/partner"),
        NavigationItem("Leads", "/partner/leads"),
        NavigationItem("Profile", "/partner/profile"),
    ),
)
CONTRACTOR_AREA: Final = Area(
    Role.CONTRACTOR,
    "Contractor portal",
    "contractors",
    "contractor",
    "Partners that help your business grow.",
    "Tell us what you need, and meet the partners that fit best.",
    "/contractor",
    (NavigationItem("Matches", "/contractor"), NavigationItem("Profile", "/contractor/profile")),
    register="/contractor/register",
)
ADMIN_AREA: Final = Area(
    Role.ADMIN,
    "Administration",
    "administrators",
    "administrator",
    "The whole network at a glance.",
    "Partners, contractors and every introduction between them.",
    "/admin",
    (
        NavigationItem("Dashboard", "/admin"),
        NavigationItem("Partners", "/admin/partners"),
        NavigationItem("Contractors", "/admin/contractors"),
    ),
)
AREAS: Final = {area.role: area for area in (PARTNER_AREA, CONTRACTOR_AREA, ADMIN_AREA)}
