"""One lead."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from e2e.pages.frame import FramedPage, follow


class LeadPage(FramedPage):
    def __init__(self, page: Page, lead_id: int | None = None) -> None:
        super().__init__(page)
        self.path = f"/partner/leads/{lead_id}"

    def expect_lead(self, name: str) -> None:
        expect(self.title).to_have_text(name)

    @property
    def work(self) -> Locator:
        return self.section("Next step")

    @property
    def stage(self) -> Locator:
        return self.work.get_by_label("Stage")

    @property
    def follow_up(self) -> Locator:
        return self.work.get_by_label("Next follow-up")

    @property
    def note(self) -> Locator:
        return self.section("Notes").get_by_label("New note")

    def move_to(self, stage: str) -> None:
        self.stage.select_option(label=stage)
        self.save()

    def save(self) -> None:
        follow(self.work.get_by_role("button", name="Save changes"))

    def add_note(self, text: str) -> None:
        self.note.fill(text)
        follow(self.section("Notes").get_by_role("button", name="Add note"))

    def expect_stage(self, stage: str) -> None:
        """The form and the newest change of the history both say so."""
        expect(self.stage.locator("option:checked")).to_have_text(stage)

    def expect_history(self, text: str | re.Pattern[str]) -> None:
        expect(self.section("History").get_by_role("listitem").filter(has_text=text).first).to_be_visible()

    def history(self) -> list[str]:
        return self.section("History").get_by_role("listitem").all_inner_texts()

    def notes(self) -> list[str]:
        """Texts of the notes, newest first, each with its last line: who and when."""
        return self.section("Notes").get_by_role("listitem").all_inner_texts()

    def expect_newest_note(self, text: str) -> None:
        expect(self.section("Notes").get_by_role("listitem").first).to_contain_text(text)

    def expect_stale(self, *texts: str) -> None:
        alert = self.page.get_by_role("alert")
        for text in ("This lead was changed while you had it open", *texts):
            expect(alert).to_contain_text(text)
