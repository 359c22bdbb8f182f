"""The log-in page of either role."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from e2e.pages.frame import follow


class LogInPage:
    def __init__(self, page: Page, path: str = "/partner/login") -> None:
        self.page = page
        self.path = path

    def open(self) -> None:
        self.page.goto(self.path)

    @property
    def email(self) -> Locator:
        return self.page.get_by_label("E-mail")

    @property
    def password(self) -> Locator:
        return self.page.get_by_label("Password")

    @property
    def button(self) -> Locator:
        return self.page.get_by_role("button", name="Log in")

    def log_in(self, email: str, password: str) -> None:
        self.email.fill(email)
        self.password.fill(password)
        follow(self.button)

    def expect_left(self) -> None:
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()

    def expect_shown(self) -> None:
        expect(self.button).to_be_visible()

    def expect_refused(self, text: str = "E-mail or password is wrong.") -> None:
        expect(self.page.get_by_role("alert")).to_have_text(text)
        expect(self.password).to_have_value("")
