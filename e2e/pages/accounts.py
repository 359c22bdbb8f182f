"""The administrators' lists of partners and contractors."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from e2e.pages.frame import FramedPage, follow


class AccountsPage(FramedPage):
    """Either list; `path` and `name` say which."""

    name = ""

    def expect_shown(self) -> None:
        expect(self.title).to_have_text(self.name)

    @property
    def form(self) -> Locator:
        return self.page.get_by_role("search", name=self.name)

    @property
    def table(self) -> Locator:
        return self.page.get_by_role("table", name=self.name)

    def names(self) -> list[str]:
        """The first line of each row, in order."""
        return [text.splitlines()[0].strip() for text in self.table.get_by_role("rowheader").all_inner_texts()]

    def search(self, text: str) -> None:
        self.form.get_by_label("Search").fill(text)
        follow(self.form.get_by_role("button", name="Apply"))

    def row(self, text: str) -> Locator:
        return self.table.get_by_role("row").filter(has_text=text)

    def export(self) -> str:
        """What the file says that the button gives."""
        with self.page.expect_download() as coming:
            self.main.get_by_role("button", name="Export").click()
        return coming.value.path().read_text(encoding="utf-8")


class PartnersPage(AccountsPage):
    path, name = "/admin/partners", "Partners"

    def choose_approval(self, label: str) -> None:
        self.form.get_by_label("Approval").select_option(label=label)
        follow(self.form.get_by_role("button", name="Apply"))

    def decide(self, partner: str, decision: str) -> None:
        follow(self.row(partner).get_by_role("button", name=decision))


class ContractorsPage(AccountsPage):
    path, name = "/admin/contractors", "Contractors"
