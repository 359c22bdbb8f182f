"""The pages without their database: problems are pages, static files are named by content, what people typed is inert."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from starlette.requests import Request

from suites.unit.conftest import Ask
from suites.unit.test_page_forms import LEAD
from suites.unit.test_profile_form import CONTRACTOR, PARTNER
from tpe.admin.accounts import ContractorAccount, PartnerAccount
from tpe.admin.model import Activity, AdminDashboard, PartnerRank
from tpe.auth.identity import Identity, Role
from tpe.auth.sessions import COOKIE_NAME, Session
from tpe.infra.paging import Page
from tpe.leads.model import Change, LeadDetail, LeadPage, LeadStats, LeadStatus, Note, PartnerDashboard, Stage
from tpe.matching.model import Match
from tpe.messaging.service import Message
from tpe.web.account_list import AccountQuery, AccountsView
from tpe.web.contractor_pages import ProfileView
from tpe.web.cookies import FLASH_COOKIE, FLASHES, leave_flash
from tpe.web.forms import FORM_BYTES_MAX, WorkForm
from tpe.web.lead_list import leads_view, read_query
from tpe.web.partner_account_pages import PartnerView
from tpe.web.partner_pages import LeadView
from tpe.web.profile_form import PartnerForm, ProfileForm
from tpe.web.rendering import redirect, render

PAGES = ("lead", "leads", "dashboard", "profile", "partner_profile", "matches", "partners", "contractors", "admin")
FORM_PATHS = (
    "/partner/logout", "/contractor/logout", "/admin/logout", "/partner/leads/12", "/partner/leads/bulk", "/partner/leads/export",
    "/partner/profile", "/contractor/profile", "/admin/partners", "/admin/partners/export", "/admin/contractors/export",
)  # fmt: skip
HOSTILE = '<script>alert(\'1\')</script>" onload="x" {{ 7*7 }} &lt;'
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
A_SESSION = {"Cookie": f"{COOKIE_NAME}={'x' * 43}"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def request_of(path: str = "/partner", cookie: str = "") -> Request:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers})


def session_of(role: Role, name: str = HOSTILE) -> Session:
    return Session(Identity(role, 1, "someone@example.test", name, 1), "a-form-token", NOW)


# ------------------------------------------------------------------------------------------------- what stops a page is a page


@pytest.mark.parametrize("path", ["/nowhere", "/partner/", "/static/app.css", "/partner/leads/1/notes"])
def test_an_address_that_is_none_is_answered_with_a_page(ask: Ask, path: str) -> None:
    answer = ask("GET", path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Not found</h1>" in answer.text


def test_a_page_whose_database_is_away_asks_to_wait(ask: Ask) -> None:
    answer = ask("GET", "/partner/leads", headers=A_SESSION)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "<h1>Temporarily unavailable</h1>" in answer.text


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/partner", "/partner/login"),
        ("/partner/leads", "/partner/login?next=%2Fpartner%2Fleads"),
        ("/partner/leads?page=2&search=a%2Fb", "/partner/login?next=%2Fpartner%2Fleads%3Fpage%3D2%26search%3Da%252Fb"),
        ("/partner/leads/12", "/partner/login?next=%2Fpartner%2Fleads%2F12"),
        ("/contractor", "/contractor/login"),
        ("/contractor/profile", "/contractor/login?next=%2Fcontractor%2Fprofile"),
        ("/admin", "/admin/login"),
        ("/admin/contractors?search=a", "/admin/login?next=%2Fadmin%2Fcontractors%3Fsearch%3Da"),
        ("/", "/partner"),
    ],
)
def test_who_is_not_logged_in_is_shown_the_way(ask: Ask, path: str, way: str) -> None:
    answer = ask("GET", path)
    assert (answer.status_code, answer.headers["location"]) == (303, way)


@pytest.mark.parametrize("path", FORM_PATHS)
def test_a_form_of_somebody_who_is_not_logged_in_does_nothing(ask: Ask, path: str) -> None:
    answer = ask("POST", path, data={"do": "work"})
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, f"/{path.split('/')[1]}/login")


# ------------------------------------------------------------------------------------------------------------ the log-in form


@pytest.mark.parametrize("area", ["partner", "contractor", "admin"])
def test_the_log_in_form_is_bound_to_the_browser_that_it_was_shown_in(ask: Ask, area: str) -> None:
    shown = ask("GET", f"/{area}/login")
    cookie = shown.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    assert "SameSite=lax" in cookie
    pair = cookie.partition(";")[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
    assert token is not None
    assert pair.endswith(f"={token[1]}")
    fields = {"email": "a@example.test", "password": "", "csrf_token": token[1]}
    assert ask("POST", f"/{area}/login", data=fields, headers={"Cookie": pair}).status_code == 401
    for cookies in ({}, {"Cookie": pair[:-1] + ("A" if pair[-1] != "A" else "B")}, {"Cookie": pair.partition("=")[0] + "="}):
        refused = ask("POST", f"/{area}/login", data=fields, headers=cookies)
        assert refused.status_code == 403
        assert "open for too long" in refused.text
    several = ask("GET", f"/{area}/login", headers={"Cookie": pair})
    assert token[1] in several.text


@pytest.mark.parametrize(("site", "status"), [("same-origin", 401), ("none", 401), ("cross-site", 403), ("same-site", 403)])
def test_a_log_in_sent_by_another_site_is_refused(ask: Ask, site: str, status: int) -> None:
    shown = ask("GET", "/partner/login")
    pair = shown.headers["set-cookie"].partition(";")[0]
    fields = {"email": "a@example.test", "password": "", "csrf_token": pair.partition("=")[2]}
    headers = {"Cookie": pair, "Sec-Fetch-Site": site}
    assert ask("POST", "/partner/login", data=fields, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"a=" + b"x" * (FORM_BYTES_MAX - 2), FORM, 403),
        (b"a=" + b"x" * (FORM_BYTES_MAX - 1), FORM, 413),
        (b"&".join(b"a=1" for _ in range(60)), FORM, 403),
        (b"&".join(b"a=1" for _ in range(61)), FORM, 400),
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"email=%FF%00", FORM, 403),
    ],
)
def test_forms_are_read_with_bounds(ask: Ask, body: bytes, media: dict[str, str], status: int) -> None:
    answer = ask("POST", "/partner/login", content=body, headers=media)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/contractor/register", "/contractor/register/5f0c2a52-6d1e-4f7b-9a53-0d4a8f3f2b61"])
def test_the_forms_of_a_registration_are_bound_to_their_browser_and_say_what_is_wrong(ask: Ask, path: str) -> None:
    pair = ask("GET", path).headers["set-cookie"].partition(";")[0]
    fields = {"name": " ", "email": "none", "phone": "1", "code": "12", "password": "a", "password_again": "b"}
    refused = ask("POST", path, data={**fields, "csrf_token": pair.partition("=")[2]}, headers={"Cookie": pair})
    assert refused.status_code == 422
    wanted = ("Enter the 6 digits", "The two passwords differ") if path.count("/") == 3 else (
        "Enter your name", "Enter your company", "Enter an e-mail address", "Enter a phone number",
    )  # fmt: skip
    assert all(words in refused.text for words in wanted)
    for headers in ({}, {"Cookie": pair, "Sec-Fetch-Site": "cross-site"}):
        assert ask("POST", path, data={**fields, "csrf_token": pair.partition("=")[2]}, headers=headers).status_code == 403


def test_a_registration_that_cannot_be_one_is_not_found(ask: Ask) -> None:
    assert ask("GET", "/contractor/register/none").status_code == 404


# ------------------------------------------------------------------------------------------------------------- static files


def test_static_files_are_kept_for_a_year_under_the_name_of_their_content(ask: Ask) -> None:
    addresses = re.findall(r'href="(/static/[^"]+)"', ask("GET", "/partner/login").text)
    assert len(addresses) == 2
    for address in addresses:
        plain = ask("GET", address, headers={"Accept-Encoding": "identity"})
        packed = ask("GET", address, headers={"Accept-Encoding": "gzip"})
        assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "Accept-Encoding" in plain.headers["vary"]
        assert (plain.headers.get("content-encoding"), packed.headers["content-encoding"]) == (None, "gzip")
        assert plain.content == packed.content


def test_the_style_sheet_stays_small() -> None:
    from tpe.web.assets import ASSETS

    sheet = ASSETS.find(ASSETS.url("app.css").rpartition("/")[2])
    assert sheet is not None
    assert gzip.decompress(sheet.compressed) == sheet.body
    assert len(sheet.compressed) < 10_000
    for foreign in (b"http:", b"https:", b"@import", b"url("):
        assert foreign not in sheet.body


# --------------------------------------------------------------------------------------------------- what people typed is inert


def hostile_pages() -> dict[str, str]:
    contractor = replace(
        LEAD.contractor, name=HOSTILE, company_name=HOSTILE, email=HOSTILE, phone=HOSTILE, city=HOSTILE, state=HOSTILE
    )
    lead = replace(LEAD, contractor=contractor, match_reasons=(HOSTILE,))
    detail = LeadDetail(
        lead, (Note(1, HOSTILE, "partner", HOSTILE, NOW),), (Change(1, "status", "active", "paused", 2, "partner", HOSTILE, NOW),)
    )
    asked = read_query({"search": HOSTILE, "min_score": HOSTILE})
    stats = LeadStats(1, dict.fromkeys(Stage, 1), dict.fromkeys(LeadStatus, 1), 1, 80.0, 1)
    board = AdminDashboard(
        1, 1, 1, 8, dict.fromkeys(Stage, 1), 80.0, (PartnerRank(1, HOSTILE, 1, 0),),
        (Activity(1, HOSTILE, HOSTILE, "next_follow_up", None, "2026-12-01", HOSTILE, NOW),),
    )  # fmt: skip
    partner, contractor_session, admin = session_of(Role.PARTNER), session_of(Role.CONTRACTOR), session_of(Role.ADMIN)
    view = LeadView(detail, WorkForm(HOSTILE, HOSTILE, HOSTILE), HOSTILE, {"body": "x", "status": "x"}, "work")
    found = leads_view(asked, LeadPage((lead,), asked.page, 1))
    hostile_form = ProfileForm(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), HOSTILE, HOSTILE)
    a_partner = PartnerAccount(1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, True, 3, 1, NOW)
    a_contractor = ContractorAccount(1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, False, True, NOW)
    hostile_partner = PartnerForm(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), (HOSTILE,), (HOSTILE,))
    pages = {
        "lead": render(request_of(), "lead.html", title=HOSTILE, session=partner, view=view, today=TODAY),
        "leads": render(request_of(), "leads.html", title="Leads", session=partner, view=found, today=TODAY),
        "dashboard": render(
            request_of(), "partner_dashboard.html", title="Dashboard", session=partner, today=TODAY,
            board=PartnerDashboard(stats, (lead,), (lead,)),
        ),
        "profile": render(
            request_of(), "contractor_profile.html", title="Profile", session=contractor_session,
            view=ProfileView(CONTRACTOR, hostile_form, {"new_password": HOSTILE, "needs": HOSTILE}),
        ),
        "partner_profile": render(
            request_of(), "partner_profile.html", title="Profile", session=partner,
            view=PartnerView(PARTNER, hostile_partner, {"states": HOSTILE}, stale=True),
        ),
        "matches": render(
            request_of(), "matches.html", title="Matches", session=contractor_session,
            contractor=replace(CONTRACTOR, company_name=HOSTILE),
            messages=[Message(1, 1, HOSTILE, NOW)],
            matches=(Match(1, 1, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 90, (HOSTILE,), True, NOW),),
        ),
        "partners": render(
            request_of(), "partners.html", title="Partners", session=admin,
            view=AccountsView(
                AccountQuery("/admin/partners", HOSTILE, HOSTILE), (a_partner,),
                41, Page(1, 20), {},
            ),
        ),
        "contractors": render(
            request_of(), "contractors.html", title="Contractors", session=admin,
            view=AccountsView(
                AccountQuery("/admin/contractors", HOSTILE),
                (a_contractor,), 1, Page(1, 20), {},
            ),
        ),
        "admin": render(request_of(), "admin_dashboard.html", title="Dashboard", session=admin, board=board),
    }  # fmt: skip
    return {name: bytes(page.body).decode() for name, page in pages.items()}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_that_people_typed_becomes_markup(name: str) -> None:
    text = hostile_pages()[name]
    assert text.count("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;") >= 2
    assert "<script" not in text
    assert 'onload="' not in text
    assert "{{ 7*7 }}" in text


class _Elements(HTMLParser):
    """Collects the elements of a page and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.extend((name, value or "") for name, value in attrs)


