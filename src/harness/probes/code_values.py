"""Codes themselves: which are common, how many tries one takes, and whether some foretell the next."""

from __future__ import annotations

import math
import re
import secrets
from itertools import pairwise

LONGEST_TYPED = 10  # characters of a code that people type; a longer one is a link's
COMMON = ("000000", "123456", "111111", "0000", "1234", "1111", "999999", "654321")


def bits_of(code: str) -> float:
    """How many bits a code of this length and these kinds of characters has, where it is drawn at random."""
    kinds = ((str.isdigit, 10), (str.islower, 26), (str.isupper, 26))
    if re.fullmatch(r"[0-9a-f-]+|[0-9A-F-]+", code):
        return 4.0 * len(code.replace("-", "")) if not code.isdigit() else len(code) * math.log2(10)
    return len(code) * math.log2(max(2, sum(size for is_kind, size in kinds if any(map(is_kind, code)))))


def foreseeable(codes: list[str]) -> str:
    """How codes can be foreseen, "" where they cannot: all the same, or each as far from the last as the one before."""
    if len(set(codes)) == 1:
        return "are all the same"
    if len(set(codes)) < len(codes) - 1:
        return f"are {len(set(codes))} different ones only"
    if all(code.isdigit() for code in codes):
        steps = {int(after) - int(before) for before, after in pairwise(codes)}
        if len(steps) == 1:
            return f"are {steps.pop():+d} apart, each from the last"
    return ""


def random_code(but: list[str] | None = None) -> str:
    """One that is none of some, as long as they are; six digits where none is known."""
    length = len(but[0]) if but else 6
    made = f"{secrets.randbelow(900_000) + 100_000}" if length <= LONGEST_TYPED else secrets.token_urlsafe(length)[:length]
    return made if made not in (but or ()) and made not in COMMON else random_code(but)
