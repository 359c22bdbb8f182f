"""The links of a page that lead to the same host and that may be followed without doing anything."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

from harness.probes.exchange import Answer

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


def all_links(answer: Answer) -> list[str]:
    """Paths that the page links to on its own host, each once, in order."""
    reader = _Links()
    reader.feed(answer.text)
    paths = [link.partition("#")[0] for link in reader.found if link.startswith("/") and not link.startswith("//")]
    return [path for path in dict.fromkeys(paths) if path]


def local_links(answer: Answer) -> list[str]:
    """Those of them that may be followed: what would end the session is left out."""
    return [path for path in all_links(answer) if not does_something(path)]


def walk(get: Callable[[str], Answer], path: str, start: Answer, pages_max: int) -> Iterator[tuple[str, Answer]]:
    """What is at `path`, what that links to, and so on: at most `pages_max`, nearest first, with their paths.

    Args:
        get: opens a page and follows no redirect.
    """
    seen, waiting = {path}, deque([(path, start)])
    while waiting:
        path, page = waiting.popleft()
        yield path, page
        for link in local_links(page) if page.is_html else ():
            if link not in seen and len(seen) < pages_max:
                seen.add(link)
                waiting.append((link, get(link)))
