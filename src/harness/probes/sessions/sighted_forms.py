"""The forms that write, on the pages of a role, and which of them may be sent without shutting anybody out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.model.target import Role
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import route_of
from harness.probes.http.forms import Form, forms_of
from harness.probes.http.links import does_something
from harness.probes.http.pages import Browsing, PageSession
from harness.probes.scene.form_values import TYPED_INTO

PAGES_MAX = 20  # of each role
FORMS_MAX = 10
_FILLED_BY_ITSELF = ("hidden", "submit", "button", "image", "reset")
_SHUTS = re.compile(r"delete|remove|(de|in)activ|disable|suspend|lock|\bban|close|archive|terminate", re.I)
_OPENS = re.compile(r"activ|enable|access", re.I)
_OFF = ("", "0", "false", "no", "off")
_PEOPLE = re.compile(r"user|account|member|customer|employee|staff|partner|profile|person|people", re.I)
_TOKEN = re.compile(
    r"csrf|xsrf|forgery|authenticity|(^|\[)_?token\]?$|nonce|sesskey|form_?token|requestverification|viewstate", re.I
)
_ENDS = re.compile(r"(log|sign)[\s_-]?(out|off)|session|wipe|purge|truncate|factory[_-]?reset|re-?seed", re.I)
_TO_PEOPLE = re.compile(r"cancel|revoke|reset|expel|kick|2fa|mfa|otp|password|demote|merge|leave|role", re.I)
_DRAWN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[0-9A-Za-z_+/=.-]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)


def is_guard(name: str) -> bool:
    """Whether a hidden field of this name guards its form against forged writes."""
    return _TOKEN.search(name) is not None


@dataclass(frozen=True)
class Sighted:
    """A form on a page of a role."""

    role: Role
    page: str
    action: str
    form: Form

    @property
    def name(self) -> str:
        """How a note and a finding call it, whatever object it is about."""
        return route_of("POST", self.action)

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from the other forms of a page."""
        return (self.name, *sorted({item.name for item in self.form.fields}))

    @property
    def typed_into(self) -> tuple[str, ...]:
        """The names of its fields that take a text."""
        return tuple(item.name for item in self.form.fields if item.kind in TYPED_INTO)

    @property
    def chosen_in(self) -> tuple[str, ...]:
        """The names of its fields in which something else could be chosen that shuts nobody out."""
        return tuple(dict.fromkeys(name for name, value in self.form.choices if not shuts(name, value)))

    @property
    def is_pressed(self) -> bool:
        """Whether there is nothing to fill in, so that its button alone does something, and nobody is shut out by it."""
        if any(item.kind not in _FILLED_BY_ITSELF for item in self.form.fields):
            return False
        about_people = "{}" not in self.name or _PEOPLE.search(self.name)
        ends = _ENDS.search(self.name) or (about_people and (_SHUTS.search(self.name) or _TO_PEOPLE.search(self.name)))
        return not ends and not any(shuts(*each) for each in self.given)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of its fields that guard it."""
        return tuple(item.name for item in self.form.fields if item.kind == "hidden" and is_guard(item.name))

    @property
    def given(self) -> tuple[tuple[str, str], ...]:
        """What it sends by itself, without what guards it, and without words that are drawn anew each time."""
        kept = ((name, value) for name, value in self.form.filled() if name not in self.tokens)
        return tuple((name, value) for name, value in kept if _UUID.fullmatch(value) or not _DRAWN.fullmatch(value))

    def is_same(self, other: Sighted) -> bool:
        """Whether it is the same form, about the same object; one that is only pressed also says the same of it."""
        is_same = self.key == other.key and urlsplit(self.action).path == urlsplit(other.action).path
        return is_same and (not self.is_pressed or self.given == other.given)


def forms_on_pages(browsing: Browsing, role: Role, session: PageSession) -> list[Sighted]:
    """The forms of a role that can be sent with another text or choice, or by their button alone, each kind once."""
    found: dict[tuple[str, ...], Sighted] = {}
    for path, page in browsing.walk(session, PAGES_MAX):
        for sighted in writing_forms(browsing, role, path, page):
            if sighted.typed_into or sighted.chosen_in or sighted.is_pressed:
                found.setdefault(sighted.key, sighted)
    return sorted(found.values(), key=lambda each: each.is_pressed)[:FORMS_MAX]  # what is pressed may take an object away


def writing_forms(browsing: Browsing, role: Role, path: str, page: Answer) -> Iterator[Sighted]:
    """The forms of a page that send something to this host by POST, but for log-in, log-out and what deletes."""
    for form in forms_of(page) if page.is_html else ():
        action = browsing.action_of(path, form)
        if action and form.method == "POST" and not form.password and not does_something(action):
            yield Sighted(role, path, action, form)


def shuts(name: str, value: str) -> bool:
    """Whether a choice may end an account: `blocked`, or the box `active` left empty."""
    return bool(_OPENS.search(name) if value.lower() in _OFF else _SHUTS.search(f"{name} {value}"))
