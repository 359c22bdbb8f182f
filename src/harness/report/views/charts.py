"""Geometry of the charts. Everything is in percent of the width or height, so that text keeps its size on a phone.

The page's policy forbids style attributes: positions are SVG attributes, colours are classes of the stylesheet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 1000.0
HEIGHT = 100.0
"""The coordinates that paths are written in; they are stretched to the chart's box."""
TICKS_MAX = 7
_ROUND_SECONDS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600)
POINTS_MAX = 480
"""More points than pixels show nothing more: longer series are thinned."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: `at` in percent of its length, from the left or the top."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """One series: `name` for the legend, `css` its class, `path` an SVG path."""

    name: str
    css: str
    path: str


@dataclass(frozen=True)
class Band:
    """A stretch of the time axis with a name: a phase."""

    name: str
    x: float
    width: float


@dataclass(frozen=True)
class Chart:
    """One chart. `limit` is the height of the limit's line in percent from the top, `None` where there is none in sight."""

    title: str
    summary: str  # for those who do not see it
    lines: tuple[Line, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    bands: tuple[Band, ...] = ()
    limit: float | None = None
    limit_text: str = ""


def nice_top(value: float) -> float:
    """The smallest of 1, 2, 3, 4, 5, 6, 8 times a power of ten that is not below the value; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        (step * power for step in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if step * power >= value * (1 - 1e-9)), 10 * power
    )


def y_ticks(top: float, *, steps: int = 4) -> tuple[Tick, ...]:
    """Marks from the top of the axis to 0."""
    return tuple(Tick(round(100.0 * k / steps, 3), f"{top * (steps - k) / steps:g}") for k in range(steps + 1))


def x_ticks(count: int) -> tuple[Tick, ...]:
    """Marks at round seconds on the axis of a series of `count` seconds, at most seven."""
    last = max(count - 1, 1)
    step = next((step for step in _ROUND_SECONDS if last / step <= TICKS_MAX - 1), last)
    return tuple(Tick(round(100.0 * second / last, 3), f"{second} s") for second in range(0, last + 1, step))


def path(values: Sequence[float | None], top: float) -> str:
    """An SVG path through equally spaced values; a gap where there is none. What is above the top is drawn at the top."""
    if not values:
        return ""
    step = WIDTH / max(len(values) - 1, 1)
    parts: list[str] = []
    pen_up = True
    for index, value in enumerate(values):
        if value is None:
            pen_up = True
            continue
        y = HEIGHT * (1 - min(max(value / top, 0.0), 1.0))
        parts.append(f"{'M' if pen_up else 'L'}{index * step:.1f} {y:.2f}")
        pen_up = False
    return "".join(parts)


def thinned(values: Sequence[float | None], points_max: int = POINTS_MAX) -> list[float | None]:
    """At most so many values: the largest of each bin, so that no peak is lost."""
    if len(values) <= points_max:
        return list(values)
    size = math.ceil(len(values) / points_max)
    bins = (values[start : start + size] for start in range(0, len(values), size))
    return [largest(bin_) for bin_ in bins]


def largest(values: Iterable[float | None]) -> float | None:
    """The largest of the values that are there, `None` where none is."""
    return max((value for value in values if value is not None), default=None)
