"""A partner's first screen."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.pages.frame import FramedPage, follow


class PartnerDashboardPage(FramedPage):
    path = "/partner"
    pipeline = "Pipeline"

    def expect_shown(self) -> None:
        expect(self.title).to_have_text("Dashboard")

    def figure(self, name: str) -> str:
        """The number of a tile, such as "Leads", as it is written."""
        term = self.main.get_by_role("term").filter(has_text=name)
        return term.locator("xpath=following-sibling::dd[1]").inner_text()

    def stage_counts(self) -> dict[str, int]:
        """The pipeline: stage to number of leads."""
        rows = self.section(self.pipeline).get_by_role("listitem").all_inner_texts()
        return dict(_count(row) for row in rows)

    def open_stage(self, stage: str) -> None:
        follow(self.section(self.pipeline).get_by_role("link", name=stage, exact=True))

    def new_leads(self) -> list[str]:
        """Names of the best new leads, best first."""
        return self.section("Best new leads").get_by_role("listitem").get_by_role("link").all_inner_texts()


def _count(row: str) -> tuple[str, int]:
    stage, number, _ = " ".join(row.split()).rsplit(" ", 2)
    return stage, int(number.replace(",", ""))
