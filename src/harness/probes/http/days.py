"""Days for members and parameters: soon, as most platforms take them, and in the order that their names tell (`from`, `to`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

SOON_DAYS, SPAN_DAYS = 14, 150  # from today: bookings are taken some months ahead, and no two are to meet
LATER_DAYS = 2
YEAR_DAYS, CENTURY_DAYS = 360, 36_500  # what is bounded at all is often bounded to a year
YEARS = (0, -1, 1, -2, -3, -4, -5)  # from the one about today: when data was invented, nobody knows
WINDOW_DAYS = 13  # what a read asks about, from tomorrow on: what is booked soon stands in it, and few bound it to less
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_LATER = re.compile(
    r"(ends?|ending|to|until|till|thr(o)?u(gh)?|finish(es)?|(check)?out|returns?|expir(y|es?|ation)|due|deadline|dropoff|closes?|latest"
    r"|before)(date|time|day|at|on)?"
)
_BIRTH = re.compile(r"birth(day|date)?|born|dob")
_PAST = re.compile(r"since|hired|founded|issued|purchased?|built|manufactured|joined|acquired|occurred|happened|incident")


@dataclass(frozen=True)
class About:
    """The day that one request is about, and how long after it something ends."""

    day: date
    later_days: int = LATER_DAYS


def some_day(random: Random) -> About:
    """What a request is about that makes or changes something."""
    return About(_today() + timedelta(days=SOON_DAYS + random.randrange(SPAN_DAYS)))


def soon() -> About:
    """What a read is about."""
    return About(_today() + timedelta(days=1), WINDOW_DAYS)


def day_for(name: str, about: About, random: Random) -> date:
    """A day for a member or parameter of that name in a request that is about a day: the same, one behind it, or one long ago."""
    words = [word.lower() for word in _WORDS.split(name) if word]
    if any(_BIRTH.fullmatch(word) for word in words):
        return date(1985, 1, 1) + timedelta(days=random.randrange(3_000))
    if any(_PAST.fullmatch(word) for word in words):
        return _today() - timedelta(days=1 + random.randrange(300))
    return about.day + timedelta(days=about.later_days) if _is_later(words) else about.day


def windows(name: str) -> tuple[date, ...]:
    """Days for a parameter of that name in reads that together show all that there is.

    In the first window lies everything; who refuses one of a century is asked for single years, the present one first.
    """
    later = _is_later([word.lower() for word in _WORDS.split(name) if word])
    years = ((_today() + timedelta(days=YEAR_DAYS * turn - YEAR_DAYS // 2), YEAR_DAYS) for turn in YEARS)
    spans = ((date(2000, 1, 1), CENTURY_DAYS), *years)
    return tuple(begins + timedelta(days=length if later else 0) for begins, length in spans)


def _is_later(words: list[str]) -> bool:
    return any(_LATER.fullmatch(word) for word in words)


def _today() -> date:
    return datetime.now(UTC).date()
