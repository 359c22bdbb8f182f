"""The links of a page that lead to the same host and that may be followed without doing anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from harness.probes.http.answers import Answer
from harness.probes.http.exchange import route_of

WAITING_MAX = 1000
_DOES_SOMETHING = re.compile(r"log-?out|sign-?out|logoff|delete|remove|destroy", re.I)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def does_something(address: str) -> bool:
    """Whether its words say that following it ends the session or takes something away."""
    return bool(_DOES_SOMETHING.search(address))


def all_links(page: Answer, address: str) -> list[str]:
    """Paths that the page at `address` (with scheme and host) links to on its own host, each once, in order; a redirect's aim."""
    if 300 <= page.status < 400:
        written = list(page.header_all("location"))
    else:
        reader = _Links()
        reader.feed(page.text if page.is_html else "")
        written = reader.found
    paths = (_path_on_host(address, link.strip()) for link in written if not link.strip().startswith("#"))
    return [path for path in dict.fromkeys(paths) if path]


def local_links(page: Answer, address: str) -> list[str]:
    """Those of them that may be followed: what would end the session is left out."""
    return [path for path in all_links(page, address) if not does_something(path)]


def _path_on_host(address: str, link: str) -> str:
    """The path of a link as a browser understands it there, "" where it leads elsewhere (`mailto:` too)."""
    try:
        here, there = urlsplit(address), urlsplit(urljoin(address, link))
    except ValueError:  # "http://["
        return ""
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return ""
    return (there.path or "/") + (f"?{there.query}" if there.query else "")


def walk(get: Callable[[str], Answer], base_url: str, path: str, start: Answer, pages_max: int) -> Iterator[tuple[str, Answer]]:
    """What is at `path`, what that links to, and so on: at most `pages_max`, with their paths.

    Pages whose route was opened least often come first, and of those the nearest: a list of many objects leaves room for others.

    Args:
        get: opens a page and follows no redirect; where one leads is a page of its own.
    """
    seen, opened = {path}, Counter([route_of("GET", path)])
    waiting: list[str] = []
    page = start
    while True:
        yield path, page
        found = [link for link in local_links(page, base_url + path) if link not in seen]
        waiting += found[: WAITING_MAX - len(waiting)]
        seen.update(found)
        if not waiting or opened.total() >= pages_max:
            return
        path = min(waiting, key=lambda each: opened[route_of("GET", each)])
        waiting.remove(path)
        opened[route_of("GET", path)] += 1
        page = get(path)
