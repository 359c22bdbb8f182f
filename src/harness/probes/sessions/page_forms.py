"""Forms of pages that another site sends: the browser adds the session cookie by itself, so the form's own token must count.

A form is sent with a text that stands nowhere else, or with another choice than the present one (a list, a radio button, a box);
that a page shows it afterwards proves that the form was taken, whatever the status said. A form with a token is sent without it
and with another one: from another site, and as from the platform's own page (where only headers of newer browsers stand in for
it). One without a token is sent only where the session cookie goes along with forms of other sites (no `SameSite`, or `None`).

Of a form with nothing to fill in (`Cancel`) it proves the same that it stands on its page no more, which is still shown.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import urljoin, urlsplit

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Severity, Symptom
from harness.model.target import Role
from harness.model.weakness import Place, Weakness
from harness.probes.http.answers import Answer
from harness.probes.http.forms import Form, forms_of
from harness.probes.http.pages import Browsing, PageSession, log_in
from harness.probes.scene.form_values import KnownIds, completed, new_text
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.sessions.cross_site import ORIGIN
from harness.probes.sessions.endings import ENGINE, STAGE, Ended
from harness.probes.sessions.sighted_forms import Sighted, forms_on_pages, shuts, writing_forms

NO_PAGES = "no role has pages"
FIELDS_TRIED_MAX = 3
CHOICES_TRIED_MAX = 3
_CLOCK_S = 1.1  # after which a form that tells the time is another one
_WEAKNESS = Weakness(
    "cookies.form-without-token",
    Severity.MEDIUM,
    352,
    "API8:2023",
    "A form that was not filled in on the platform's own page is refused with 403.",
    "The browser adds the cookie to what other sites send: a page that a user visits writes in that user's name.",
    "Compare the form's token with the session's own in constant time before every write, in one place; answer 403 where it "
    "differs or is missing. Set the session cookie with SameSite=Lax or Strict as well.",
    ("2.1.9.a",),
)


def examine_page_forms(scene: Scene) -> list[Ended]:
    """Every form of every role's pages that writes, each once."""
    done: list[Ended] = []
    for role in (role for role in scene.roles if role.page_login):
        try:
            done += _as_role(scene, role)
        except HarnessError as error:
            if not scene.world.door.alive():
                raise
            done.append(Ended(role.name, False, note=f"{role.name}: {error}"))
    return done or [Ended("", False, note=NO_PAGES)]


def _as_role(scene: Scene, role: Role) -> Iterator[Ended]:
    browsing = Browsing(scene.world)
    session = log_in(browsing, role, role.users[0])
    if session is None:
        yield Ended(role.name, False, note=f"the log-in form at {role.page_login} could not be used as {role.name}")
        return
    found = forms_on_pages(browsing, role, session)
    for sighted in found:
        try:
            known = partial(_known_ids, scene, role)
            finding = _Forging(*_session_for(sighted, browsing, session), sighted, known).run()
        except Untestable as error:
            yield Ended(role.name, False, note=f"{sighted.name} as {role.name}: {error}", operation=sighted.name)
        else:
            yield Ended(role.name, True, finding, operation=sighted.name)
    if not found:
        yield Ended(role.name, False, note=f"no page of {role.name} has a form that writes")


def _known_ids(scene: Scene, role: Role) -> dict[str, tuple[Any, ...]]:
    """Ids that lists show, before all those that they show the role; pages are often of a role that may read no list."""
    others = (each for each in scene.roles if each != role)
    return {name: ids for each in (*others, role) for name, ids in scene.known_ids(Asker.first_of(each)).items()}


def _session_for(sighted: Sighted, browsing: Browsing, session: PageSession) -> tuple[Browsing, PageSession]:
    """A session of its own for a button, as the one before may have ended the last; for other forms the one that is there."""
    if not sighted.is_pressed:
        return browsing, session
    anew = Browsing(browsing.world)
    logged_in = log_in(anew, sighted.role, sighted.role.users[0])
    return (anew, logged_in) if logged_in is not None else (browsing, session)


