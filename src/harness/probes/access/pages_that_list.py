"""Pages that list objects of others: what a page links to is its reader's, or at least shown to it by the API.

Tried are the pages that a user's own links lead to, and those that other roles are led to: who is not meant to see a page may
find its address all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Severity, Symptom
from harness.model.target import ObjectKind, Role, User
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker
from harness.probes.http.exchange import route_of
from harness.probes.http.links import local_links
from harness.probes.http.pages import Browsing, log_in
from harness.probes.openapi.names import singular, snake
from harness.probes.scene.objects import Reference
from harness.probes.scene.scene import Scene

PAGES_MAX = 30  # of one user
ASKED_ABOUT_MAX = 6  # objects of one page that the reader's own list does not show
_WEAKNESS = Weakness(
    "exposure.page-lists-others",
    Severity.HIGH,
    285,
    "API5:2023",
    "A page lists what its reader may read, and is refused (403) to whom it is not meant for.",
    "A user reads whose objects there are, and with what the page says of them, without being let in to one of them.",
    "Check the role where the page is served, not only where it is linked; and ask for the owner in the list's query.",
    ("7.3.5.a",),
)


@dataclass(frozen=True)
class _Objects:
    """The objects of one kind: how a path names them, and whether one is another's. `browsing` is the asker's session."""

    scene: Scene
    kind: ObjectKind
    asker: Asker
    browsing: Browsing

    def linked(self, page: Answer, address: str) -> dict[str, str]:
        """The ids in the links of a page, each with the first link that names it."""
        words = {singular(snake(self.kind.name)), singular(snake(self.kind.list_path.rstrip("/").rsplit("/", 1)[-1]))}
        found: dict[str, str] = {}
        for link in local_links(page, address):
            for word, part in pairwise(link.partition("?")[0].split("/")):
                if part and singular(snake(word)) in words:
                    found.setdefault(part, link)
        return found

    def of_others(self, linked: dict[str, str]) -> list[str]:
        """Those that the API shows to another user of the role and refuses to the asker, whose page is refused as well.

        A directory of what one may join or claim opens a page for each; a page may also number its objects otherwise.
        """
        lists = self.scene.holdings(self.kind).lists
        own = {str(each) for found in lists if found.user == self.asker.user for each in found.ids}
        unknown = [each for each in linked if each not in own][:ASKED_ABOUT_MAX]
        refused = [each for each in unknown if self._is_shown_to_others(each) and self._is_refused(each)]
        return [each for each in refused if not self.browsing.open(linked[each]).is_success]

    def _is_shown_to_others(self, identity: str) -> bool:
        peers = [user for user in self.scene.world.target.role(self.kind.role).users if user.name != self.asker.user]
        return any(self.scene.looks.shows(self._place, identity, Asker(self.kind.role, peer.name)) for peer in peers)

    def _is_refused(self, identity: str) -> bool:
        return self.scene.looks.shows(self._place, identity, self.asker) is False

    @property
    def _place(self) -> Reference:
        return Reference("", "", "path", self.kind)


def examine_pages_that_list(scene: Scene) -> Report:
    """Opens, as the first user of each role that owns something, every page that some role's links lead to."""
    report = Report("pages that list")
    with_pages = [role for role in scene.roles if role.page_login]
    for role in with_pages:
        kinds = [kind for kind in scene.kinds if kind.role == role.name and kind.list_path]
        try:
            _examine(scene, role, kinds, [other for other in with_pages if other != role], report)
        except HarnessError as error:
            if not scene.world.door.alive():
                raise
            report.leave_out(f"the pages of {role.name}", error)
    report.note = "" if report.tried or report.untried else "no role has both pages and objects of its own"
    return report


def _examine(scene: Scene, role: Role, kinds: list[ObjectKind], others: list[Role], report: Report) -> None:
    user = role.users[0]
    browsing = Browsing(scene.world)
    session = log_in(browsing, role, user) if kinds and len(role.users) > 1 else None
    if session is None:
        return
    objects = [_Objects(scene, kind, Asker(role.name, user.name), browsing) for kind in kinds]
    seen: set[str] = set()
    for path, page in browsing.walk(session, PAGES_MAX):
        seen.add(route_of("GET", path))
        _judge(path, page, role, user, objects, report)
    for other in others:
        for path in _paths_of(scene, other):
            if route_of("GET", path) not in seen:
                seen.add(route_of("GET", path))
                _judge(path, browsing.open(path), role, user, objects, report)


def _paths_of(scene: Scene, role: Role) -> list[str]:
    browsing = Browsing(scene.world)
    session = log_in(browsing, role, role.users[0])
    return [path for path, _ in browsing.walk(session, PAGES_MAX)] if session else []


def _judge(path: str, page: Answer, role: Role, user: User, objects: list[_Objects], report: Report) -> None:
    report.tried += 1
    address = f"{objects[0].scene.world.door.base_url}{path}"
    for of_kind in objects if page.is_success and page.is_html else ():
        linked = of_kind.linked(page, address)
        foreign = of_kind.of_others(linked)
        route = route_of("GET", path).partition(" ")[2].replace("{}", "{id}")
        if foreign and not any(finding.route == route for finding in report.findings):
            title = f"The page {route} lists for {role.name} {user.name} what belongs to another"
            observed = (
                f"It was answered {page.status} and links to {len(linked)} objects of the kind {of_kind.kind.name}; of those"
                f" asked about, the API and their own page refuse {len(foreign)} to {user.name}, and the API shows them to"
                f" another {role.name}."
            )
            place = Place(f"GET {route}", "", role.name)
            report.findings.append(finding_of(_WEAKNESS, place, title, observed, (), Symptom(), Confidence.MEDIUM))
