"""The administrators' first screen."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.pages.partner_dashboard import PartnerDashboardPage


class AdminDashboardPage(PartnerDashboardPage):
    path = "/admin"
    pipeline = "Leads by stage"

    def busiest_partners(self) -> list[tuple[str, int, int]]:
        """Name, leads and won leads of each partner in the table."""
        rows = self.section("Busiest partners").get_by_role("row").all()[1:]
        return [
            self._partner(row.get_by_role("rowheader").inner_text(), row.get_by_role("cell").all_inner_texts()) for row in rows
        ]

    def expect_activity(self) -> None:
        expect(self.section("Latest changes").get_by_role("listitem").first).to_be_visible()

    @staticmethod
    def _partner(name: str, numbers: list[str]) -> tuple[str, int, int]:
        leads, won = (int(text.replace(",", "")) for text in numbers)
        return name, leads, won
