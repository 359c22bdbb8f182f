"""One's own account: what it says about itself, and its password; contractors' and partners' alike."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from e2e.pages.frame import FramedPage, follow


class ProfilePage(FramedPage):
    path = "/contractor/profile"

    def expect_shown(self) -> None:
        expect(self.title).to_have_text("Profile")

    @property
    def form(self) -> Locator:
        return self.section("Your business")

    def field(self, label: str) -> Locator:
        return self.form.get_by_label(label, exact=True)

    def ticked(self, group: str) -> set[str]:
        """The labels of the boxes that are ticked in a group."""
        boxes = self.form.get_by_role("group", name=group).locator("label").filter(has=self.page.locator("input:checked"))
        return {text.strip() for text in boxes.all_inner_texts()}

    def tick_only(self, group: str, *labels: str) -> None:
        for box in self.form.get_by_role("group", name=group).locator("label").all():
            box.set_checked(box.inner_text().strip() in labels)

    def save(self) -> None:
        follow(self.form.get_by_role("button", name="Save profile"))

    def change_password(self, current: str, new: str, again: str | None = None) -> None:
        form = self.section("Change password")
        form.get_by_label("Current password").fill(current)
        form.get_by_label("New password", exact=True).fill(new)
        form.get_by_label("New password again").fill(new if again is None else again)
        follow(form.get_by_role("button", name="Change password"))

    def expect_complaint(self, field: str, text: str) -> None:
        """The field is marked as wrong and says why; no password stands in any field."""
        label = self.main.get_by_label(field, exact=True)
        expect(label).to_have_attribute("aria-invalid", "true")
        expect(label).to_have_accessible_description(text)
        for entry in self.section("Change password").locator("input[type=password]").all():
            expect(entry).to_have_value("")


class ContractorProfilePage(ProfilePage):
    path = "/contractor/profile"


class PartnerProfilePage(ProfilePage):
    path = "/partner/profile"
