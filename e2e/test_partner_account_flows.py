"""What a partner does with many leads at once, and with its own account."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.pages.leads import LeadsPage
from e2e.pages.profile import PartnerProfilePage
from harness.model.target import User

pytestmark = pytest.mark.proves("7.1.3.a")

Contexts = Callable[..., BrowserContext]
Pictures = Callable[[Page, str], Path]
Leads = Callable[..., dict[str, Any]]
Api = Callable[..., httpx.Client]


@pytest.mark.flow("partner moves the ticked leads")
def test_partner_moves_ticked_leads(
    context_for: Contexts, api: Api, take_lead: Leads, lead_now: Leads, picture: Pictures
) -> None:
    leads = LeadsPage(context_for("partner").new_page())
    first, second = take_lead(stage="proposal_sent"), take_lead(stage="proposal_sent")
    leads.open()
    leads.choose_stage("Proposal sent")
    while not set(leads.ids()) >= {first["id"], second["id"]} and leads.has_next():
        leads.next()
    leads.tick(first["id"], second["id"])
    picture(leads.page, "ticked")
    outdated = {"engagement_stage": "proposal_sent", "status": "paused", "version": second["version"]}
    api().put(f"/api/partner-portal/leads/{second['id']}/status", json=outdated).raise_for_status()
    leads.move_ticked("Negotiating")
    leads.expect_message(
        "Some of the ticked leads were changed meanwhile or cannot have this stage; those were left as they are."
    )
    leads.expect_filters("Proposal sent")
    assert lead_now(first["id"])["engagement_stage"] == "negotiating"
    assert lead_now(second["id"])["engagement_stage"] == "proposal_sent"
    leads.tick(second["id"])
    leads.move_ticked("Negotiating")
    leads.expect_message("The ticked leads were moved.")
    assert lead_now(second["id"])["engagement_stage"] == "negotiating"
    leads.move_ticked("Won")
    leads.expect_message("Tick one lead at least and choose a stage.")


@pytest.mark.flow("partner exports the leads of a filter")
def test_partner_exports_what_the_list_shows(context_for: Contexts, api: Api) -> None:
    leads = LeadsPage(context_for("partner").new_page())
    leads.open()
    leads.narrow(lowest="70", status="Active")
    rows = list(csv.DictReader(io.StringIO(leads.export(), newline="")))
    listed = api().get("/api/partner-portal/leads", params={"min_score": 70, "status": "active", "limit": 100}).json()
    assert len(rows) == listed["pagination"]["total"]
    assert [int(row["id"]) for row in rows[:100]] == [lead["id"] for lead in listed["leads"]]
    assert all(row["phone"].startswith("'+") for row in rows)


@pytest.mark.flow("partner changes what it says about itself")
def test_partner_changes_the_profile(context_for: Contexts, api: Api, picture: Pictures) -> None:
    profile = PartnerProfilePage(context_for("partner", "two").new_page())
    profile.open()
    picture(profile.page, "profile")
    profile.field("Website").fill("https://new.example.test")
    profile.field("States that you work in").fill("Nevada")
    profile.save()
    profile.expect_complaint("States that you work in", "Enter states by their two letters, such as OR, WA.")
    profile.field("States that you work in").fill("nv, wa")
    profile.tick_only("What you offer", "Supplies", "Training")
    profile.save()
    profile.expect_message("Your profile was saved.")
    told = api("partner", "two").get("/api/partner-auth/profile").json()["partner"]
    assert (told["website"], told["states"], told["needs"]) == (
        "https://new.example.test",
        ["NV", "WA"],
        ["supplies", "training"],
    )
    expect(profile.field("States that you work in")).to_have_value("NV, WA")


@pytest.mark.flow("partner's new password is refused for what is wrong with it")
def test_a_refused_password_says_why(context_for: Contexts, account: Callable[..., User]) -> None:
    profile = PartnerProfilePage(context_for("partner").new_page())
    profile.open()
    good = "Aa1" + secrets.token_hex(8)
    profile.change_password(account().password + "x", good)
    profile.expect_complaint("Current password", "The current password is wrong.")
    profile.open()
    profile.expect_shown()