def test_pages_hold_neither_script_nor_style_nor_anything_from_elsewhere() -> None:
    for text in hostile_pages().values():
        elements = _Elements(text)
        assert {"main", "h1", "svg"} <= elements.tags
        assert not {"script", "style", "iframe", "object", "embed", "base"} & elements.tags
        assert not [name for name, _ in elements.attributes if name == "style" or name.startswith("on")]
        addresses = [value for name, value in elements.attributes if name in ("src", "href", "action")]
        assert addresses
        assert all(re.match(r"/(?!/)|#|mailto:|tel:", address) for address in addresses), addresses


def test_empty_pages_say_what_will_be_there() -> None:
    partner, admin = session_of(Role.PARTNER, "New Partner"), session_of(Role.ADMIN, "New Admin")
    stats = LeadStats(0, dict.fromkeys(Stage, 0), dict.fromkeys(LeadStatus, 0), 0, None, 0)
    board = AdminDashboard(0, 0, 0, 0, dict.fromkeys(Stage, 0), None, (), ())
    bare = replace(LEAD, match_reasons=(), last_contact=None, next_follow_up=None, is_primary_match=False)
    asked = read_query({})
    views = {
        "partner_dashboard.html": {"board": PartnerDashboard(stats, (), ()), "today": TODAY},
        "admin_dashboard.html": {"board": board},
        "leads.html": {"view": leads_view(asked, LeadPage((), asked.page, 0)), "today": TODAY},
        "matches.html": {"contractor": replace(CONTRACTOR, needs=()), "matches": (), "messages": []},
        "lead.html": {"view": LeadView(LeadDetail(bare, (), ()), WorkForm.of_lead(bare)), "today": TODAY},
    }
    words = {
        "partner_dashboard.html": ("No new leads are waiting", "No follow-ups are planned", "your pipeline starts here"),
        "admin_dashboard.html": ("No introductions yet", "No partner has a lead yet", "No lead was changed yet"),
        "leads.html": ("No leads yet",),
        "matches.html": ("Tell us what you look for",),
        "lead.html": ("No notes yet", "Introduced by The Power100 Experience", "Never"),
    }
    for template, view in views.items():
        session = admin if template.startswith("admin") else partner
        text = bytes(render(request_of(), template, title="Page", session=session, **view).body).decode()
        assert all(word in text for word in words[template]), template


