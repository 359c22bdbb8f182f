"""What a partner comes for: log in, find a lead, work it, log out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.pages.frame import ProblemPage
from e2e.pages.lead import LeadPage
from e2e.pages.leads import LeadsPage
from e2e.pages.log_in import LogInPage
from e2e.pages.partner_dashboard import PartnerDashboardPage
from harness.model.target import User

if TYPE_CHECKING:
    from playwright._impl._api_structures import SetCookieParam

pytestmark = pytest.mark.proves("7.1.3.a")

Contexts = Callable[..., BrowserContext]
Pictures = Callable[[Page, str], Path]
Leads = Callable[..., dict[str, Any]]
Api = Callable[..., httpx.Client]

LIST = "/api/partner-portal/leads"


@pytest.fixture
def leads(context_for: Contexts) -> LeadsPage:
    """The first partner's list of leads, open."""
    shown = LeadsPage(context_for("partner").new_page())
    shown.open()
    return shown


def opened(contexts: Contexts, lead: dict[str, Any], user: str = "one") -> LeadPage:
    shown = LeadPage(contexts("partner", user).new_page(), lead["id"])
    shown.open()
    shown.expect_lead(lead["contractor"]["name"])
    return shown


def listed(api: Api, **query: str | int) -> dict[str, Any]:
    """What the API lists under the same filter."""
    return api().get(LIST, params={"limit": 20, **query}).raise_for_status().json()  # type: ignore[no-any-return]


def bodies(lead: dict[str, Any]) -> list[str]:
    """The notes of a lead, newest first."""
    return [note["body"] for note in lead["notes"]]


# -------------------------------------------------------------------------------------------------------------- logging in


@pytest.mark.flow("partner logs in and finds the dashboard")
def test_partner_logs_in(page: Page, account: Callable[..., User], api: Api, picture: Pictures) -> None:
    entrance, dashboard = LogInPage(page), PartnerDashboardPage(page)
    entrance.open()
    picture(page, "log-in page")
    entrance.log_in(account().username, account().password)
    dashboard.expect_shown()
    picture(page, "dashboard")
    stats = api().get(f"{LIST}/stats").json()["stats"]
    assert dashboard.figure("Leads") == f"{stats['total']:,}"
    assert dashboard.figure("Follow-ups due") == str(stats["follow_ups_due"])
    assert sum(dashboard.stage_counts().values()) == stats["total"]
    best = api().get("/api/partner-portal/dashboard").json()["dashboard"]["new_leads"]
    assert dashboard.new_leads() == [lead["contractor"]["name"] for lead in best]


@pytest.mark.flow("a wrong password is refused")
def test_wrong_log_in_is_refused(page: Page, account: Callable[..., User], picture: Pictures) -> None:
    entrance, partner, admin = LogInPage(page), account(), account("admin")
    entrance.open()
    wrong_ones = (
        (partner.username, partner.password + "x"),
        ("nobody@example.test", partner.password),
        (admin.username, admin.password),
    )
    for email, password in wrong_ones:
        entrance.log_in(email, password)
        entrance.expect_refused()
        expect(entrance.email).to_have_value(email)
    picture(page, "refused")
    page.goto("/partner")
    entrance.expect_shown()


@pytest.mark.flow("partner logs in on the way to a lead")
def test_log_in_leads_back_to_the_page_that_was_wanted(page: Page, account: Callable[..., User], take_lead: Leads) -> None:
    lead = take_lead(stage="contacted")
    wanted = LeadPage(page, lead["id"])
    wanted.open()
    LogInPage(page).log_in(account().username, account().password)
    wanted.expect_lead(lead["contractor"]["name"])
    expect(page).to_have_url(re.compile(rf"{wanted.path}$"))


# --------------------------------------------------------------------------------------------------------------- the list


@pytest.mark.flow("partner filters leads by stage")
def test_partner_filters_by_stage(leads: LeadsPage, api: Api, picture: Pictures) -> None:
    leads.choose_stage("Contacted")
    leads.expect_filters("Contacted")
    picture(leads.page, "contacted only")
    expected = listed(api, engagement_stage="contacted")
    leads.expect_total(expected["pagination"]["total"])
    assert leads.ids() == [lead["id"] for lead in expected["leads"]]
    assert {row.stage for row in leads.rows()} == {"Contacted"}
    leads.remove_filter("Contacted")
    leads.expect_total(listed(api)["pagination"]["total"])


