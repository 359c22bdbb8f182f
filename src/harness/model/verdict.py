"""The three-valued law: no evidence, no pass."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What is known of a claim. `SKIPPED` always travels with a reason beside it."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    SKIPPED = "SKIPPED"


_ORDER = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS)


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several required ones: FAIL over UNKNOWN over PASS.

    A required `SKIPPED` counts as `UNKNOWN`; nothing at all is `UNKNOWN`.
    """
    seen = {Verdict.UNKNOWN if verdict is Verdict.SKIPPED else verdict for verdict in verdicts}
    return next((verdict for verdict in _ORDER if verdict in seen), Verdict.UNKNOWN)
