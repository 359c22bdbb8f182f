"""A contractor's own account."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from e2e.pages.frame import FramedPage, follow


class ContractorProfilePage(FramedPage):
    path = "/contractor"

    def expect_shown(self) -> None:
        expect(self.title).to_have_text("Profile")

    def detail(self, name: str) -> Locator:
        """What stands beside a name in the details."""
        entry = self.section("Your details").locator("dl > div").filter(has=self.page.get_by_text(name, exact=True))
        return entry.get_by_role("definition")

    def change_password(self, current: str, new: str, again: str | None = None) -> None:
        form = self.section("Change password")
        form.get_by_label("Current password").fill(current)
        form.get_by_label("New password", exact=True).fill(new)
        form.get_by_label("New password again").fill(new if again is None else again)
        follow(form.get_by_role("button", name="Change password"))

    def expect_complaint(self, field: str, text: str) -> None:
        """The field is marked as wrong and says why; no password stands in any field."""
        label = self.section("Change password").get_by_label(field, exact=True)
        expect(label).to_have_attribute("aria-invalid", "true")
        expect(label).to_have_accessible_description(text)
        for entry in self.section("Change password").locator("input[type=password]").all():
            expect(entry).to_have_value("")