@pytest.mark.flow("partner narrows leads by status, score and primary match")
def test_partner_narrows_the_list(leads: LeadsPage, api: Api, picture: Pictures) -> None:
    leads.narrow(status="Active", lowest="60", highest="85", primary=True)
    leads.expect_filters("Active", "Score 60–85", "Primary matches")
    picture(leads.page, "narrowed")
    expected = listed(api, status="active", min_score=60, max_score=85, primary_only="true")
    leads.expect_total(expected["pagination"]["total"])
    rows = leads.rows()
    assert [row.id for row in rows] == [lead["id"] for lead in expected["leads"]]
    assert all(60 <= row.score <= 85 and row.primary and row.status == "Active" for row in rows)
    leads.remove_filter("Score 60–85")
    leads.expect_filters("Active", "Primary matches")


@pytest.mark.flow("partner searches leads")
def test_partner_searches(leads: LeadsPage, api: Api, picture: Pictures) -> None:
    wanted = leads.rows()[3]
    leads.search(wanted.company.upper())
    leads.expect_filters(f"“{wanted.company.upper()}”")
    expected = listed(api, search=wanted.company)
    leads.expect_total(expected["pagination"]["total"])
    assert leads.ids() == [lead["id"] for lead in expected["leads"]]
    picture(leads.page, "found")
    leads.search("% nobody has this name _")
    leads.expect_empty("No lead fits")
    picture(leads.page, "nothing found")


