"""The pages can be read and used on a phone, without script, and without a mouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.pages.accounts import ContractorsPage, PartnersPage
from e2e.pages.admin_dashboard import AdminDashboardPage
from e2e.pages.lead import LeadPage
from e2e.pages.leads import LeadsPage
from e2e.pages.log_in import LogInPage
from e2e.pages.matches import MatchesPage
from e2e.pages.partner_dashboard import PartnerDashboardPage
from e2e.pages.profile import ContractorProfilePage, PartnerProfilePage
from fixtures.pages import PHONE
from harness.model.target import User

Contexts = Callable[..., BrowserContext]
Leads = Callable[..., dict[str, Any]]
Pictures = Callable[[Page, str], Path]

TEXT_PX_MIN = 12
"""No text is smaller; running text has 16."""
TARGET_PX_MIN = 24
"""WCAG 2.2, success criterion 2.5.8: what is tapped is at least 24 by 24 CSS pixels, links inside a sentence aside."""

_MEASURE = """
([textMin, targetMin]) => {
  const box = element => element.getBoundingClientRect();
  const clipped = element => element && (box(element).width <= 1 || clipped(element.parentElement));
  const shown = element => element.checkVisibility() && !clipped(element);
  const name = element => `${element.tagName.toLowerCase()} "${(element.innerText || element.name || '').slice(0, 40)}"`;
  const all = [...document.querySelectorAll('body *')].filter(shown);
  const holdsText = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  const size = element => parseFloat(getComputedStyle(element).fontSize);
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    outside: all.filter(e => holdsText(e) && (box(e).right > innerWidth + 1 || box(e).left < -1)).map(name),
    spilled: all.filter(e => holdsText(e) && !e.closest('svg') && box(e).right > box(e.parentElement).right + 1).map(name),
    small: all.filter(e => holdsText(e) && size(e) < textMin && !e.closest('svg')).map(name),
    cramped: [...document.querySelectorAll('button, input:not([type=hidden]), select, textarea, nav a')].filter(shown)
      .filter(e => box(e).width < targetMin || box(e).height < targetMin)
      .filter(e => !(e.labels?.length && box(e.labels[0]).width >= targetMin && e.type === 'checkbox')).map(name),
    zoom: document.querySelector('meta[name=viewport]').content,
  };
}
"""


def measured(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(_MEASURE, [TEXT_PX_MIN, TARGET_PX_MIN])
    return found


def expect_readable(page: Page) -> None:
    """Nothing is cut off, sideways or over something else, too small to read or to tap, and one may zoom in."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    found = measured(page)
    assert found["overflow"] <= 0, f"{page.url} is {found['overflow']} px wider than the screen"
    kinds = ("outside", "spilled", "small", "cramped")
    assert {kind: found[kind] for kind in kinds} == {kind: [] for kind in kinds}, page.url
    assert "user-scalable" not in found["zoom"]
    assert "maximum-scale" not in found["zoom"]


@pytest.mark.flow("partner works a lead on a phone")
def test_partner_pages_are_readable_on_a_phone(context_for: Contexts, take_lead: Leads, picture: Pictures) -> None:
    lead = take_lead(stage="new")
    page = context_for("partner", **PHONE).new_page()
    dashboard, leads, shown = PartnerDashboardPage(page), LeadsPage(page), LeadPage(page, lead["id"])
    dashboard.open()
    expect_readable(page)
    picture(page, "dashboard")
    dashboard.go_to("Leads")
    leads.expect_shown()
    expect_readable(page)
    picture(page, "leads")
    leads.search(lead["contractor"]["email"])
    leads.expect_total(1)
    row = leads.table.get_by_role("row").filter(has_text=lead["contractor"]["name"])
    for text in (lead["contractor"]["company_name"], "New", "Follow-up", "Last contact"):
        expect(row.get_by_text(text, exact=True)).to_be_visible()
    leads.open_lead(lead["contractor"]["name"])
    shown.expect_lead(lead["contractor"]["name"])
    expect_readable(page)
    shown.move_to("Contacted")
    shown.expect_message("The lead was moved to Contacted.")
    expect_readable(page)
    picture(page, "lead")
    PartnerProfilePage(page).open()
    expect_readable(page)
    picture(page, "profile")


