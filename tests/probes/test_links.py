"""The links of pages: which lead to the same host, and in what order pages are opened."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.probes.http.answers import Answer
from harness.probes.http.links import all_links, local_links, walk

HOST = "http://127.0.0.1:8080"


def page(*links: str) -> Answer:
    body = "".join(f'<a href="{link}">x</a>' for link in links)
    return Answer(200, (("Content-Type", "text/html"),), body.encode())


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("/leads", "/leads"),
        ("3", "/leads/3"),
        ("../me", "/me"),
        ("?page=2", "/leads/?page=2"),
        (f"{HOST}/leads/4#top", "/leads/4"),
        ("//127.0.0.1:8080/leads/5", "/leads/5"),
        ("https://127.0.0.1:8080/leads", ""),
        ("https://elsewhere.example/leads", ""),
        ("//elsewhere.example/leads", ""),
        ("mailto:ann@example.com", ""),
        ("javascript:void(0)", ""),
        ("#main", ""),
        ("http://[", ""),
    ],
)
def test_a_link_leads_where_a_browser_would_go_if_that_is_the_same_host(link: str, path: str) -> None:
    assert all_links(page(link), f"{HOST}/leads/") == ([path] if path else [])


def test_a_redirect_leads_to_where_it_points() -> None:
    assert all_links(Answer(302, (("Location", "/leads/"),)), f"{HOST}/leads") == ["/leads/"]


def test_what_ends_the_session_is_not_followed() -> None:
    assert local_links(page("/logout", "/leads"), HOST) == ["/leads"]


def opened(site: dict[str, Sequence[str]], pages_max: int) -> list[str]:
    return [path for path, _ in walk(lambda path: page(*site[path]), HOST, "/", page(*site["/"]), pages_max)]


def test_one_page_of_each_kind_is_opened_before_the_next_of_a_long_list() -> None:
    leads = [f"/leads/{number}" for number in range(50)]
    site: dict[str, Sequence[str]] = {"/": ["/leads", "/me"], "/me": ["/"], "/leads": [*leads, "/export"], "/export": []}
    site |= {lead: [f"{lead}/history"] for lead in leads} | {f"{lead}/history": [] for lead in leads}
    assert opened(site, 6) == ["/", "/leads", "/me", "/leads/0", "/export", "/leads/0/history"]
    assert opened(site, 8)[6:] == ["/leads/1", "/leads/1/history"]


def test_a_site_is_walked_to_its_end_once() -> None:
    site: dict[str, Sequence[str]] = {"/": ["/a", "/a", "/"], "/a": ["/", "/b"], "/b": []}
    assert opened(site, 20) == ["/", "/a", "/b"]
