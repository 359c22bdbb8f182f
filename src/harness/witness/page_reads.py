"""The pages for people: statements that they build from what is stored, and from the fields of their own search forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.model.target import Role
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import route_of
from harness.probes.http.forms import Form, forms_of
from harness.probes.http.pages import Browsing, log_in
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Asker, Scene
from harness.witness.injection import InjectionOracle
from harness.witness.slots import Filled, Slot

PAGES_MAX = 30  # of each role
FIELDS_MAX = 20
BLAMED_MAX = 12  # places that may have stored what a page fails at
_TYPED_INTO = ("text", "search")


@dataclass(frozen=True)
class _FormField(Slot):
    """A field of a form that only asks (GET), in a session of its page."""

    action: str = ""
    browsing: Browsing | None = None
    form: Form = field(default_factory=lambda: Form("", "GET", ()))

    @property
    def is_shown_again(self) -> bool:
        """Never: the session of a page is no part of a request that is kept."""
        return False

    def filled(self, scene: Scene, text: str) -> Filled:  # noqa: ARG002 - a page knows its own session
        """The form's address with this text in the field."""
        query = urlencode(self.form.filled(**{self.name: text}))
        return Filled(Request("GET", f"{self.action}?{query}", headers={"Accept": "text/html,*/*;q=0.5"}), {})

    def send(self, scene: Scene, request: Request) -> Answer:
        """Sends it in the page's session."""
        return self.browsing.send(request) if self.browsing else scene.ask(request)


@dataclass
class PageReads:
    """Looks at the pages of every role, once markers are stored. `_asked` are the fields that got one, by address and name."""

    oracle: InjectionOracle
    _asked: set[tuple[str, str]] = field(default_factory=set)

    def look(self) -> None:
        """All of them."""
        for role in self.oracle.scene.roles:
            if not role.page_login:
                continue
            try:
                self._look_as(role)
            except HarnessError as error:
                if not self.oracle.scene.world.door.alive():
                    raise
                self.oracle.report.untried[f"pages of {role.name}"] = str(error)

    def _look_as(self, role: Role) -> None:
        browsing = Browsing(self.oracle.scene.world)
        session = log_in(browsing, role, role.users[0])
        if session is None:
            self.oracle.report.untried[f"pages of {role.name}"] = f"the log-in form at {role.page_login} could not be used"
            return
        for path, page in browsing.walk(session, PAGES_MAX, lambda path: self._opened(browsing, path)):
            self.oracle.report.tried += 1
            if page.status >= 500:
                self._blame(browsing, path)
            for slot in self._fields(browsing, role, path, page):
                self.oracle.mark(slot)
                self.oracle.report.tried += 1

    def _opened(self, browsing: Browsing, path: str) -> Answer:
        with self.oracle.during(route_of("GET", path)):
            return browsing.open(path)

    def _blame(self, browsing: Browsing, path: str) -> None:
        """A page that fails may have had its statement refused by the driver: with balanced quotes it reaches the server."""
        latest = {(sent.slot.operation.name, sent.slot.name): sent for sent in self.oracle.stored}
        for sent in list(reversed(latest.values()))[:BLAMED_MAX]:
            if self.oracle.has_heard(route_of("GET", path)):
                return
            if self.oracle.store_divided(sent.slot) is not None:
                self._opened(browsing, path)

    def _fields(self, browsing: Browsing, role: Role, path: str, page: Answer) -> Iterator[_FormField]:
        asker = Asker.first_of(role)
        for form in (form for form in forms_of(page) if form.method == "GET"):
            action = browsing.action_of(path, form).partition("?")[0]
            operation = Operation("GET", route_of("GET", action).partition(" ")[2])
            for item in form.fields if action else ():
                place = (operation.path, item.name)
                if item.kind in _TYPED_INTO and place not in self._asked and len(self._asked) < FIELDS_MAX:
                    self._asked.add(place)
                    yield _FormField(operation, asker, item.name, item.value, action=action, browsing=browsing, form=form)
