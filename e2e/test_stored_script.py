"""What one user enters is text in another user's browser: it is shown, and nothing of it runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.pages.lead import LeadPage
from fixtures.pages import Complaints

Api = Callable[..., httpx.Client]
Contexts = Callable[..., BrowserContext]
Leads = Callable[..., dict[str, Any]]
Pictures = Callable[[Page, str], Path]

RAN = "it ran"
SCRIPT = f"\"'><img src=/none onerror=document.title='{RAN}'><script>document.title='{RAN}'</script>"
SHORT = f"\"'><img src=/none onerror=document.title='{RAN}'>"
REFUSED = (400, 422)
ACCOUNTS = {"partner": "/api/partners/{id}", "contractor": "/api/contractors/{id}"}
WHO = {"partner": "two", "contractor": "one"}
READ_ONLY = ("id", "email", "is_active")


def stored_everywhere(api: Api, role: str) -> list[str]:
    """The members of a user's own account that took a script as their value; the others refused it."""
    http = api(role, WHO[role])
    identity = http.get(f"/api/{role}-auth/profile").raise_for_status().json()[role]["id"]
    address, taken = ACCOUNTS[role].format(id=identity), []
    for name in [name for name, value in account_of(http, address, role).items() if isinstance(value, str)]:
        for script in (SCRIPT, SHORT):
            now = account_of(http, address, role)
            body = {key: value for key, value in now.items() if key not in READ_ONLY and not key.endswith("_at")}
            answer = http.put(address, json={**body, name: script})
            if answer.status_code == httpx.codes.OK:
                taken.append(name)
                break
            assert answer.status_code in REFUSED, f"{name}: {answer.text}"
    return taken


def account_of(http: httpx.Client, address: str, role: str) -> dict[str, Any]:
    return http.get(address).raise_for_status().json()[role]  # type: ignore[no-any-return]


def expect_nothing_ran(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_load_state("load")
    assert page.title() != RAN, f"a script that was entered ran on {page.url}"


@pytest.mark.proves("2.1.8.a", "7.3.3.a")
@pytest.mark.flow("a script entered in every field runs on no page")
def test_what_is_entered_runs_in_nobodys_browser(
    api: Api, context_for: Contexts, new_context: Contexts, take_lead: Leads, complaints: Complaints, picture: Pictures
) -> None:
    taken = {role: stored_everywhere(api, role) for role in ACCOUNTS}
    assert {"company_name", "contact_name"} <= set(taken["partner"])
    assert {"company_name", "name"} <= set(taken["contractor"])
    lead = take_lead(stage="contacted", user=WHO["partner"])
    partner, contractor = (context_for(role, user).new_page() for role, user in WHO.items())
    admin = context_for("admin").new_page()
    shown = LeadPage(partner, lead["id"])
    shown.open()
    shown.add_note(SCRIPT)
    shown.expect_newest_note(SCRIPT)
    expect_nothing_ran(partner)
    picture(partner, "a note that is a script")
    visits = [
        (partner, ("/partner", "/partner/profile", f"/partner/leads?search={quote(SCRIPT[:90])}", "/partner/leads")),
        (contractor, ("/contractor", "/contractor/profile")),
        (admin, ("/admin", *searches("/admin/partners"), *searches("/admin/contractors"))),
    ]
    for page, addresses in visits:
        for address in addresses:
            page.goto(address)
            expect_nothing_ran(page)
    expect(admin.get_by_text(SHORT).first).to_be_visible()  # it is there, as text
    enter_as_a_stranger(new_context().new_page())
    assert complaints.lines == []


def searches(path: str) -> Iterator[str]:
    """A list as it is, and narrowed to what was entered."""
    yield path
    yield f"{path}?search={quote(SHORT)}"


def enter_as_a_stranger(page: Page) -> None:
    """What somebody without an account can enter comes back to them alone: in forms that are refused."""
    page.goto(f"/partner/login?next={quote(SCRIPT)}")
    page.get_by_label("E-mail").fill(f"{secrets.token_hex(4)}@example.test")
    page.get_by_label("Password").fill(SCRIPT)
    page.get_by_role("button", name="Log in").click()
    expect_nothing_ran(page)
    page.goto("/contractor/register")
    for entry in page.get_by_role("textbox").all():
        entry.fill(SHORT)
    page.get_by_role("main").get_by_role("button").last.click()
    expect_nothing_ran(page)
