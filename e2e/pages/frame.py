"""What all pages of somebody who is logged in share."""

from __future__ import annotations

import re
from typing import Literal

from playwright.sync_api import Locator, Page, expect


def follow(control: Locator) -> None:
    """Clicks what leads to another page and waits for it: by the browser's own event, not by looking again and again."""
    with control.page.expect_navigation():
        control.click()


class FramedPage:
    """A page with the site's header; `path` opens it."""

    path = "/"

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> None:
        self.page.goto(self.path)

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def title(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    def section(self, title: str) -> Locator:
        return self.main.get_by_role("region", name=title)

    def go_to(self, name: Literal["Dashboard", "Leads", "Matches", "Profile"]) -> None:
        follow(self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name))

    def log_out(self) -> None:
        follow(self.page.get_by_role("button", name="Log out"))

    def expect_message(self, text: str) -> None:
        expect(self.page.get_by_role("status")).to_have_text(text)

    def expect_user(self, name: str) -> None:
        expect(self.page.get_by_role("banner")).to_contain_text(name)


class ProblemPage(FramedPage):
    """A page that says why there is no other one."""

    def expect(self, title: str, message: str | re.Pattern[str]) -> None:
        expect(self.title).to_have_text(title)
        expect(self.main).to_contain_text(message)
