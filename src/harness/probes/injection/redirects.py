"""Where a caller can send others: open redirects of operations, of log-in pages, and of links that say where to go next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Request, Severity, Symptom
from harness.model.target import Role
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import PASSWORD, USERNAME, World, route_of
from harness.probes.http.forms import forms_of
from harness.probes.http.links import local_links, walk
from harness.probes.http.pages import Browsing, log_in
from harness.probes.scene.calls import caller, valid_drafts
from harness.probes.scene.scene import Scene, Untestable

FOREIGN_HOST = "foreign.example.net"
PAGES_MAX = 20  # of nobody, and of each role
LINKS_MAX = 40
_ONWARD = re.compile(
    r"^(next|url|uri|to|u|r|redir|redirect|redirect_?(to|url|uri)|return|return_?(to|url)|continue|dest|destination|goto|go|target"
    r"|back|back_?url|forward|success_?url|cancel_?url|callback|callback_?url|location)$",
    re.I,
)
_FOREIGN = (
    f"https://{FOREIGN_HOST}/",
    f"//{FOREIGN_HOST}/",
    f"/\\{FOREIGN_HOST}/",
    f"https:/{FOREIGN_HOST}/",
    f"/%09/{FOREIGN_HOST}/",
)

_REDIRECT = Weakness(
    "abuse.open-redirect",
    Severity.MEDIUM,
    601,
    "API8:2023",
    "A redirect leads to the platform's own pages only.",
    "A link that begins with the platform's address leads to a copy of its log-in.",
    "Accept paths of the platform's own (one slash, then no slash or backslash), and nothing else.",
)


def leads_away(base_url: str, path: str, location: str) -> bool:
    """Whether a browser that is at `path` follows `location` to the host that we named. Browsers take a backslash for a slash.

    Where else it leads is the platform's own choice: to who logs its users in, or to where its files are.
    """
    cleaned = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
    if re.match(r"^https?:/?[^/]", cleaned):
        cleaned = re.sub(r"^(https?:)/?", r"\1//", cleaned)
    try:
        return urlsplit(urljoin(base_url + path, cleaned)).hostname == FOREIGN_HOST
    except ValueError:  # "http://["
        return False


def examine_redirects(scene: Scene) -> Report:
    """Parameters that name where to go next: of operations, of the log-in pages, and of the links that pages hold."""
    report = Report("redirects")
    for operation in scene.document.operations:
        redirects = any(response.status.startswith("3") for response in operation.responses)
        names = [parameter for parameter in operation.placed("query") if redirects or _ONWARD.match(parameter.name)]
        if operation.method != "GET" or not names:
            continue
        try:
            asker = caller(scene, operation)
            draft = next(valid_drafts(scene, operation, asker))
            for parameter in names:
                for foreign in _FOREIGN:
                    request = draft.with_value(parameter, foreign).request(asker.role, asker.user)
                    _redirected(report, scene.world, operation.name, parameter.name, request, scene.world.send(request))
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            report.leave_out(operation.name, error)
    for role in scene.roles:
        if role.page_login and scene.world.target.allow.writes:
            _attempt(scene, report, role.page_login, lambda role=role: _log_in_page(report, scene.world, role))  # type: ignore[misc]
    _attempt(scene, report, "links", lambda: _links(report, scene))
    nothing = "no operation, no log-in page and no link takes an address to go to"
    report.note = "" if report.tried or report.untried else nothing
    return report


def _attempt(scene: Scene, report: Report, what: str, work: Callable[[], None]) -> None:
    """Does one part; one that fails leaves the others to be done, and what was found stands."""
    try:
        work()
    except HarnessError as error:
        if not scene.world.door.alive():
            raise
        report.leave_out(what, error)


def _redirected(
    report: Report, world: World, operation: str, parameter: str, request: Request, answer: Answer, *, alone: bool = True
) -> None:
    """Judges one answer. `alone` is false for a request of a page's session, which shows nothing by itself."""
    report.tried += 1
    location = answer.header("location")
    if 300 <= answer.status < 400 and leads_away(world.door.base_url, request.path.partition("?")[0], location):
        if any(finding.operation == operation and finding.parameter == parameter for finding in report.findings):
            return
        title = f"{operation} redirects to any address that {parameter} names"
        observed = f"It was answered {answer.status} with Location: {location[:80]}."
        symptom = Symptom(status=(answer.status,), header="Location", header_value=location)
        report.findings.append(
            finding_of(
                _REDIRECT, Place(operation, parameter), title, observed, (request,) if alone else (), symptom, Confidence.HIGH
            )
        )


def _log_in_page(report: Report, world: World, role: Role) -> None:
    """Logs in with a foreign address in each of the usual names of the page's own parameter and of the form's fields."""
    user = role.users[0]
    for foreign in _FOREIGN[:3]:
        page = f"{role.page_login}?next={foreign}&redirect={foreign}&return_to={foreign}"
        browsing = Browsing(world)
        form = next((form for form in forms_of(browsing.open(page)) if form.password and form.username), None)
        if form is None:
            return
        onward = {item.name: foreign for item in form.fields if _ONWARD.match(item.name)}
        answer = browsing.submit(page, form, {form.username: USERNAME, form.password: PASSWORD, **onward}, role.name, user.name)
        request = Request("POST", role.page_login, role.name, user.name)
        _redirected(report, world, f"POST {role.page_login}", "next", request, answer)


@dataclass(frozen=True)
class _Link:
    """A place of a link that says where to go next, on a page that `who` is shown ("" is nobody)."""

    who: str
    route: str  # a template: what is wrong with one object's link is wrong with all
    name: str


def _links(report: Report, scene: Scene) -> None:
    """Links that say where to go next (`/lang?code=de&back=/catalog`): with a foreign address there, each place once."""
    tried: set[_Link] = set()
    for who, browsing, path, page in _every_page(scene):
        for link in local_links(page, scene.world.door.base_url + path):
            route, _, query = link.partition("?")
            given = parse_qsl(query, keep_blank_values=True)
            for name, value in given:
                place = _Link(who, route_of("GET", route).replace("{}", "{id}"), name)
                if place in tried or len(tried) >= LINKS_MAX or not (_ONWARD.match(name) or value.startswith("/")):
                    continue
                tried.add(place)
                _follow(report, browsing, place, route, given)


def _follow(report: Report, browsing: Browsing, place: _Link, path: str, given: list[tuple[str, str]]) -> None:
    for foreign in _FOREIGN:
        query = urlencode([(name, foreign if name == place.name else value) for name, value in given])
        request = Request("GET", f"{path}?{query}", headers={"Accept": "text/html,*/*;q=0.5"})
        answer = browsing.send(request)
        _redirected(report, browsing.world, place.route, place.name, request, answer, alone=not place.who)


def _every_page(scene: Scene) -> Iterator[tuple[str, Browsing, str, Answer]]:
    """The pages that nobody has to log in for, from the root and the log-in pages on; then those of each role, with its name."""
    base_url = scene.world.door.base_url
    for start in dict.fromkeys(("/", *(role.page_login for role in scene.roles if role.page_login))):
        browsing = Browsing(scene.world)
        for path, page in walk(browsing.open, base_url, start, browsing.open(start), PAGES_MAX):
            yield "", browsing, path, page
    for role in scene.roles:
        browsing = Browsing(scene.world)
        may = role.page_login and scene.world.target.allow.writes
        session = log_in(browsing, role, role.users[0]) if may else None
        for path, page in browsing.walk(session, PAGES_MAX) if session else ():
            yield role.name, browsing, path, page
