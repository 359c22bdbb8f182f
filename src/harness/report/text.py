"""Words and numbers as people read them, and text of the target made harmless to read."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

# What a browser or a terminal would not show, or would let reorder the line: controls, bidirectional marks, joiners and fillers.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_HIDDEN = re.compile(r"[^\x20-\x7e\n\t\u00a1-\u00ac\u00ae-\u02ff]")
NOT_LOGGED_IN = "not logged in"
"""How the role "" reads."""
_CODE = re.compile(r"`([^`\n]+)`")
_MINUTE_S = 60
_HOUR_S = 3600


def visible(text: str) -> str:
    """The text with what cannot be seen made visible: `⟨U+001B⟩` for ESC, `⟨U+202E⟩` for a mark that would reverse the line."""
    return _HIDDEN.sub(_picture, text)


def cut(text: str, characters_max: int) -> str:
    """The text, visible, and at most so long: it ends with `… (n more characters)` where something is left out."""
    shown = visible(text[: characters_max + 1])
    if len(text) <= characters_max:
        return shown
    return f"{visible(text[:characters_max])}… ({number(len(text) - characters_max)} more characters)"


def line(text: str, characters_max: int) -> str:
    """The text on one line, visible, and at most so long: it ends with `…` where something is left out."""
    flat = " ".join(text[: 4 * characters_max].split())
    shorter = len(flat) > characters_max or len(text) > 4 * characters_max
    return visible(flat[: characters_max - 1]) + "…" if shorter else visible(flat)


def spans(text: str) -> list[tuple[bool, str]]:
    """The text in pieces: whether it is code (it stood between backquotes), and what it says."""
    pieces = _CODE.split(text)  # words and code by turns
    return [(index % 2 == 1, piece) for index, piece in enumerate(pieces) if piece]


def number(value: float | int) -> str:
    """`12,345`, `0.1`, `182`, `1.2`: three digits that matter, whole ones always."""
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def amount(value: float | None, unit: str = "") -> str:
    """A number with its unit, `not measured` for none."""
    if value is None:
        return "not measured"
    return f"{number(value)} {unit}" if unit else number(value)


def percent(part: float, whole: float) -> str:
    """`82.4 %`, `–` of nothing. Rounded down, so that what is short of all never reads `100 %`."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{int(share * 10) / 10:g} %"


def duration(seconds: float) -> str:
    """`0.3 s`, `42 s`, `3 min 20 s`, `1 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds else "0 s"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 gate`, `3 gates`, `2 entries`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def placed(operation: str, title: str) -> str:
    """`GET /x: a title`; the title alone where it names the operation itself, or where there is none."""
    return title if not operation or operation in title else f"{operation}: {title}"


def moment(iso: str) -> str:
    """`24 Nov 2026, 14:03 UTC` of an ISO 8601 time; the text itself where it is none."""
    at = instant(iso)
    return f"{at.day} {at:%b %Y, %H:%M} UTC" if at else visible(iso)


def instant(iso: str) -> datetime | None:
    """The time that an ISO 8601 text names, `None` where it names none."""
    try:
        return datetime.fromisoformat(iso)
    except ValueError:
        return None


def seconds_between(start: str, end: str) -> float | None:
    """Seconds from one ISO 8601 time to another, never negative; `None` where one of them is none."""
    first, last = instant(start), instant(end)
    if first is None or last is None or (first.tzinfo is None) != (last.tzinfo is None):
        return None
    return max((last - first).total_seconds(), 0.0)


def ranges(numbers: tuple[int, ...], shown_max: int) -> str:
    """`12–18, 40, 51–53 … 9 more` of sorted line numbers."""
    runs: list[list[int]] = []
    for value in numbers:
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    texts = [str(first) if first == last else f"{first}–{last}" for first, last in runs[:shown_max]]
    more = f" … {len(runs) - shown_max} more" if len(runs) > shown_max else ""
    return ", ".join(texts) + more


def _picture(match: re.Match[str]) -> str:
    character = match[0]
    hidden = unicodedata.category(character) in _HIDDEN_CATEGORIES
    return f"⟨U+{ord(character):04X}⟩" if hidden else character
