"""The two parts of the site, one for each role."""

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
    home: str
    navigation: tuple[NavigationItem, ...]

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
    "/partner",
    (NavigationItem("Dashboard", "/partner"), NavigationItem("Leads", "/partner/leads")),
)
ADMIN_AREA: Final = Area(Role.ADMIN, "Administration", "administrators", "/admin", (NavigationItem("Dashboard", "/admin"),))
AREAS: Final = {area.role: area for area in (PARTNER_AREA, ADMIN_AREA)}
