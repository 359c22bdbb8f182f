"""Texts that match a regular expression of a document."""

from __future__ import annotations

import contextlib
import re
from random import Random
from typing import Any

from harness.probes.schemas import SchemaError

_TRIES = 60
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
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st
    from hypothesis.errors import InvalidArgument, Unsatisfiable

    plain = _LOOKING.sub("", pattern)
    try:
        re.compile(pattern)
        strategy = st.from_regex(plain, fullmatch=True, alphabet=st.characters(min_codepoint=32, max_codepoint=126))
        strategy.validate()
    except (re.error, InvalidArgument, RecursionError, OverflowError, NotImplementedError) as error:
        raise SchemaError(f"the pattern {pattern!r} cannot be used: {error}") from None
    found: list[str] = []

    @seed(random.getrandbits(32))
    @settings(max_examples=_TRIES, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(text: str) -> None:
        fits = lengths[0] <= len(text) <= lengths[1] and text != unlike and text not in found
        if fits and matches(pattern, text):  # the look-aheads that were taken out, too
            found.append(text)

    with contextlib.suppress(Unsatisfiable):
        collect()
    if not found:
        raise SchemaError(f"no text of {lengths[0]} to {lengths[1]} characters was found that matches {pattern!r}")
    return random.choice(found)
