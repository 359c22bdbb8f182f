"""What reads a value as more than a value: a template engine, a shell, a browser.

Each is asked for something that no copy of the text can show: the product of two numbers of which only the factors were sent, a
pause that was asked for, an element of a page. What is stored and interpreted later is looked for on the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from urllib.parse import quote, urlencode

from harness.model.finding import Confidence, Finding, Observation, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import SERVER_ERROR, STAGE, Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.forms import forms_of
from harness.probes.http.pages import Browsing, PageSession, log_in
from harness.probes.injection.slots import Slot
from harness.probes.scene.scene import Scene

PAGES_MAX = 30  # of each role
OBJECT_PAGES_MAX = 10  # of each role, of objects that something was stored with
FIELDS_MAX = 20
PAUSE_S = 2
_UNENDED, _PLAIN = "{{7${7<%=7", "((7&(7(%=7"  # begins an expression of each engine and ends none; as odd, and nothing to any
_QUICK_S = 1.0
_ASKED = ("text", "search")
_FACTOR = 9_973  # prime; the product has nine digits at most: a sum of 32 bits holds it

_TEMPLATE = Weakness(
    "injection.template",
    Severity.CRITICAL,
    1336,
    "API8:2023",
    "What stands between braces in a value stays as it is.",
    "A caller runs code on the server: template engines reach the language that they are written in.",
    "Hand the value to the template as data; never build the template's text from it.",
)
_COMMAND = Weakness(
    "injection.command",
    Severity.CRITICAL,
    78,
    "API8:2023",
    "A value is an argument of a command, never a part of its line.",
    "A caller runs any command on the machine.",
    "Start the program with a list of arguments and no shell.",
)
_MARKUP = Weakness(
    "injection.markup",
    Severity.HIGH,
    79,
    "API8:2023",
    "A page shows a value as text, whatever stands in it.",
    "A script of one user runs in the browsers of others, as them.",
    "Let the template escape every value; mark none as safe that came from outside.",
)


@dataclass(frozen=True)
class _Mark:
    """What one place was asked for: an element of a page, and a product of which its text holds the factors.

    `ids` are those in the request's path, of the object that it was stored with.
    """

    place: Place
    element: str
    product: str
    ids: tuple[str, ...] = ()

    @property
    def sum_text(self) -> str:
        """Asks most engines for the product."""
        factors = f"{_FACTOR}*{int(self.product) // _FACTOR}"
        return f"{{{{{factors}}}}}${{{factors}}}<%= {factors} %>#{{{factors}}}"

    @property
    def formatted(self) -> str:
        """A number in hexadecimal whose text holds it in decimal: for engines that know no sums."""
        return f"zq{int(self.product) + 1:x}q"

    @property
    def format_text(self) -> str:
        """Asks the engine of Go for the formatted number."""
        return f'{{{{printf "zq%xq" {int(self.product) + 1}}}}}'

    def sign_in(self, text: str) -> str:
        """What a text shows that only an engine can have made of ours; "" where it shows nothing."""
        signs = (self.product, f"{int(self.product):,}", self.formatted)
        return next((sign for sign in signs if sign in text), "")


@dataclass
class Marks:
    """What was asked for so far, each place by marks of its own."""

    seed: int
    sent: list[_Mark] = field(default_factory=list)

    def new(self, place: Place, ids: Iterable[object] = ()) -> _Mark:
        """Marks that no other place has."""
        number = 10_007 + (self.seed + 2 * len(self.sent)) % 80_000
        self.sent.append(_Mark(place, f"<svg onload=h{number}>", str(_FACTOR * number), tuple(map(str, ids))))
        return self.sent[-1]


def interpreted(slot: Slot, marks: Marks) -> Iterator[Finding]:
    """What the answer to a text of each kind shows; a second time with other marks before it is said."""
    if all(slot.ask(_UNENDED).status >= 500 and 0 < slot.ask(_PLAIN).status < 500 for _ in range(2)):
        title = f"{slot.operation.name} reads what stands in {slot.name} as a template"
        observed = f"{_UNENDED!r}, which no template engine reads to its end, failed with a 5xx, and {_PLAIN!r} did not: twice."
        yield slot.finding(_TEMPLATE, title, observed, _UNENDED, Symptom(server_error=True), Confidence.MEDIUM)
    elif _evaluated(slot, marks.new(slot.place)):
        seen = _evaluated(slot, marks.new(slot.place))
        if seen is not None:
            text, sign = seen
            title = f"{slot.operation.name} runs what stands in {slot.name} as a template"
            observed = f"What was asked for between braces, and does not stand in the text that was sent, came back: {sign}."
            yield slot.finding(_TEMPLATE, title, observed, text, Symptom(body_contains=sign), Confidence.HIGH)
    mark = marks.new(slot.place, slot.draft.path.values())
    answer = slot.ask(_markup(slot, mark))
    if answer.is_html and mark.element in answer.text:
        title = f"{slot.operation.name} puts {slot.name} into its page as markup"
        observed = f"The element {mark.element} came back as an element."
        symptom = Symptom(body_contains=mark.element)
        yield slot.finding(_MARKUP, title, observed, _markup(slot, mark), symptom, Confidence.HIGH)
    if _took_s(slot, PAUSE_S) >= PAUSE_S and _took_s(slot, 0) < _QUICK_S and _took_s(slot, PAUSE_S) >= PAUSE_S:
        title = f"{slot.operation.name} puts {slot.name} into the line of a command"
        observed = f"A command that sleeps for {PAUSE_S} s held its answer up, twice; one that does not sleep did not."
        symptom = Symptom(elapsed_s_min=float(PAUSE_S))
        yield slot.finding(_COMMAND, title, observed, _shell(slot, PAUSE_S), symptom, Confidence.HIGH)


def _evaluated(slot: Slot, mark: _Mark) -> tuple[str, str] | None:
    """The text that was run, and what shows it."""
    for text in (mark.sum_text, mark.format_text):
        if sign := mark.sign_in(slot.ask(text).text):
            return text, sign
    return None


def _markup(slot: Slot, mark: _Mark) -> str:
    return f"{slot.value}{mark.element}"


def _shell(slot: Slot, pause_s: int) -> str:
    return f"{slot.value}$(sleep {pause_s})';sleep {pause_s};'"  # bare, in double quotes and in single ones


def _took_s(slot: Slot, pause_s: int) -> float:
    return slot.ask(_shell(slot, pause_s)).elapsed_s


def examine_shown(scene: Scene, marks: Marks, report: Report) -> None:
    """What was stored and is interpreted on a page of any role that has some, or comes back from the forms there."""
    found: dict[str, Finding] = {}
    asked: set[tuple[str, str]] = set()  # of all roles: what one form does to one, it does to all
    for role in (role for role in scene.roles if role.page_login):
        browsing = Browsing(scene.world)
        session = log_in(browsing, role, role.users[0])
        if session is None:
            text = (
                f"{role.name} {role.users[0].name} could not log in at {role.page_login}: what is stored was not looked for there"
            )
            report.observations.append(Observation("injection.pages-not-opened", text, STAGE))
            continue
        for route, path, page in _pages(browsing, session, marks):
            said = [*_shown(page, marks, f"the page {path}, as {role.name} sees it"), *_failed(route, page, role.name)]
            for finding in (*said, *_sent_back(browsing, path, page, marks, role.name, asked)):
                found.setdefault(finding.fingerprint, finding)
    report.findings += found.values()


def _pages(browsing: Browsing, session: PageSession, marks: Marks) -> Iterator[tuple[str, str, Answer]]:
    """The pages of a role, and then those of the objects that something was stored with, where a long list hid them.

    Each with its route: the address, for those objects `/tools/{}`.
    """
    walked: list[str] = []
    for path, page in browsing.walk(session, PAGES_MAX):
        walked.append(path.partition("?")[0].rstrip("/"))
        yield path.partition("?")[0], path, page
    for collection, identity in islice(_unseen(walked, marks), OBJECT_PAGES_MAX):
        path = f"{collection}/{identity}"
        yield f"{collection}/{{}}", path, browsing.open(path)


def _unseen(walked: list[str], marks: Marks) -> Iterator[tuple[str, str]]:
    """Collections of pages (`/tools/saw`, `/tools/lathe`), with ids that something was stored with and no page had."""
    objects = [path.rpartition("/")[0] for path in walked]
    collections = [path for path in dict.fromkeys(objects) if path and objects.count(path) > 1]
    stored_with = dict.fromkeys(identity for mark in marks.sent for identity in mark.ids)
    for identity, collection in product(stored_with, collections):
        if f"{collection}/{quote(identity, safe='')}" not in walked:
            yield collection, quote(identity, safe="")


def _failed(route: str, page: Answer, role: str) -> Iterator[Finding]:
    if page.status >= 500:
        title, observed = f"The page {route} fails", f"Once texts of every kind were stored, {role} was answered {page.status}."
        yield finding_of(SERVER_ERROR, Place(f"GET {route}", "", role), title, observed, (), Symptom())


def _shown(page: Answer, marks: Marks, where: str) -> Iterator[Finding]:
    text = page.text if page.is_html else ""
    for mark in marks.sent:
        element = mark.element if mark.element in text else ""
        for weakness, what, word in ((_MARKUP, element, "markup"), (_TEMPLATE, mark.sign_in(text), "a template")):
            if what:
                title = f"{mark.place.parameter} of {mark.place.operation} is taken for {word} on a page"
                observed = f"It was stored, and {where}, holds {what}."
                yield finding_of(weakness, mark.place, title, observed, (), Symptom(), Confidence.HIGH)


def _sent_back(
    browsing: Browsing, path: str, page: Answer, marks: Marks, role: str, asked: set[tuple[str, str]]
) -> Iterator[Finding]:
    """What the page's forms that only ask (GET) give back as markup; each field once, whatever page it stands on."""
    for form in (form for form in forms_of(page) if form.method == "GET"):
        action = browsing.action_of(path, form).partition("?")[0]
        for item in form.fields:
            if not action or item.kind not in _ASKED or (action, item.name) in asked or len(asked) >= FIELDS_MAX:
                continue
            asked.add((action, item.name))
            mark = marks.new(Place(f"GET {action}", item.name, role))
            answer = browsing.open(f"{action}?{urlencode(form.filled(**{item.name: mark.element}))}")
            if answer.is_html and mark.element in answer.text:
                title = f"The page {action} puts its field {item.name} into itself as markup"
                observed = f"As {role} sees it, the element {mark.element} came back as an element."
                yield finding_of(_MARKUP, mark.place, title, observed, (), Symptom(), Confidence.HIGH)
