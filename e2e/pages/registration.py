"""Registering as a contractor: two pages."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from e2e.pages.frame import follow


class RegistrationPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> None:
        self.page.goto("/contractor/login")
        follow(self.page.get_by_role("link", name="Register as a contractor"))

    def apply(self, *, name: str, company: str, email: str, phone: str) -> None:
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("Company").fill(company)
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Mobile phone").fill(phone)
        follow(self.page.get_by_role("button", name="Send the code"))

    def expect_code_wanted(self) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Enter the code")

    def enter(self, code: str, password: str) -> None:
        self.page.get_by_label("Code").fill(code)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_label("Password again").fill(password)
        follow(self.page.get_by_role("button", name="Register"))

    def expect_complaint(self, field: str, text: str) -> None:
        """The field is marked as wrong and says why."""
        label = self.page.get_by_label(field, exact=True)
        expect(label).to_have_attribute("aria-invalid", "true")
        expect(label).to_have_accessible_description(text)