@dataclass(frozen=True)
class _Forging:
    browsing: Browsing
    session: PageSession
    sighted: Sighted
    known: KnownIds
    turns: Iterator[int] = field(default_factory=count)  # what is filled in each time is to be new

    def run(self) -> Finding | None:
        """The first way of forging that is taken, None where all are refused.

        Raises:
            Untestable: nothing can be forged, or the form as it should be shows nothing either.
        """
        tokens = self.sighted.tokens
        if not tokens and not self._cookie_goes_along():
            raise Untestable("it has no token, and a browser adds the cookie to no form of another site (SameSite)")
        return self._pressed() if self.sighted.is_pressed else self._filled_in()

    def _pressed(self) -> Finding | None:
        """Presses the button in each forged way, and last as it should be, which must make the form go: it can only once."""
        self._present()
        time.sleep(_CLOCK_S)
        self._present()
        for way in _ways(self.sighted.tokens):
            answer, _ = self._send(self._present(), {}, way)
            if answer.status < 400 and self._is_gone():
                return self._finding("", way, "and the form stood on its page no more.")
        self._send(self._present(), {}, None)
        if not self._is_gone():
            raise Untestable("it still stands on its page after it was sent")
        return None

    def _is_gone(self) -> bool:
        """Whether its page is shown without it, and in a new session too: a refusal may have ended the present one."""
        if not self._is_without(self.browsing):
            return False
        role = self.sighted.role
        anew = Browsing(self.browsing.world)
        return log_in(anew, role, role.users[0]) is not None and self._is_without(anew)

    def _is_without(self, browsing: Browsing) -> bool:
        """Whether the page is shown twice without the form: one that fails, or asks for a log-in, proves nothing."""
        pages = [browsing.open(self.sighted.page) for _ in range(2)]
        are_shown = all(page.is_success and not any(form.password for form in forms_of(page)) for page in pages)
        return are_shown and not any(self._on(page) for page in pages)

    def _filled_in(self) -> Finding | None:
        fields = (*self.sighted.typed_into[:FIELDS_TRIED_MAX], *self.sighted.chosen_in[:FIELDS_TRIED_MAX])
        field = next((name for name in fields if self._shows(name)), None)
        if field is None:
            raise Untestable("nothing that was sent with it is shown afterwards")
        for number, way in enumerate(_ways(self.sighted.tokens)):
            try:
                is_taken = self._shows(field, way)
            except Untestable:
                if not number:
                    raise
                return None  # the refusal before it ended the session, or what it chose was refused and is chosen no more
            if is_taken:
                return self._finding(field, way, f"and what was sent in {field} was shown afterwards.")
        return None

    def _cookie_goes_along(self) -> bool:
        """Whether a browser sends all that the log-in set with a form of another site too."""
        cookies = self.session.session_cookies
        return bool(cookies) and all(cookie.attributes.get("samesite", "none").lower() in ("", "none") for cookie in cookies)

    def _shows(self, field: str, way: _Way | None = None) -> bool:
        """Whether the form is taken with something new in a field: the page that it leads to, or stands on, shows it when opened.

        What comes back with the form itself, or the first time that a page is opened then, proves nothing: a form that is refused
        is often shown as it was filled in.
        """
        if field in self.sighted.typed_into:
            form = self._present()
            text = new_text(next(item for item in form.fields if item.name == field))
            answer, paths = self._send(form, {field: text}, way)
            shown = [[self.browsing.get(path).text for _ in range(2)][-1] for path in paths]
            return answer.status < 400 and any(text in page for page in shown)
        values = [value for name, value in self._present().choices if name == field and not shuts(name, value)]
        if not values and way is not None:
            raise Untestable(f"nothing else is left to choose in {field}")
        return any(self._keeps(field, value, way) for value in values[:CHOICES_TRIED_MAX])

    def _keeps(self, field: str, value: str, way: _Way | None) -> bool:
        """Whether another choice is taken: the form has it when its page is opened twice afterwards, and had not before."""
        form = self._present()
        if form.has_chosen(field, value):
            return False
        answer, _ = self._send(form.choosing(field, value), {}, way)
        return answer.status < 400 and [self._present().has_chosen(field, value) for _ in range(2)][-1]

    def _present(self) -> Form:
        """The form as its page has it now.

        Raises:
            Untestable: it is gone.
        """
        form = self._on(self.browsing.open(self.sighted.page))
        if form is None:
            raise Untestable("the form does not stand on its page any more")
        return form

    def _on(self, page: Answer) -> Form | None:
        there = writing_forms(self.browsing, self.sighted.role, self.sighted.page, page)
        return next((each.form for each in there if each.is_same(self.sighted)), None)

    def _send(self, form: Form, values: Mapping[str, str], way: _Way | None) -> tuple[Answer, list[str]]:
        """What is answered to the form, sent one way or as it should be, and the pages that may show it then."""
        form = completed(form, self.known, next(self.turns))
        sent = form if way is None else _with_token(form, self.sighted.tokens, way.token)
        jar = dict(self.browsing.jar)
        sender = replace(self.browsing, headers=way.headers if way else {})
        answer = sender.submit(self.sighted.page, sent, values)
        if way is not None:  # what a refusal took away or left is none of the next attempt's business
            self.browsing.jar.clear()
            self.browsing.jar.update(jar)
        paths = [self.sighted.page]
        if 300 <= answer.status < 400 and (onward := answer.header("location")):
            paths.append(urlsplit(urljoin(self.sighted.action, onward)).path)
        return answer, paths

    def _finding(self, field: str, way: _Way, seen: str) -> Finding:
        role, name = self.sighted.role.name, self.sighted.name
        is_harmful = way.headers and self._cookie_goes_along()
        weakness = _WEAKNESS if is_harmful else replace(_WEAKNESS, severity=Severity.LOW)
        return weakness.finding(
            Place(name, field, role),
            stage=STAGE,
            engine=ENGINE,
            title=f"The form of {self.sighted.page} is taken {way.how}",
            observed=f"{role} sent it {way.how}, {seen}",
            steps=(),
            symptom=Symptom(),
            confidence=Confidence.MEDIUM,
        )


@dataclass(frozen=True)
class _Way:
    """One way to forge a form. `token` takes the place of its tokens, which are left out where it is empty."""

    how: str
    headers: Mapping[str, str]
    token: str = ""


_ELSEWHERE = {"Origin": ORIGIN, "Referer": f"{ORIGIN}/", "Sec-Fetch-Site": "cross-site"}


def _ways(tokens: tuple[str, ...]) -> Iterator[_Way]:
    """From another site first; as if from the platform's own page only where a token is there to be asked for."""
    if not tokens:
        yield _Way(f"with Origin: {ORIGIN}", _ELSEWHERE)
        return
    names, wrong = ", ".join(tokens), secrets.token_hex(16)
    for where, headers in ((f" and with Origin: {ORIGIN}", _ELSEWHERE), ("", {})):
        yield _Way(f"without {names}{where}", headers)
        yield _Way(f"with a wrong {names}{where}", headers, wrong)


def _with_token(form: Form, names: tuple[str, ...], token: str) -> Form:
    """The form with this in place of its tokens; without them where it is empty."""
    kept = (replace(item, value=token) if item.name in names else item for item in form.fields)
    return replace(form, fields=tuple(item for item in kept if item.name not in names or token))
