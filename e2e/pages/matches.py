"""The partners that a contractor was introduced to."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from e2e.pages.frame import FramedPage


class MatchesPage(FramedPage):
    path = "/contractor"

    def expect_shown(self) -> None:
        expect(self.title).to_have_text("Matches")

    def partners(self) -> list[str]:
        """The partners' names, in the order of the page."""
        return self.main.get_by_role("region").get_by_role("heading", level=2).all_inner_texts()

    def match(self, partner: str) -> Locator:
        return self.main.get_by_role("region", name=partner)

    def reasons(self, partner: str) -> list[str]:
        return self.match(partner).locator(".reasons").get_by_role("listitem").all_inner_texts()

    def expect_none(self, title: str) -> None:
        expect(self.main.get_by_role("heading", level=2)).to_have_text(title)
