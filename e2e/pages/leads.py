"""The list of leads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from e2e.pages.frame import FramedPage, follow


@dataclass(frozen=True)
class Row:
    """One lead of the list as a person reads it."""

    id: int
    score: int
    name: str
    company: str
    primary: bool
    stage: str
    status: str


class LeadsPage(FramedPage):
    path = "/partner/leads"

    def expect_shown(self) -> None:
        expect(self.title).to_have_text("Leads")

    @property
    def form(self) -> Locator:
        return self.page.get_by_role("search", name="Leads")

    @property
    def table(self) -> Locator:
        return self.page.get_by_role("table", name="Leads")

    def rows(self) -> list[Row]:
        """The leads that this page shows, in order."""
        cells = self.table.get_by_role("cell").all_inner_texts()
        headers = self.table.get_by_role("rowheader").all_inner_texts()
        columns = len(cells) // len(headers) if headers else 0
        rows = [cells[start : start + columns] for start in range(0, len(cells), columns or 1)]
        return [_row(number, header, row) for number, header, row in zip(self.ids(), headers, rows, strict=True)]

    def ids(self) -> list[int]:
        """The numbers of the leads that this page shows, from their links."""
        links = self.table.get_by_role("rowheader").get_by_role("link")
        addresses = links.evaluate_all("links => links.map(link => link.pathname)")
        return [int(address.rpartition("/")[2]) for address in addresses]

    def search(self, text: str) -> None:
        self.form.get_by_label("Search").fill(text)
        self.apply()

    def choose_stage(self, stage: str) -> None:
        self.form.get_by_label("Stage").select_option(label=stage)
        self.apply()

    def narrow(self, *, status: str = "", lowest: str = "", highest: str = "", primary: bool = False) -> None:
        """Sets the filters behind "More filters" and applies them."""
        if not self.form.get_by_label("Lowest score").is_visible():
            self.form.get_by_text("More filters").click()
        if status:
            self.form.get_by_label("Status").select_option(label=status)
        self.form.get_by_label("Lowest score").fill(lowest)
        self.form.get_by_label("Highest score").fill(highest)
        self.form.get_by_label("Primary matches only").set_checked(primary)
        self.apply()

    def apply(self) -> None:
        follow(self.form.get_by_role("button", name="Apply"))

    def remove_filter(self, label: str) -> None:
        follow(self.form.get_by_role("link", name=f"Remove the filter {label}"))

    def expect_filters(self, *labels: str) -> None:
        chips = self.form.get_by_role("list", name="Filters in force").get_by_role("link")
        expect(chips).to_have_text([f"Remove the filter {label}" for label in labels])

    def expect_total(self, total: int) -> None:
        expect(self.main).to_contain_text(re.compile(rf"(^|\s){total:,} leads?\b"))

    def expect_empty(self, title: str) -> None:
        expect(self.main.get_by_role("heading", level=2, name=title)).to_be_visible()
        expect(self.table).to_have_count(0)

    def expect_complaint(self, field: str, text: str) -> None:
        """The field is marked as wrong, and says so to whoever cannot see the mark."""
        expect(self.form.get_by_label(field)).to_have_attribute("aria-invalid", "true")
        expect(self.form.get_by_label(field)).to_have_accessible_description(text)
        expect(self.table).to_have_count(0)

    @property
    def pager(self) -> Locator:
        return self.page.get_by_role("navigation", name="Pages")

    def expect_page(self, number: int) -> None:
        expect(self.pager.locator("[aria-current=page]")).to_have_text(f"Page {number}")

    def next(self) -> None:
        follow(self.pager.get_by_role("link", name="Next"))

    def previous(self) -> None:
        follow(self.pager.get_by_role("link", name="Previous"))

    def has_next(self) -> bool:
        return self.pager.get_by_role("link", name="Next").is_visible()

    @property
    def bulk(self) -> Locator:
        return self.page.get_by_role("form", name="Ticked leads")

    def tick(self, *ids: int) -> None:
        for number in ids:
            self.table.locator(f"input[name=lead][value^='{number}:']").check()

    def move_ticked(self, stage: str) -> None:
        self.bulk.get_by_label("Move ticked leads to").select_option(label=stage)
        follow(self.bulk.get_by_role("button", name="Move"))

    def export(self) -> str:
        """What the file says that the button gives."""
        with self.page.expect_download() as coming:
            self.bulk.get_by_role("button", name="Export").click()
        return coming.value.path().read_text(encoding="utf-8")

    def open_lead(self, name: str) -> None:
        follow(self.table.get_by_role("link", name=name, exact=True).first)


def _row(number: int, header: str, cells: list[str]) -> Row:
    lines = [line.strip() for line in header.splitlines() if line.strip()]
    name, *rest = [line for line in lines if line != "Primary match"]
    return Row(
        id=number,
        score=int(cells[1]),
        name=name,
        company=rest[0],
        primary="Primary match" in lines,
        stage=cells[2],
        status=cells[3],
    )
