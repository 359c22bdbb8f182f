"""Texts that match a regular expression of a document."""

from __future__ import annotations

import contextlib
import re
from random import Random
from typing import TYPE_CHECKING, Any

from harness.probes.openapi.schemas import SchemaError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy  # slow to import, and few documents have a pattern

_TRIES = (8, 60)  # the engine takes a hundred times as long for its later examples, which it makes of the first ones
_LOOKING = re.compile(r"\(\?<?[=!](?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)")  # taken out to generate, kept to judge


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches; false for an expression that Python does not read."""
    try:
        return re.search(pattern, text) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def matching(pattern: str, random: Random, lengths: tuple[int, int], unlike: Any = None) -> str:
    """A text that matches `pattern` within `lengths` (least, most), printable ASCII only.

    Raises:
        SchemaError: the expression is none that Python reads, or nothing was found that matches and fits.
    """
    strategy = _strategy(pattern)

    def fits(text: str) -> bool:  # the look-aheads that were taken out, too
        return lengths[0] <= len(text) <= lengths[1] and text != unlike and matches(pattern, text)

    found: list[str] = []
    for tries in _TRIES:
        found = [text for text in _examples(strategy, tries, random.getrandbits(32)) if fits(text)]
        if len(found) > 1:  # the first one is the plainest, the same for every seed
            return random.choice(found[1:])
    if not found:
        raise SchemaError(f"no text of {lengths[0]} to {lengths[1]} characters was found that matches {pattern!r}")
    return found[0]


def _strategy(pattern: str) -> SearchStrategy[str]:
    from hypothesis import strategies as st
    from hypothesis.errors import InvalidArgument

    try:
        re.compile(pattern)
        alphabet = st.characters(min_codepoint=32, max_codepoint=126)
        strategy = st.from_regex(_LOOKING.sub("", pattern), fullmatch=True, alphabet=alphabet)
        strategy.validate()
    except (re.error, InvalidArgument, RecursionError, OverflowError, NotImplementedError) as error:
        raise SchemaError(f"the pattern {pattern!r} cannot be used: {error}") from None
    return strategy


def _examples(strategy: SearchStrategy[str], tries: int, number: int) -> list[str]:
    """Different examples of a strategy, in the order in which they were made; `number` determines them."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import Unsatisfiable

    made: dict[str, None] = {}

    @seed(number)
    @settings(max_examples=tries, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(text: str) -> None:
        made[text] = None

    with contextlib.suppress(Unsatisfiable):
        collect()
    return list(made)
