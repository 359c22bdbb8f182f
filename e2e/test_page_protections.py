"""What protects the people who use the pages: forged forms, cookies, the content policy, addresses made by others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, Route, expect

from e2e.pages.lead import LeadPage
from e2e.pages.log_in import LogInPage
from fixtures.pages import Complaints
from harness.model.target import User

Contexts = Callable[..., BrowserContext]
Leads = Callable[..., dict[str, Any]]
Pictures = Callable[[Page, str], Path]
Form = dict[str, str | float | bool]

OTHER_SITE = "http://other-site.example"
"""Answered inside the browser: no name is looked up, nothing is sent."""


def on_other_site(page: Page, body: str) -> None:
    """Shows a page of another site that holds `body`."""

    def answer(route: Route) -> None:
        route.fulfill(content_type="text/html", body=f"<!doctype html><title>Other site</title>{body}")

    page.route(f"{OTHER_SITE}/**", answer)
    page.goto(f"{OTHER_SITE}/")


def form(action: str, **fields: object) -> str:
    inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    return f'<form method="post" action="{action}">{inputs}<button>Win a prize</button></form>'


@pytest.fixture
def worker(context_for: Contexts) -> Page:
    """A page of the first partner, who is logged in."""
    page = context_for("partner").new_page()
    page.goto("/partner")
    return page


@pytest.mark.proves("2.1.4.a")
@pytest.mark.flow("another site's form cannot move a partner's lead")
def test_a_form_of_another_site_changes_nothing(
    worker: Page, take_lead: Leads, lead_now: Leads, live_target: Any, picture: Pictures
) -> None:
    lead = take_lead(stage="new")
    address = f"{live_target.base_url}/partner/leads/{lead['id']}"
    forged = {"engagement_stage": "lost", "status": "active", "next_follow_up": "", "version": lead["version"], "do": "work"}
    on_other_site(worker, form(address, **forged))
    with worker.expect_response(address) as answer:
        worker.get_by_role("button", name="Win a prize").click()
    # The session's cookie does not travel with another site's form, so the platform sees somebody who is not logged in.
    assert (answer.value.request.method, answer.value.status) == ("POST", 303)
    assert answer.value.headers["location"].startswith("/partner/login")
    LeadPage(worker).expect_lead(lead["contractor"]["name"])
    picture(worker, "after the forged form")
    now = lead_now(lead["id"])
    assert (now["engagement_stage"], now["version"]) == ("new", lead["version"])


@pytest.mark.proves("2.1.4.a")
@pytest.mark.flow("another site's script cannot move a partner's lead")
def test_a_fetch_of_another_site_changes_nothing(worker: Page, take_lead: Leads, lead_now: Leads, live_target: Any) -> None:
    lead = take_lead(stage="new")
    body = f"do=work&engagement_stage=lost&status=active&next_follow_up=&version={lead['version']}"
    on_other_site(worker, "")
    outcome = worker.evaluate(
        """async ([address, body]) => {
          const headers = {'Content-Type': 'application/x-www-form-urlencoded'};
          const sent = fetch(address, {method: 'POST', credentials: 'include', mode: 'no-cors', headers, body});
          return sent.then(answer => answer.type, error => `error: ${error.message}`);
        }""",
        [f"{live_target.base_url}/partner/leads/{lead['id']}", body],
    )
    assert outcome.startswith(("opaque", "error"))
    assert lead_now(lead["id"])["engagement_stage"] == "new"


@pytest.mark.proves("2.1.4.a")
@pytest.mark.flow("a form without its session's token is refused")
def test_a_form_needs_the_token_of_its_session(worker: Page, context_for: Contexts, take_lead: Leads, lead_now: Leads) -> None:
    lead = take_lead(stage="new")
    fields = {"engagement_stage": "lost", "status": "active", "next_follow_up": "", "version": str(lead["version"]), "do": "work"}

    def send(**token: str) -> APIResponse:
        return worker.request.post(f"/partner/leads/{lead['id']}", form={**fields, **token}, max_redirects=0)

    tokens = {
        "missing": {},
        "invented": {"csrf_token": "A" * 43},
        "another's": {"csrf_token": token_of(context_for("partner", "two"))},
    }
    for name, token in tokens.items():
        answer = send(**token)
        assert answer.status == 403, name
        assert "This form cannot be used any more" in answer.text()
    assert lead_now(lead["id"])["version"] == lead["version"]
    # The same form with its own token is taken: what was refused above was refused for its token.
    assert send(csrf_token=token_of(worker.context)).status == 303
    assert lead_now(lead["id"])["engagement_stage"] == "lost"


@pytest.mark.proves("2.1.4.a")
@pytest.mark.flow("another site cannot log anybody in or out")
def test_logging_in_and_out_are_protected(
    worker: Page, new_context: Contexts, account: Callable[..., User], live_target: Any
) -> None:
    on_other_site(worker, form(f"{live_target.base_url}/partner/logout"))
    worker.get_by_role("button", name="Win a prize").click()
    expect(worker.get_by_role("button", name="Log out")).to_be_visible()

    victim = new_context().new_page()
    attacker = account("partner", "two")
    fields = {"email": attacker.username, "password": attacker.password, "csrf_token": "A" * 43}
    on_other_site(victim, form(f"{live_target.base_url}/partner/login", **fields))
    victim.get_by_role("button", name="Win a prize").click()
    expect(victim.get_by_role("heading", level=1)).to_have_text("This form cannot be used any more")
    victim.goto("/partner")
    LogInPage(victim).expect_shown()


@pytest.mark.flow("cookies are kept from script and from other hosts")
def test_cookies_are_locked(page: Page, account: Callable[..., User]) -> None:
    entrance = LogInPage(page)
    entrance.open()
    before = page.context.cookies()
    entrance.log_in(account().username, account().password)
    entrance.expect_left()
    after = page.context.cookies()
    assert before
    assert any("session" in cookie["name"] for cookie in after)
    for cookie in (*before, *after):
        assert cookie["name"].startswith("__Host-"), cookie["name"]
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
    assert page.evaluate("document.cookie") == ""
    assert not {cookie["value"] for cookie in before} & {cookie["value"] for cookie in after}, "a value outlived the log-in"


@pytest.mark.proves("2.1.3.b")
@pytest.mark.flow("every page obeys its content policy")
def test_pages_obey_the_content_policy(
    worker: Page, context_for: Contexts, new_context: Contexts, take_lead: Leads, complaints: Complaints
) -> None:
    lead = take_lead(stage="contacted")
    admin, stranger = context_for("admin").new_page(), new_context().new_page()
    visits = [
        (worker, ("/partner", "/partner/leads", "/partner/leads?min_score=9&max_score=1", "/partner/leads?search=zzzz")),
        (worker, (f"/partner/leads/{lead['id']}", "/partner/leads/999999999", "/admin")),
        (admin, ("/admin", "/partner")),
        (stranger, ("/partner/login", "/admin/login", "/nowhere")),
    ]
    for page, paths in visits:
        for path in paths:
            answer = page.goto(path)
            assert answer is not None
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "unsafe-" not in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
            expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert complaints.lines == []
    # The watch itself works: an inline script on one of the pages is stopped, and heard of.
    worker.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'}))")
    assert worker.evaluate("window.ran") is None
    assert any("policy violation: script-src" in line for line in complaints.lines), complaints.lines


@pytest.mark.flow("an address made by others leads nowhere else after the log-in")
def test_the_log_in_leads_to_our_own_pages_only(page: Page, account: Callable[..., User]) -> None:
    user = account()
    wishes = {
        "/partner/leads?engagement_stage=new": "/partner/leads?engagement_stage=new",
        "//other-site.example": "/partner",
        "/\\other-site.example": "/partner",
        "/admin": "/partner",
    }
    page.goto("/partner/login")
    token = page.locator("input[name=csrf_token]").input_value()
    for wish, destination in wishes.items():
        fields: Form = {"email": user.username, "password": user.password, "csrf_token": token, "next": wish}
        answer = page.request.post("/partner/login", form=fields, max_redirects=0)
        assert (answer.status, answer.headers["location"]) == (303, destination), wish
        page.goto("/partner/login?" + str(httpx.QueryParams({"next": wish})))
        assert page.url.endswith(destination), wish
        page.context.clear_cookies()
        page.goto("/partner/login")
        token = page.locator("input[name=csrf_token]").input_value()


@pytest.mark.flow("static files may be kept for a year, and only under their own name")
def test_static_files_are_named_by_their_content(page: Page) -> None:
    page.goto("/partner/login")
    links = page.locator("link").evaluate_all("links => links.map(link => link.href)")
    assert len(links) == 2
    for link in links:
        answer = page.request.get(link)
        assert answer.ok
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        stem, digest, suffix = link.rpartition("/")[2].split(".")
        assert len(digest) == 16
        assert page.request.get(f"/static/{stem}.{'0' * 16}.{suffix}").status == 404


def token_of(context: BrowserContext) -> str:
    """The form token of the session that a context holds."""
    page = context.new_page()
    page.goto("/partner")
    token = page.locator("input[name=csrf_token]").first.input_value()
    page.close()
    return token


@pytest.mark.flow("a form sent twice is saved once")
def test_a_form_sent_twice_is_saved_once(worker: Page, take_lead: Leads, lead_now: Leads) -> None:
    lead = take_lead(stage="new")
    shown = LeadPage(worker, lead["id"])
    fields: Form = {"csrf_token": token_of(worker.context), "version": str(lead["version"]), "do": "note", "body": "Said once."}
    before = lead_now(lead["id"])
    answers = [worker.request.post(shown.path, form=fields, max_redirects=0) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303]
    after = lead_now(lead["id"])
    assert (after["version"], len(after["notes"])) == (lead["version"] + 1, len(before["notes"]) + 1)
