"""The forms of a page: what a browser sends for them, and what else could be chosen in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from harness.probes.http.answers import Answer

_SENDS = "submit"
_NOT_SENT = ("submit", "button", "reset", "image")
_TEXT_TYPES = ("email", "text", "tel", "")
_BOXES = ("checkbox", "radio")


@dataclass(frozen=True)
class Field:
    """One field of a form. `chosen` is false for a box or a radio button that is not checked; `options` are those of a list.

    `least` is the smallest number that it takes, `shortest` the length of its shortest text.
    """

    name: str
    kind: str
    value: str = field(repr=False, default="")
    chosen: bool = True
    options: tuple[str, ...] = ()
    required: bool = False
    least: str = ""
    shortest: int = 0


@dataclass(frozen=True)
class Form:
    """A form of a page."""

    action: str
    method: str
    fields: tuple[Field, ...]

    @property
    def password(self) -> str:
        """The name of its password field, "" where it has none."""
        return next((item.name for item in self.fields if item.kind == "password"), "")

    @property
    def username(self) -> str:
        """The name of the text field before the password."""
        return next((item.name for item in self.fields if item.kind in _TEXT_TYPES), "")

    @property
    def choices(self) -> Iterator[tuple[str, str]]:
        """Each name with a value that could be chosen and is not, "" only for a box that could be left empty."""
        for item in self.fields:
            if item.kind == "select":
                yield from ((item.name, option) for option in item.options if option not in ("", item.value))
            elif item.kind == "checkbox":
                yield item.name, "" if item.chosen else item.value
            elif item.kind == "radio" and not item.chosen:
                yield item.name, item.value

    def has_chosen(self, name: str, value: str) -> bool:
        """Whether that is what would be sent for it; "" where nothing would."""
        return value in ([item.value for item in self._chosen_as(name) if item.chosen] or [""])

    def _chosen_as(self, name: str) -> list[Field]:
        """The fields of that name in which something is chosen: a hidden one beside a box is what is sent for the empty box."""
        return [item for item in self.fields if item.name == name and item.kind in (*_BOXES, "select")]

    def choosing(self, name: str, value: str) -> Form:
        """The form with another of its choices."""
        return replace(self, fields=tuple(_choosing(item, value) if item.name == name else item for item in self.fields))

    def filled(self, **values: str) -> list[tuple[str, str]]:
        """Its fields with what the page put into them, and these values; sent by its first button that has a name."""
        kept = [item for item in self.fields if item.chosen and item.kind not in _NOT_SENT and item.name not in values]
        button = next((item for item in self.fields if item.kind == _SENDS), None)
        return [*((item.name, item.value) for item in (*kept, *([button] if button else []))), *values.items()]


def _choosing(item: Field, value: str) -> Field:
    if item.kind in _BOXES:
        return replace(item, chosen=item.value == value)
    return replace(item, value=value) if item.kind == "select" else item


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: tuple[str, str] | None = None
        self._fields: list[Field] = []
        self._within = ""  # select or textarea, whose value stands between its tags
        self._option: _Option | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._close()
            self._open, self._fields = (given.get("action", ""), given.get("method", "get").upper()), []
        elif tag in ("input", "button", "select", "textarea") and self._open and given.get("name"):
            kind = given.get("type", {"input": "text", "button": _SENDS}.get(tag, tag)).lower()
            value = given.get("value", "on" if kind in _BOXES else "")
            self._fields.append(
                Field(
                    given["name"],
                    kind,
                    value,
                    kind not in _BOXES or "checked" in given,
                    required="required" in given,
                    least=given.get("min", ""),
                    shortest=int(length) if (length := given.get("minlength", "")).isdecimal() else 0,
                )
            )
            self._within = tag if tag in ("select", "textarea") else ""
        elif tag == "option" and self._within == "select":
            self._end_option()
            self._option = _Option(given.get("value"), "selected" in given)

    def handle_data(self, data: str) -> None:
        if self._option is not None:
            self._option.text += data
        elif self._within == "textarea":
            self._fields[-1] = replace(self._fields[-1], value=self._fields[-1].value + data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("option", "select"):
            self._end_option()
        if tag == "form":
            self._close()
        elif tag == self._within:
            if tag == "textarea":
                self._fields[-1] = replace(self._fields[-1], value=self._fields[-1].value.removeprefix("\n"))
            self._within = ""

    def close(self) -> None:
        super().close()
        self._end_option()
        self._close()

    def _end_option(self) -> None:
        """Adds it to its list; a browser takes the first one where none is selected."""
        option, self._option = self._option, None
        if option is None:
            return
        listed = self._fields[-1]
        value = option.text.strip() if option.value is None else option.value
        is_taken = option.is_selected or not listed.options
        self._fields[-1] = replace(listed, value=value if is_taken else listed.value, options=(*listed.options, value))

    def _close(self) -> None:
        if self._open:
            self.forms.append(Form(*self._open, tuple(self._fields)))
            self._open, self._within = None, ""


@dataclass
class _Option:
    """An option of a list, being read. `value` None: its text is its value."""

    value: str | None
    is_selected: bool
    text: str = ""


def forms_of(answer: Answer) -> tuple[Form, ...]:
    """The forms of a page."""
    reader = _Reader()
    reader.feed(answer.text)
    reader.close()
    return tuple(reader.forms)
