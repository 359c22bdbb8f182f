"""What a contractor comes for: log in, look after its own account."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.pages.contractor_profile import ContractorProfilePage
from e2e.pages.log_in import LogInPage
from harness.model.target import User

pytestmark = pytest.mark.proves("7.1.3.a")

Accounts = Callable[..., User]
Api = Callable[..., httpx.Client]
Contexts = Callable[..., BrowserContext]
Pictures = Callable[[Page, str], Path]


@pytest.mark.flow("contractor logs in, reads the profile, logs out")
def test_contractor_reads_the_profile(page: Page, account: Accounts, api: Api, picture: Pictures) -> None:
    entrance, profile = LogInPage(page, "/contractor/login"), ContractorProfilePage(page)
    entrance.open()
    picture(page, "log-in page")
    entrance.log_in(account("contractor").username, account("contractor").password)
    profile.expect_shown()
    picture(page, "profile")
    told = api("contractor").get("/api/contractor-auth/profile").raise_for_status().json()["contractor"]
    for label, member in (("Name", "name"), ("Company", "company_name"), ("E-mail", "email"), ("Phone", "phone")):
        expect(profile.detail(label)).to_have_text(told[member])
    profile.expect_user(told["name"])
    profile.log_out()
    entrance.expect_shown()
    page.goto("/contractor")
    entrance.expect_shown()


@pytest.mark.flow("contractor's new password is refused for what is wrong with it")
def test_a_refused_password_says_why(context_for: Contexts, account: Accounts, picture: Pictures) -> None:
    profile = ContractorProfilePage(context_for("contractor").new_page())
    current, good = account("contractor").password, "Aa1" + secrets.token_hex(8)
    profile.open()
    profile.change_password(current, good, again=good + "x")
    profile.expect_complaint("New password again", "The two new passwords differ.")
    profile.change_password(current + "x", good)
    profile.expect_complaint("Current password", "The current password is wrong.")
    profile.change_password(current, "only-small-letters")
    profile.expect_complaint("New password", "The new password must have an upper-case letter, must have a digit.")
    picture(profile.page, "refused")
    profile.open()
    profile.expect_shown()


@pytest.mark.flow("contractor changes the password and logs in with the new one")
def test_a_new_password_ends_the_session(page: Page, account: Accounts, picture: Pictures) -> None:
    entrance, profile = LogInPage(page, "/contractor/login"), ContractorProfilePage(page)
    user, new = account("contractor", "two"), "Aa1" + secrets.token_hex(8)
    entrance.open()
    entrance.log_in(user.username, user.password)
    profile.change_password(user.password, new)
    expect(page.get_by_role("status")).to_have_text("Your password was changed. Please log in with the new one.")
    picture(page, "changed")
    entrance.log_in(user.username, user.password)
    entrance.expect_refused()
    entrance.log_in(user.username, new)
    profile.expect_shown()
    profile.change_password(new, user.password)
    entrance.expect_shown()