# ----------------------------------------------------------------------------------------------------------------- messages


def test_a_message_is_shown_once_and_only_one_of_ours() -> None:
    left = redirect("/partner", flash="note-added").headers["set-cookie"]
    assert left.startswith(f"{FLASH_COOKIE}=note-added;")
    shown = render(request_of(cookie=left.partition(";")[0]), "problem.html", title="x", problem=_a_problem())
    assert FLASHES["note-added"].text in bytes(shown.body).decode()
    assert "Max-Age=0" in shown.headers["set-cookie"]
    invented = render(request_of(cookie=f"{FLASH_COOKIE}=You-won"), "problem.html", title="x", problem=_a_problem())
    assert 'role="status"' not in bytes(invented.body).decode()
    with pytest.raises(KeyError):
        leave_flash(shown, "invented")


@pytest.mark.parametrize(("name", "tone"), [("leads-moved", "good"), ("some-not-moved", "warn"), ("nothing-ticked", "warn")])
def test_a_message_does_not_look_like_success_where_something_was_left_undone(name: str, tone: str) -> None:
    left = redirect("/partner", flash=name).headers["set-cookie"]
    shown = render(request_of(cookie=left.partition(";")[0]), "problem.html", title="x", problem=_a_problem())
    assert f'class="notice notice--{tone}" role="status"' in bytes(shown.body).decode()


def test_every_stage_has_a_message_for_reaching_it() -> None:
    assert {f"moved-{stage}" for stage in Stage} <= set(FLASHES)


def test_a_follow_up_tells_when_it_is_due() -> None:
    for day, word in ((date(2026, 11, 23), "Overdue"), (date(2026, 11, 24), "Today")):
        lead = replace(LEAD, next_follow_up=day)
        view = LeadView(LeadDetail(lead, (), ()), WorkForm.of_lead(lead))
        text = bytes(
            render(request_of(), "lead.html", title="x", session=session_of(Role.PARTNER), view=view, today=TODAY).body
        ).decode()
        assert word in text


def _a_problem() -> object:
    from tpe.infra.problems import NotFoundError

    return NotFoundError().problem
