"""What is written into a form where its page leaves fields empty, as somebody would who wants it to be taken."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from harness.probes.http.days import About, day_for, some_day
from harness.probes.http.forms import Field, Form
from harness.probes.scene.borrowed import is_reference, refers

KnownIds = Callable[[], Mapping[str, tuple[Any, ...]]]
"""Ids by the name that refers to them (`room_id`); asked for where a field wants one only."""
TYPED_INTO = ("text", "textarea", "search", "")
_BY_KIND = {"email": "zq{}@example.test", "url": "https://example.test/zq{}", "tel": "+12025550147", "color": "#336699"}
_MOMENTS = {
    "date": "{:%Y-%m-%d}",
    "datetime-local": "{:%Y-%m-%d}T10:00",
    "month": "{:%Y-%m}",
    "week": "{:%G-W%V}",
    "time": "10:00",
}


def completed(form: Form, known: KnownIds, turn: int) -> Form:
    """The form with something in its empty fields: in those that the page requires, in all where it says so of none.

    Args:
        turn: other values for another one: days that do not meet, the next of the known ids.
    """
    empty = [item for item in form.fields if _is_empty(item, form)]
    wanted = [item for item in empty if item.required] if any(item.required for item in form.fields) else empty
    about = some_day(Random(turn))
    return replace(form, fields=tuple(_filled(item, known, turn, about) if item in wanted else item for item in form.fields))


def new_text(field: Field) -> str:
    """A text that stands nowhere else, as long as the field demands."""
    return f"zq{secrets.token_hex(6)}".ljust(field.shortest, "q")


def _is_empty(item: Field, form: Form) -> bool:
    if item.kind in ("checkbox", "radio"):
        return item.required and not any(other.chosen for other in form.fields if other.name == item.name)
    known = item.kind in (*TYPED_INTO, *_BY_KIND, *_MOMENTS, "number", "select")
    return known and not item.value


def _filled(item: Field, known: KnownIds, turn: int, about: About) -> Field:
    if item.kind in ("checkbox", "radio"):
        return replace(item, chosen=True)
    if item.kind == "select":
        options = [option for option in item.options if option]
        return replace(item, value=options[turn % len(options)]) if options else item
    return replace(item, value=_written(item, known, turn, about))


def _written(item: Field, known: KnownIds, turn: int, about: About) -> str:
    if item.kind in _MOMENTS:
        return _MOMENTS[item.kind].format(day_for(item.name, about, Random(turn)))
    if item.kind in _BY_KIND:
        return _BY_KIND[item.kind].format(secrets.token_hex(4))
    ids = refers(item.name, known()) if is_reference(item.name) else ()
    if ids:
        return str(ids[turn % len(ids)])
    return (item.least or "1") if item.kind == "number" else new_text(item)
