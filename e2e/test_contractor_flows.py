"""What a contractor comes for: log in, look after its own account."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.pages.log_in import LogInPage
from e2e.pages.matches import MatchesPage
from e2e.pages.profile import ContractorProfilePage
from e2e.pages.registration import RegistrationPage
from harness.model.target import User
from harness.targets.live import LiveTarget

pytestmark = pytest.mark.proves("7.1.3.a")

Accounts = Callable[..., User]
Api = Callable[..., httpx.Client]
Contexts = Callable[..., BrowserContext]
Pictures = Callable[[Page, str], Path]


@pytest.mark.flow("contractor logs in, reads matches and profile, logs out")
def test_contractor_reads_matches_and_profile(page: Page, account: Accounts, api: Api, picture: Pictures) -> None:
    entrance, matches, profile = LogInPage(page, "/contractor/login"), MatchesPage(page), ContractorProfilePage(page)
    entrance.open()
    picture(page, "log-in page")
    entrance.log_in(account("contractor").username, account("contractor").password)
    matches.expect_shown()
    picture(page, "matches")
    told = api("contractor").get("/api/contractor-auth/profile").raise_for_status().json()["contractor"]
    made = api("contractor").get(f"/api/contractors/{told['id']}/matches").raise_for_status().json()["matches"]
    assert matches.partners() == [match["partner"]["company_name"] for match in made]
    for match in made:
        assert matches.reasons(match["partner"]["company_name"]) == match["match_reasons"]
    matches.go_to("Profile")
    picture(page, "profile")
    for label, member in (("Your name", "name"), ("Company", "company_name"), ("Phone", "phone"), ("City", "city")):
        expect(profile.field(label)).to_have_value(told[member])
    assert {label.lower() for label in profile.ticked("What you look for")} == set(told["needs"])
    profile.expect_user(told["name"])
    profile.log_out()
    entrance.expect_shown()
    page.goto("/contractor")
    entrance.expect_shown()


@pytest.mark.flow("a profile that is wrong or outdated is not saved")
def test_a_refused_profile_says_why_and_keeps_what_was_entered(context_for: Contexts, api: Api, picture: Pictures) -> None:
    contexts = context_for("contractor", "two")
    shown, other = ContractorProfilePage(contexts.new_page()), ContractorProfilePage(contexts.new_page())
    shown.open()
    other.open()
    shown.field("Phone").fill("12345")
    shown.save()
    shown.expect_complaint("Phone", "Enter a phone number, such as +1 202 555 0104.")
    other.field("City").fill("Reno")
    other.field("State").fill("nv")
    other.save()
    other.expect_message("Your profile was saved.")
    shown.field("Phone").fill("+1 202 555 0188")
    shown.save()
    expect(shown.page.get_by_role("alert")).to_contain_text("Your profile was changed while you had it open")
    expect(shown.field("Phone")).to_have_value("+1 202 555 0188")
    picture(shown.page, "outdated")
    told = api("contractor", "two").get("/api/contractor-auth/profile").json()["contractor"]
    assert (told["city"], told["state"]) == ("Reno", "NV")
    assert told["phone"] != "+1 202 555 0188"
    shown.save()
    shown.expect_message("Your profile was saved.")


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
    profile.open()
    profile.change_password(user.password, new)
    expect(page.get_by_role("status")).to_have_text("Your password was changed. Please log in with the new one.")
    picture(page, "changed")
    entrance.log_in(user.username, user.password)
    entrance.expect_refused()
    entrance.log_in(user.username, new)
    profile.go_to("Profile")
    profile.change_password(new, user.password)
    entrance.expect_shown()


# ------------------------------------------------------------------------------------------------------------- registering


def last_message(live: LiveTarget, phone: str) -> str:
    """The newest text message to a phone: this platform prints them where no sender is configured."""
    assert live.log_path is not None, "the messages of a target that runs elsewhere cannot be read"
    messages = re.findall(rf"text message to {re.escape(phone)}: (.*)", live.log_path.read_text(encoding="utf-8"))
    assert messages, f"no message was sent to {phone}"
    return str(messages[-1])


@pytest.mark.flow("contractor registers with the code sent to the phone")
def test_contractor_registers(page: Page, live_target: LiveTarget, picture: Pictures) -> None:
    registration, matches, profile = RegistrationPage(page), MatchesPage(page), ContractorProfilePage(page)
    mark, phone = secrets.token_hex(4), f"+1 202 555 {secrets.randbelow(9000) + 1000}"
    registration.open()
    picture(page, "who registers")
    registration.apply(name="Ada New", company="New Roofs", email=f"ada.{mark}@example.test", phone="12345")
    registration.expect_complaint("Mobile phone", "Enter a phone number, such as +1 202 555 0104.")
    registration.apply(name="Ada New", company="New Roofs", email=f"ada.{mark}@example.test", phone=phone)
    registration.expect_code_wanted()
    code, password = last_message(live_target, phone)[:6], "Aa1" + secrets.token_hex(8)
    registration.enter(f"{(int(code) + 1) % 1_000_000:06}", password)
    registration.expect_complaint("Code", "The code is wrong or no longer valid. Check it, or start again to get a new one.")
    picture(page, "wrong code")
    registration.enter(code, password)
    matches.expect_message("Welcome to The Power100 Experience: your account is ready.")
    matches.expect_user("Ada New")
    matches.expect_none("Tell us what you look for")
    picture(page, "registered")
    matches.go_to("Profile")
    profile.field("City").fill("Reno")
    profile.field("State").fill("NV")
    profile.field("Revenue in a year").select_option(label="$500,000 to $2 million")
    profile.tick_only("What you look for", "Financing", "Marketing")
    profile.tick_only("What you do", "Roofing")
    profile.save()
    matches.expect_message("Your profile was saved.")
    assert len(matches.partners()) == 2
    assert all(matches.reasons(partner) for partner in matches.partners())
    picture(page, "matched")
    matches.log_out()
    LogInPage(page).log_in(f"ada.{mark}@example.test", password)
    matches.expect_shown()


@pytest.mark.flow("registering tells nobody which addresses have an account")
def test_registering_with_a_taken_address_looks_the_same(
    page: Page, account: Accounts, api: Api, live_target: LiveTarget, picture: Pictures
) -> None:
    registration = RegistrationPage(page)
    own_phone = api("contractor").get("/api/contractor-auth/profile").json()["contractor"]["phone"]
    registration.open()
    registration.apply(name="Some One", company="Some", email=account("contractor").username, phone="+1 202 555 0777")
    registration.expect_code_wanted()
    picture(page, "the same page")
    assert "You have an account" in last_message(live_target, own_phone)
    assert "+1 202 555 0777" not in (live_target.log_path or Path()).read_text(encoding="utf-8")


@pytest.mark.flow("contractor reads a message that the automation posted")
def test_contractor_reads_a_message(context_for: Contexts, api: Api, picture: Pictures) -> None:
    told = api("contractor").get("/api/contractor-auth/profile").json()["contractor"]
    text = f"Welcome! A partner will call you <b>this week</b> ({secrets.token_hex(4)})."
    posted = api("machine", "n8n").post("/api/messages", json={"contractor_id": told["id"], "body": text})
    assert posted.status_code == 201
    matches = MatchesPage(context_for("contractor").new_page())
    matches.open()
    expect(matches.section("Messages").get_by_role("listitem").first).to_contain_text(text)
    picture(matches.page, "message")
    other = MatchesPage(context_for("contractor", "two").new_page())
    other.open()
    expect(other.main).not_to_contain_text(text)
