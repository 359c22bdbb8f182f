"""Pages that show somebody an object of another: the page of one's own, as its links name it, opened by a peer.

Only pages whose path names an object that the API shows to be its owner's alone are tried: what a page shows is anybody's else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Severity, Symptom
from harness.model.target import ObjectKind, Role
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker
from harness.probes.http.pages import Browsing, log_in
from harness.probes.openapi.names import singular, snake
from harness.probes.scene.objects import unknown_like
from harness.probes.scene.scene import Scene

PAGES_MAX = 30  # of one user
OPENED_MAX = 6  # pages of one kind of path that the peer opens
TEXT_LENGTH_MIN = 4  # a shorter text may stand on any page
_WEAKNESS = Weakness(
    "exposure.page-of-another",
    Severity.HIGH,
    639,
    "API1:2023",
    "The page of another's object is answered 403 or 404, as the API answers its id.",
    "Whoever counts through the ids in the address reads what belongs to every other user.",
    "Ask for the owner where the page's data is read, in the same query as the API does.",
    ("7.3.5.a",),
)


@dataclass(frozen=True)
class _Page:
    """A page of one object: its path, the path without the id, and what it shows its owner."""

    path: str
    route: str
    kind: ObjectKind
    texts: frozenset[str]

    def of(self, identity: object) -> str:
        """The path with another object's id."""
        return self.route.replace("{id}", str(identity), 1)


def examine_pages_of_others(scene: Scene) -> Report:
    """Walks the pages of the last user of each role that has some, and opens those of its own objects as the first."""
    report = Report("pages of others")
    for role in (role for role in scene.roles if role.page_login and len(role.users) > 1):
        try:
            _examine(scene, role, report)
        except HarnessError as error:
            if not scene.world.door.alive():
                raise
            report.leave_out(f"pages of {role.name}", error)
    report.note = "" if report.tried or report.untried else "no page names an object that is one user's alone"
    return report


def _examine(scene: Scene, role: Role, report: Report) -> None:
    owner, peer = role.users[-1], role.users[0]
    own = list(_pages_of(scene, role, Asker(role.name, owner.name)))
    browsing = Browsing(scene.world)
    session = log_in(browsing, role, peer) if own else None
    if session is None:
        return
    known = set().union(*(_texts(page) for _, page in browsing.walk(session, PAGES_MAX)))
    opened: dict[str, int] = {}
    for page in own:
        opened[page.route] = opened.get(page.route, 0) + 1
        if opened[page.route] > OPENED_MAX:
            continue
        report.tried += 1
        nobodys = _texts(browsing.open(page.of(unknown_like(page.path.rpartition("/")[2]))))
        secrets = page.texts - known - nobodys
        answer = browsing.open(page.path)
        seen = secrets & _texts(answer)
        if answer.is_success and seen and not any(finding.route == page.route for finding in report.findings):
            title = f"The page {page.route} shows {role.name} {peer.name} what belongs to {role.name} {owner.name}"
            some = f"{len(seen)} text{'s' if len(seen) > 1 else ''}"
            observed = f"Opened by {peer.name} it was answered {answer.status} and shows {some} that only its owner is shown."
            place = Place(f"GET {page.route}", "id", role.name)
            report.findings.append(finding_of(_WEAKNESS, place, title, observed, (), Symptom(), Confidence.MEDIUM))


def _pages_of(scene: Scene, role: Role, asker: Asker) -> Iterator[_Page]:
    """The pages that a user's links lead to and whose path names an object of its own."""
    kinds = [kind for kind in scene.kinds if kind.role == role.name]
    owned = {kind.name: {str(identity) for identity in scene.holdings(kind).own.get(asker.user, ())} for kind in kinds}
    if not any(owned.values()):
        return
    browsing = Browsing(scene.world)
    user = next(user for user in role.users if user.name == asker.user)
    session = log_in(browsing, role, user)
    for path, page in browsing.walk(session, PAGES_MAX) if session else ():
        for kind in kinds if page.is_success and page.is_html else ():
            if (route := _route(path, kind, owned[kind.name])) is not None:
                yield _Page(path, route, kind, frozenset(_texts(page)))
                break


def _route(path: str, kind: ObjectKind, ids: set[str]) -> str | None:
    """The path with `{id}` where it names one of these objects (`/leads/{id}`), None where it names none."""
    words = {singular(snake(kind.name)), singular(snake(kind.list_path.rstrip("/").rsplit("/", 1)[-1]))}
    parts = path.partition("?")[0].split("/")
    for number, part in enumerate(parts[1:], start=1):
        if part in ids and singular(snake(parts[number - 1])) in words:
            return "/".join((*parts[:number], "{id}", *parts[number + 1 :]))
    return None


class _Reader(HTMLParser):
    """The texts of a page, and what its fields hold."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._skips = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skips = tag in ("script", "style")
        given = dict(attrs)
        if tag == "input" and given.get("type") != "hidden":  # what is hidden is the session's: a token
            self._add(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self._skips = self._skips and tag not in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._skips:
            self._add(data)

    def _add(self, text: str) -> None:
        plain = re.sub(r"\s+", " ", text).strip()
        self.texts |= {plain} if len(plain) >= TEXT_LENGTH_MIN else set()


def _texts(answer: Answer) -> set[str]:
    if not answer.is_html:
        return set()
    reader = _Reader()
    reader.feed(answer.text)
    reader.close()
    return reader.texts
