"""The pages for people that a role's scan begins with: those behind its log-in form, with a session of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harness.engines.zap.aims import Aim
from harness.evidence.redaction import remember_cookie
from harness.model.finding import Request
from harness.model.target import Role, User
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import World, route_of
from harness.probes.http.forms import forms_of
from harness.probes.http.links import all_links, does_something
from harness.probes.http.pages import Browsing, log_in

PAGES_MAX = 30
_ACCEPT = {"Accept": "text/html,*/*;q=0.5"}
_ENDS = "it ends the session of the pages, or takes something away"


@dataclass(frozen=True)
class Pages:
    """What is behind a role's log-in form. `gap` says why that is nothing, where the role has such a form.

    `headers` carry the session: empty where the role's own log-in gives the cookie that the pages take too. `left_out` are
    the addresses that would end it, with the reason.
    """

    aims: tuple[Aim, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    left_out: Mapping[str, str] = field(default_factory=dict)
    gap: str = ""

    def over(self, answer: Answer) -> str:
        """Why the session is over, by what its first page answered; "" where it is not."""
        shown = self.aims[0].request.path
        if answer.status != self.aims[0].status:
            return f"the session of the pages was over at the end: {shown} answers {answer.status}"
        if any(form.password for form in forms_of(answer)):
            return f"the session of the pages was over at the end: {shown} shows the log-in form"
        return ""


def enter_pages(world: World, role: Role, user: User) -> Pages:
    """Logs in through the role's page and looks at what it leads to, one page of each kind.

    Raises:
        TargetError: the target died.
    """
    if not role.page_login:
        return Pages()
    browsing = Browsing(world)
    session = log_in(browsing, role, user)
    if session is None:
        return Pages(gap=f"the pages of {role.name} were scanned as nobody: the form at {role.page_login} lets nobody in")
    for value in browsing.jar.values():
        remember_cookie(value)
    aims: dict[str, Aim] = {}
    left_out: dict[str, str] = {}
    for path, page in browsing.walk(session, PAGES_MAX):
        if page.status == 200 and page.is_html and not any(form.password for form in forms_of(page)):
            request = Request("GET", path, role.name, user.name, _ACCEPT)
            name = f"page {urlsplit(path).path}"
            aims.setdefault(route_of("GET", path), Aim(name, request, secured=True, status=200, is_page=True))
            left_out.update((each, _ENDS) for each in _ends(browsing, path, page))
    cookies = {name: value for name, value in browsing.jar.items() if name != role.login.cookie}
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    gap = "" if aims else f"the pages of {role.name} were not scanned: nothing is behind the form at {role.page_login}"
    return Pages(tuple(aims.values()), headers, left_out, gap)


def _ends(browsing: Browsing, path: str, page: Answer) -> Iterator[str]:
    """Forms and links of a page whose address says that they end the session, or take something away."""
    for form in forms_of(page):
        if does_something(address := browsing.action_of(path, form)):
            yield f"{form.method} {address}"
    yield from (f"GET {address}" for address in all_links(page, browsing.world.door.base_url + path) if does_something(address))
