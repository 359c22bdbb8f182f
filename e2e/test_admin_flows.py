"""What an administrator comes for: the platform at a glance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

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