@pytest.mark.flow("partner pages through the leads")
def test_partner_pages_through_the_list(leads: LeadsPage, api: Api, picture: Pictures) -> None:
    total = listed(api)["pagination"]["total"]
    seen, pages = leads.ids(), 1
    while leads.has_next() and pages < 10:
        leads.next()
        pages += 1
        leads.expect_page(pages)
        seen += leads.ids()
    picture(leads.page, "last page read")
    assert len(seen) == len(set(seen)) == min(total, 200)
    assert pages == min(-(-total // 20), 10)
    leads.previous()
    leads.expect_page(pages - 1)


@pytest.mark.flow("a filter that makes no sense is explained")
def test_senseless_filter_is_explained(leads: LeadsPage, picture: Pictures) -> None:
    leads.narrow(lowest="90", highest="20")
    leads.expect_complaint("Highest score", "The highest score must not be below the lowest.")
    picture(leads.page, "senseless filter")


# ---------------------------------------------------------------------------------------------------------------- one lead


@pytest.mark.flow("partner moves a lead")
def test_partner_moves_a_lead(context_for: Contexts, take_lead: Leads, lead_now: Leads, picture: Pictures) -> None:
    lead = take_lead(stage="new")
    shown = opened(context_for, lead)
    picture(shown.page, "before")
    shown.move_to("Contacted")
    shown.expect_message("The lead was moved to Contacted.")
    shown.expect_stage("Contacted")
    shown.expect_history("Stage changed from New to Contacted")
    picture(shown.page, "moved")
    now = lead_now(lead["id"])
    assert (now["engagement_stage"], now["version"]) == ("contacted", lead["version"] + 1)
    shown.page.reload()
    expect(shown.page.get_by_role("status")).to_have_count(0)
    shown.expect_stage("Contacted")


@pytest.mark.flow("partner plans a follow-up and closes the lead")
def test_closing_a_lead_clears_its_follow_up(context_for: Contexts, take_lead: Leads, lead_now: Leads) -> None:
    lead = take_lead(stage="new")
    shown = opened(context_for, lead)
    day = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    shown.follow_up.fill(day)
    shown.save()
    shown.expect_message("Your changes were saved.")
    assert lead_now(lead["id"])["next_follow_up"] == day
    shown.move_to("Won")
    shown.expect_message("The lead was moved to Won.")
    expect(shown.follow_up).to_have_value("")
    now = lead_now(lead["id"])
    assert (now["engagement_stage"], now["next_follow_up"]) == ("won", None)


@pytest.mark.flow("partner adds a note")
def test_partner_adds_notes(context_for: Contexts, take_lead: Leads, lead_now: Leads, picture: Pictures) -> None:
    lead = take_lead(stage="new")
    shown = opened(context_for, lead)
    shown.add_note("Called the owner.\nWants a quote by Friday.")
    shown.expect_message("Your note was added.")
    shown.expect_newest_note("Called the owner.\nWants a quote by Friday.")
    hostile = "<b onclick=alert(1)>bold</b> & <script>document.title='owned'</script> {{ 7*7 }}"
    shown.add_note(hostile)
    shown.expect_newest_note(hostile)
    picture(shown.page, "two notes")
    expect(shown.page).to_have_title(re.compile(f"^{re.escape(lead['contractor']['name'])}"))
    assert bodies(lead_now(lead["id"]))[:2] == [hostile, "Called the owner.\nWants a quote by Friday."]


@pytest.mark.flow("an empty note is refused")
def test_an_empty_note_is_refused(context_for: Contexts, take_lead: Leads, lead_now: Leads, picture: Pictures) -> None:
    lead = take_lead(stage="contacted")
    shown = opened(context_for, lead)
    before = lead_now(lead["id"])
    shown.add_note(" \n ")
    expect(shown.note).to_have_accessible_description("Write something first.")
    picture(shown.page, "empty note")
    assert lead_now(lead["id"])["notes"] == before["notes"]


@pytest.mark.flow("a change based on an outdated page is refused")
def test_an_outdated_change_is_refused(context_for: Contexts, take_lead: Leads, lead_now: Leads, picture: Pictures) -> None:
    lead = take_lead(stage="new")
    first = opened(context_for, lead)
    second = LeadPage(first.page.context.new_page(), lead["id"])
    second.open()
    first.move_to("Proposal sent")
    first.expect_stage("Proposal sent")
    second.move_to("Lost")
    second.expect_stale("Your change was not saved.", "The lead is now Proposal sent")
    picture(second.page, "outdated change")
    assert lead_now(lead["id"])["engagement_stage"] == "proposal_sent"
    second.expect_stage("Lost")
    second.save()
    second.expect_message("The lead was moved to Lost.")
    assert lead_now(lead["id"])["engagement_stage"] == "lost"


@pytest.mark.flow("a note on an outdated page is refused and kept")
def test_an_outdated_note_is_kept(context_for: Contexts, take_lead: Leads, lead_now: Leads, picture: Pictures) -> None:
    lead = take_lead(stage="new")
    first = opened(context_for, lead)
    second = LeadPage(first.page.context.new_page(), lead["id"])
    second.open()
    first.move_to("Contacted")
    first.expect_stage("Contacted")
    second.add_note("Meanwhile, on another page.")
    second.expect_stale("Your note was not saved.")
    expect(second.note).to_have_value("Meanwhile, on another page.")
    picture(second.page, "outdated note")
    second.add_note("Meanwhile, on another page.")
    second.expect_message("Your note was added.")
    assert bodies(lead_now(lead["id"])).count("Meanwhile, on another page.") == 1


# -------------------------------------------------------------------------------------------------------- others' leads, out


@pytest.mark.flow("two partners cannot see each other's lead")
def test_another_partners_lead_looks_like_none(context_for: Contexts, take_lead: Leads, picture: Pictures) -> None:
    leads = {user: take_lead(stage="new", user=user) for user in ("one", "two")}
    for user, other in (("one", "two"), ("two", "one")):
        own = opened(context_for, leads[user], user)
        answer = own.page.goto(f"/partner/leads/{leads[other]['id']}")
        assert answer is not None
        assert answer.status == 404
        ProblemPage(own.page).expect("Not found", "There is no such lead.")
        expect(own.page.get_by_text(leads[other]["contractor"]["name"])).to_have_count(0)
        picture(own.page, f"partner {user} asks for a lead of {other}")
        listing = LeadsPage(own.page)
        listing.open()
        email = leads[other]["contractor"]["email"]
        listing.search(email)
        listing.expect_filters(f"“{email}”")
        assert leads[other]["id"] not in listing.ids()


@pytest.mark.flow("partner logs out")
def test_partner_logs_out(page: Page, account: Callable[..., User], picture: Pictures) -> None:
    entrance, dashboard = LogInPage(page), PartnerDashboardPage(page)
    entrance.open()
    entrance.log_in(account().username, account().password)
    dashboard.go_to("Leads")
    LeadsPage(page).expect_shown()
    kept = page.context.cookies()
    dashboard.log_out()
    expect(page.get_by_role("status")).to_have_text("You are logged out.")
    entrance.expect_shown()
    picture(page, "logged out")
    page.go_back()
    entrance.expect_shown()
    page.context.add_cookies([cast("SetCookieParam", cookie) for cookie in kept if "session" in cookie["name"]])
    page.goto("/partner/leads")
    entrance.expect_shown()
