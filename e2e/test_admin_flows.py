"""What an administrator comes for: the platform at a glance, its partners and its contractors."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.pages.accounts import ContractorsPage, PartnersPage
from e2e.pages.admin_dashboard import AdminDashboardPage
from e2e.pages.frame import ProblemPage
from e2e.pages.log_in import LogInPage
from harness.model.target import User

pytestmark = pytest.mark.proves("7.1.3.a")

Contexts = Callable[..., BrowserContext]
Pictures = Callable[[Page, str], Path]
Api = Callable[..., httpx.Client]


@pytest.mark.flow("admin logs in, reads the dashboard, logs out")
def test_admin_reads_the_dashboard(page: Page, account: Callable[..., User], api: Api, picture: Pictures) -> None:
    entrance, dashboard = LogInPage(page, "/admin/login"), AdminDashboardPage(page)
    entrance.open()
    picture(page, "log-in page")
    entrance.log_in(account("admin").username, account("admin").password)
    dashboard.expect_shown()
    dashboard.expect_activity()
    picture(page, "dashboard")
    board = api("admin").get("/api/admin/dashboard").raise_for_status().json()["dashboard"]
    assert dashboard.figure("Partners") == f"{board['partners']:,}"
    assert dashboard.figure("Contractors") == f"{board['contractors']:,}"
    assert dashboard.figure("Leads") == f"{board['leads']:,}"
    assert sum(dashboard.stage_counts().values()) == board["leads"]
    ranks = [(rank["company_name"], rank["leads"], rank["won"]) for rank in board["top_partners"]]
    assert dashboard.busiest_partners() == ranks
    dashboard.log_out()
    entrance.expect_shown()
    page.goto("/admin")
    entrance.expect_shown()


@pytest.mark.flow("a partner's account does not open the administration")
def test_a_partner_cannot_log_in_as_admin(page: Page, account: Callable[..., User], picture: Pictures) -> None:
    entrance = LogInPage(page, "/admin/login")
    entrance.open()
    entrance.log_in(account("partner").username, account("partner").password)
    entrance.expect_refused()
    picture(page, "refused")


@pytest.mark.flow("each role is kept to its own pages")
@pytest.mark.parametrize(
    ("role", "path", "audience"),
    [("partner", "/admin", "administrators"), ("admin", "/partner/leads", "partners"), ("partner", "/contractor", "contractors")],
)
def test_roles_keep_to_their_own_pages(context_for: Contexts, picture: Pictures, role: str, path: str, audience: str) -> None:
    page = context_for(role).new_page()
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 403
    ProblemPage(page).expect("This page is not for you", f"This page is for {audience}.")
    picture(page, "kept out")
    page.get_by_role("link", name="Go to your dashboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")


@pytest.mark.flow("admin finds a partner, suspends and approves it")
def test_admin_decides_on_a_partner(context_for: Contexts, api: Api, picture: Pictures) -> None:
    partners = PartnersPage(context_for("admin").new_page())
    partners.open()
    partners.choose_approval("Not approved")
    waiting = api("admin").get("/api/admin/partners", params={"is_active": "false", "limit": 20}).raise_for_status().json()
    assert partners.names() == [partner["company_name"] for partner in waiting["partners"]]
    picture(partners.page, "not approved")
    chosen = waiting["partners"][0]
    partners.search(chosen["email"])
    partners.decide(chosen["email"], "Approve")
    partners.expect_message("The partner was approved and can log in.")
    partners.page.goto("/admin/partners")
    partners.search(chosen["email"])
    expect(partners.row(chosen["email"])).to_contain_text("Approved")
    outdated = PartnersPage(partners.page.context.new_page())
    outdated.open()
    outdated.search(chosen["email"])
    partners.decide(chosen["email"], "Suspend")
    partners.expect_message("The partner was suspended; its sessions have ended.")
    outdated.decide(chosen["email"], "Suspend")
    outdated.expect_message("The partner was changed meanwhile; nothing was decided. Look again.")
    expect(partners.row(chosen["email"])).to_contain_text("Not approved")


@pytest.mark.flow("admin finds contractors and exports them")
def test_admin_finds_and_exports_contractors(context_for: Contexts, api: Api, picture: Pictures) -> None:
    contractors = ContractorsPage(context_for("admin").new_page())
    contractors.open()
    picture(contractors.page, "contractors")
    listed = api("admin").get("/api/contractors", params={"limit": 20}).raise_for_status().json()["contractors"]
    assert contractors.names() == [contractor["name"] for contractor in listed]
    wanted = listed[3]
    contractors.search(wanted["email"])
    expect(contractors.row(wanted["email"])).to_contain_text(wanted["company_name"])
    rows = list(csv.DictReader(io.StringIO(contractors.export(), newline="")))
    assert [row["email"] for row in rows] == [wanted["email"]]
    contractors.search("% nobody has this name _")
    expect(contractors.main).to_contain_text("Nobody fits")


@pytest.mark.flow("admin exports partners")
def test_admin_exports_partners(context_for: Contexts, api: Api) -> None:
    partners = PartnersPage(context_for("admin").new_page())
    partners.open()
    rows = list(csv.DictReader(io.StringIO(partners.export(), newline="")))
    listed = api("admin").get("/api/admin/partners", params={"limit": 100}).raise_for_status().json()
    assert [int(row["id"]) for row in rows[:100]] == [partner["id"] for partner in listed["partners"]]
