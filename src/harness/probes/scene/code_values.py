"""Codes themselves: which are common, how many tries one takes, and whether some foretell the next."""

from __future__ import annotations

import math
import re
import secrets
import string
from collections.abc import Sequence
from itertools import pairwise

USUAL = "000000"  # the form of a code of which nothing is known
DRAWS_MAX = 20
SHORT = ("0000", "1234", "1111")
_WORD_BEFORE = re.compile(r"[A-Za-z]+[-_ ]")
_HEX = re.compile(r"[0-9a-f-]+|[0-9A-F-]+")


def bits_of(code: str) -> float:
    """How many bits a code of this length and these kinds of characters has, where it is drawn at random."""
    kinds = ((str.isdigit, 10), (str.islower, 26), (str.isupper, 26))
    if _HEX.fullmatch(code):
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


def random_code(like: str = USUAL, but: Sequence[str] = ()) -> str:
    """One of the form of another, a word at its beginning (`GS-`) as it is, that is none of some and not common.

    Digits do not begin with 0, as a code may be a number. What has nothing in it to draw (`******`) is no form.
    """
    for _ in range(DRAWS_MAX):
        made = _drawn(like)
        if made not in but and made not in common_codes(like):
            return made
    return random_code(USUAL, but)


def _drawn(like: str) -> str:
    kept = _WORD_BEFORE.match(like)
    start = kept[0] if kept else ""
    if like.isdigit():
        return secrets.choice(string.digits[1:]) + "".join(secrets.choice(string.digits) for _ in like[1:])
    is_hex = bool(_HEX.fullmatch(like))
    return start + "".join(_other(character, is_hex=is_hex) for character in like[len(start) :])


def _other(character: str, *, is_hex: bool) -> str:
    if is_hex and character in "0123456789abcdefABCDEF":
        drawn = secrets.choice("0123456789abcdef")
        return drawn.upper() if character.isupper() else drawn
    alphabets = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    alphabet = next((each for each in alphabets if character in each), character)
    return secrets.choice(alphabet)


def common_codes(like: str = USUAL) -> tuple[str, ...]:
    """The codes of tutorials and test modes, of the length of another one first."""
    count = len(like) if like.isdigit() else len(USUAL)
    rising = ("1234567890" * count)[:count]
    ours = ("0" * count, rising, "1" * count, "9" * count, rising[::-1])
    return tuple(dict.fromkeys((*ours, *(() if count == len(SHORT[0]) else SHORT))))
