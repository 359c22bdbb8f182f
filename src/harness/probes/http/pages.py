"""Pages for people: logs in through a form as a browser would, and reads what it sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urljoin, urlsplit

from harness.model.finding import Request
from harness.model.target import Role, User
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import PASSWORD, USERNAME, World
from harness.probes.http.forms import Form, forms_of
from harness.probes.http.links import walk

REDIRECTS_MAX = 5


@dataclass(frozen=True)
class Cookie:
    """One `Set-Cookie`. `attributes` have lower-case names; one without a value is "" (`httponly`)."""

    name: str
    value: str = field(repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_gone(self) -> bool:
        """Whether it takes the cookie away."""
        return not self.value or self.attributes.get("max-age") == "0"


def cookies_of(answer: Answer) -> tuple[Cookie, ...]:
    """The cookies that an answer sets."""
    found = []
    for header in answer.header_all("set-cookie"):
        pair, *rest = header.split(";")
        name, _, value = pair.strip().partition("=")
        attributes = {key.strip().lower(): text.strip() for key, _, text in (part.partition("=") for part in rest)}
        found.append(Cookie(name, value.strip('"'), attributes))
    return tuple(found)


@dataclass
class Browsing:
    """A browser's side of a visit: its cookies, and the answers that it got."""

    world: World
    jar: dict[str, str] = field(default_factory=dict, repr=False)
    answers: list[tuple[Request, Answer]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every request

    def open(self, path: str) -> Answer:
        """What is at a path, a redirect too."""
        return self.send(Request("GET", path, headers={"Accept": "text/html,*/*;q=0.5"}))

    def get(self, path: str) -> Answer:
        """Opens a page, redirects followed."""
        return self.follow(path)[1]

    def follow(self, path: str) -> tuple[str, Answer]:
        """Opens a page, redirects followed within the target (at most five); where it ended, and what is there."""
        answer = self.open(path)
        for _ in range(REDIRECTS_MAX):
            onward = self._onward(path, answer)
            if not onward:
                break
            path = onward
            answer = self.open(path)
        return path, answer

    def submit(self, page: str, form: Form, values: Mapping[str, str], role: str = "", user: str = "") -> Answer:
        """Sends a form from the page at `page`, as the browser would from there. The user's words may stand for themselves."""
        origin = self.world.door.base_url
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": origin,
            "Referer": origin + page,
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "navigate",
            "Accept": "text/html,*/*;q=0.5",
        }
        path = _local(urljoin(page, form.action or page))
        return self.send(Request(form.method, path, role, user, headers, urlencode(form.filled(**values), safe="${}")))

    def send(self, request: Request) -> Answer:
        """Sends a request with the cookies so far, and keeps those that come back."""
        request = replace(request, headers={**request.headers, **self.headers})
        if self.jar:
            request = replace(request, headers={**request.headers, "Cookie": "; ".join(f"{k}={v}" for k, v in self.jar.items())})
        answer = self.world.send_as(request, self.world.credential("", ""))
        for cookie in cookies_of(answer):
            if cookie.is_gone:
                self.jar.pop(cookie.name, None)
            else:
                self.jar[cookie.name] = cookie.value
        self.answers.append((request, answer))
        return answer

    def action_of(self, page: str, form: Form) -> str:
        """Where a form of the page at `page` is sent to, "" where that is another host."""
        here = self.world.door.base_url
        try:
            there = urlsplit(urljoin(here + page, form.action or page))
        except ValueError:  # "http://["
            return ""
        return _local(there.geturl()) if there.netloc == urlsplit(here).netloc else ""

    def walk(
        self, session: PageSession, pages_max: int, get: Callable[[str], Answer] | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """The page that a log-in led to, and those that are linked from there (`links.walk`), with their paths.

        Args:
            get: opens each of them, the first one anew, and follows no redirect.
        """
        start = get(session.landing_path) if get else session.landing
        yield from walk(get or self.open, self.world.door.base_url, session.landing_path, start, pages_max)

    def _onward(self, path: str, answer: Answer) -> str:
        location = answer.header("location")
        if not 300 <= answer.status < 400 or not location:
            return ""
        there = urlsplit(urljoin(self.world.door.base_url + path, location))
        here = urlsplit(self.world.door.base_url)
        return _local(there.geturl()) if there.netloc == here.netloc else ""


def _local(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "") or "/"


@dataclass(frozen=True)
class PageSession:
    """A log-in through a page. `before` are the cookies that the browser sent with the form, `after` what the log-in set."""

    role: str
    user: str
    page: str
    answer: Answer
    before: Mapping[str, str] = field(repr=False)
    after: tuple[Cookie, ...]
    landing: Answer
    landing_path: str

    @property
    def session_cookies(self) -> tuple[Cookie, ...]:
        """The cookies that the log-in gave a new value: one of them is the session."""
        return tuple(cookie for cookie in self.after if not cookie.is_gone and not is_csrf(cookie.name))


def is_csrf(name: str) -> bool:
    """Whether a cookie's name says that it guards forms; such a one may be read by script."""
    return "csrf" in name.lower() or "xsrf" in name.lower()


def log_in(browsing: Browsing, role: Role, user: User) -> PageSession | None:
    """Logs a user in through the role's log-in page; None where there is no such form or it refuses."""
    page = role.page_login
    shown = browsing.open(page)
    form = next((form for form in forms_of(shown) if form.password and form.username), None)
    if form is None or form.method != "POST":
        return None
    before = dict(browsing.jar)
    answer = browsing.submit(page, form, {form.username: USERNAME, form.password: PASSWORD}, role.name, user.name)
    if answer.status >= 400 or answer.status == 0:
        return None
    onward = answer.header("location")
    first = _local(urljoin(browsing.world.door.base_url + page, onward)) if onward else page
    path, landing = browsing.follow(first) if onward else (page, answer)
    if any(form.password for form in forms_of(landing)):
        return None  # the log-in form again
    return PageSession(role.name, user.name, page, answer, before, cookies_of(answer), landing, path)