@pytest.mark.flow("contractor reads matches and profile on a phone")
def test_contractor_pages_are_readable_on_a_phone(context_for: Contexts, picture: Pictures) -> None:
    page = context_for("contractor", **PHONE).new_page()
    for shown in (MatchesPage(page), ContractorProfilePage(page)):
        shown.open()
        shown.expect_shown()
        expect_readable(page)
        picture(page, shown.path.rpartition("/")[2])


@pytest.mark.flow("admin reads the dashboard on a phone")
def test_admin_and_log_in_pages_are_readable_on_a_phone(context_for: Contexts, new_context: Contexts, picture: Pictures) -> None:
    page = context_for("admin", **PHONE).new_page()
    AdminDashboardPage(page).open()
    expect_readable(page)
    picture(page, "admin dashboard")
    for accounts in (PartnersPage(page), ContractorsPage(page)):
        accounts.open()
        accounts.expect_shown()
        expect_readable(page)
        picture(page, accounts.name)
    entrance = new_context(**PHONE).new_page()
    for path in ("/partner/login", "/contractor/login", "/contractor/register", "/admin/login", "/nowhere"):
        entrance.goto(path)
        expect_readable(entrance)
    picture(entrance, "problem")


@pytest.mark.flow("the measure of readability notices what is not readable")
def test_the_measure_notices_what_is_not_readable(page: Page) -> None:
    page.goto("/partner/login")
    expect_readable(page)
    page.get_by_role("button", name="Log in").evaluate("button => button.style.cssText = 'min-height:0;height:12px;padding:0'")
    page.get_by_role("heading", level=1).evaluate("heading => heading.style.cssText = 'font-size:9px;width:3000px'")
    found = measured(page)
    assert found["overflow"] > 0
    assert found["outside"] == found["spilled"] == ['h1 "Partner portal"']
    assert found["small"] == ['h1 "Partner portal"']
    assert found["cramped"] == ['button "Log in"']


@pytest.mark.proves("4.2.7.a")
@pytest.mark.flow("everything works without script")
def test_pages_work_without_script(
    new_context: Contexts, account: Callable[..., User], take_lead: Leads, lead_now: Leads, picture: Pictures
) -> None:
    lead = take_lead(stage="new")
    page = new_context(java_script_enabled=False).new_page()
    entrance, dashboard, leads, shown = LogInPage(page), PartnerDashboardPage(page), LeadsPage(page), LeadPage(page, lead["id"])
    entrance.open()
    entrance.log_in(account().username, account().password)
    dashboard.expect_shown()
    assert sum(dashboard.stage_counts().values()) > 0
    picture(page, "dashboard without script")
    dashboard.go_to("Leads")
    leads.narrow(lowest=str(lead["match_score"]), highest=str(lead["match_score"]))
    leads.search(lead["contractor"]["email"])
    leads.open_lead(lead["contractor"]["name"])
    shown.move_to("Meeting scheduled")
    shown.expect_message("The lead was moved to Meeting scheduled.")
    shown.add_note("Written without script.")
    shown.expect_newest_note("Written without script.")
    picture(page, "lead without script")
    assert lead_now(lead["id"])["engagement_stage"] == "meeting_scheduled"
    shown.log_out()
    entrance.expect_shown()
    AdminDashboardPage(page).open()
    entrance.log_in(account("admin").username, account("admin").password)
    expect(page.get_by_role("region", name="Busiest partners")).to_be_visible()
    assert page.locator("script").count() == 0


@pytest.mark.flow("partner logs in and finds a lead by keyboard alone")
def test_the_keyboard_is_enough(page: Page, account: Callable[..., User], take_lead: Leads, picture: Pictures) -> None:
    lead = take_lead(stage="contacted")
    page.goto("/partner/login")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(account().username)
    page.keyboard.press("Tab")
    page.keyboard.type(account().password)
    page.keyboard.press("Enter")
    PartnerDashboardPage(page).expect_shown()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    picture(page, "skip link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.goto("/partner/leads")
    LeadsPage(page).form.get_by_label("Search").focus()
    page.keyboard.type(lead["contractor"]["email"])
    page.keyboard.press("Enter")
    LeadsPage(page).expect_total(1)
    link = page.get_by_role("link", name=lead["contractor"]["name"])
    for _ in range(25):
        if link.evaluate("link => link === document.activeElement"):
            break
        page.keyboard.press("Tab")
    picture(page, "focus on the lead")
    page.keyboard.press("Enter")
    LeadPage(page, lead["id"]).expect_lead(lead["contractor"]["name"])
