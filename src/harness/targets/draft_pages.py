"""The log-in page that an address leads a browser to, as a recipe for a role."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from harness.model.errors import HarnessError
from harness.probes.http.answers import Answer
from harness.probes.http.forms import Form, forms_of
from harness.probes.http.pages import is_csrf
from harness.probes.sessions.sighted_forms import is_guard
from harness.targets.clients import TargetClient
from harness.targets.draft_objects import quoted

PAGES = ("/", "/login", "/log-in", "/signin", "/accounts/login/", "/users/sign_in")
REDIRECTS_MAX = 3


@dataclass(frozen=True)
class LogInPage:
    """A page with a form that takes a name and a password: its path, where it is sent, its fields, and the cookie it sets."""

    path: str
    action: str
    username: str
    password: str
    guard: str = ""
    cookie: str = ""

    @property
    def lines(self) -> list[str]:
        """The log-in of a role with it, as the target file has it."""
        guarded = {self.guard: "{page_token}"} if self.guard else {}
        body = {self.username: "{username}", self.password: "{password}", **guarded}
        lines = [
            "",
            f"# Guessed from the form of GET {self.path}.",
            "[roles.user]",
            f"page_login = {quoted(self.path)}",
            "",
            "[roles.user.login]",
            'kind = "form"',
            f"path = {quoted(self.action)}",
            f"body = {{ {', '.join(f'{quoted(name)} = {quoted(value)}' for name, value in body.items())} }}",
            f"cookie = {quoted(self.cookie or 'session')}  # the session's: a browser shows what a log-in sets",
        ]
        return lines + ([f"page = {quoted(self.path)}", f"page_token = {quoted(self.guard)}"] if self.guard else [])


def log_in_page(http: TargetClient) -> LogInPage | None:
    """The first page with a form that asks for a password, where the root leads or at a usual place; None where none is."""
    for path in PAGES:
        try:
            found = _at(http, path)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, HarnessError):  # no answer, or an address that is none
            continue
        if found is not None:
            return found
    return None


def _at(http: TargetClient, path: str) -> LogInPage | None:
    """What stands at a path, redirects followed as far as they stay on the host."""
    for _ in range(REDIRECTS_MAX + 1):
        answer = http.get(path)
        here = urlsplit(str(answer.url))
        there = urlsplit(urljoin(str(answer.url), answer.headers.get("location", "")))
        if not answer.is_redirect or there.netloc != here.netloc:
            break
        path = f"{there.path}?{there.query}" if there.query else there.path
    form = next((form for form in forms_of(Answer(answer.status_code, content=answer.content)) if _is_log_in(form)), None)
    if form is None or answer.status_code >= httpx.codes.BAD_REQUEST:
        return None
    cookie = next((name for name in answer.cookies if not is_csrf(name)), "")
    page = urlsplit(path).path
    return LogInPage(page, urlsplit(urljoin(page, form.action)).path or page, form.username, form.password, _guard(form), cookie)


def _is_log_in(form: Form) -> bool:
    """Whether it asks for a name and for one password: a registration asks for it twice, and for more."""
    return bool(form.username) and [field.kind for field in form.fields].count("password") == 1


def _guard(form: Form) -> str:
    return next((item.name for item in form.fields if item.kind == "hidden" and is_guard(item.name)), "")
