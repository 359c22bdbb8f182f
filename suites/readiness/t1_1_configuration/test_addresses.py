"""Addresses come from the environment: a platform under one address tells no other one, in its document or on its pages."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from fixtures.platforms import Platforms
from harness.model.target import Role
from harness.targets.live import LiveTarget

ADDRESSES = ("https://api.one.example.test", "https://api.two.example.test")
VARIABLE = "NEXT_PUBLIC_API_URL"
PAGES_MAX = 60
_LINK = re.compile(r'(?:href|action|src)="([^"#]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_WEBSITE = re.compile(r"https://partner\d+\.example\.test/?")  # a partner's own, which the seed wrote into its row: data
_ABSOLUTE = re.compile(r"""https?://[^\s"'<>)]+""")


def logged_in(live: LiveTarget, http: httpx.Client, role: Role) -> bool:
    """Sends the role's log-in form as its first user."""
    page = http.get(role.page_login)
    user = role.users[0]
    form = {**dict(_HIDDEN.findall(page.text)), "email": user.username, "password": user.password}
    # The cookies are for TLS or the loopback only, which httpx does not tell apart as browsers do.
    cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    answer = http.post(role.page_login, data=form, headers={"Cookie": cookies, "Origin": live.base_url})
    http.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    return answer.status_code == 303


def crawled(live: LiveTarget, http: httpx.Client, start: str) -> dict[str, str]:
    """The text of every page and file that links lead to, by path; each shape of a path a few times."""
    texts: dict[str, str] = {}
    waiting = [start]
    while waiting and len(texts) < PAGES_MAX:
        path = waiting.pop(0)
        if path in texts:
            continue
        answer = http.get(path)
        texts[path] = answer.text
        for link in [*_LINK.findall(answer.text), answer.headers.get("location", "")]:
            parts = urlsplit(urljoin(live.base_url + path, link.replace("&amp;", "&")))
            if link and parts.netloc == urlsplit(live.base_url).netloc:
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return texts


def everything_said(live: LiveTarget) -> dict[str, str]:
    """What an anonymous visitor and the first user of each role with pages can read."""
    with live.client() as http:
        texts = {"document": http.get(live.target.document_path).text, **crawled(live, http, "/")}
    for role in live.target.roles:
        if role.page_login and role.users:
            with live.client() as http:
                assert logged_in(live, http, role), f"{role.name} cannot log in on its page"
                home = role.page_login.rpartition("/")[0] or "/"
                found = crawled(live, http, home)
                assert len(found) > 1, f"{role.name} sees no pages"
                texts.update({f"{role.name} {path}": text for path, text in found.items()})
    return texts


@pytest.mark.proves("1.1.4.a", "1.1.4.b")
def test_a_platform_tells_the_address_that_it_was_given_and_no_other(platforms: Platforms) -> None:
    for own, other in (ADDRESSES, ADDRESSES[::-1]):
        with platforms.started({VARIABLE: own}) as live:
            texts = everything_said(live)
            allowed = (own, live.base_url, "https://json-schema.org/", "http://www.w3.org/")
        assert own in texts["document"]
        assert not [path for path, text in texts.items() if other in text]
        fixed = {
            (path, address)
            for path, text in texts.items()
            if path != "document"
            for address in _ABSOLUTE.findall(text)
            if not address.startswith(allowed) and not _WEBSITE.fullmatch(address)
        }
        assert fixed == set()
