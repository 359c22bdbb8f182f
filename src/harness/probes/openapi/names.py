"""The names of members, read alike however they are written: `leadIds`, `lead-ids` and `lead_ids`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
"""Where a word begins within a name that is written in humps."""


def snake(name: str) -> str:
    """The name in small letters, its words apart by `_`."""
    return HUMP.sub("_", name).replace("-", "_").lower()


def names_within(value: Any) -> Iterator[str]:
    """The names of all members of a value, those of what it holds too."""
    yield from value if isinstance(value, dict) else ()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from names_within(inner)


def singular(word: str) -> str:
    """One of what an English word names many of, as far as its end tells."""
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(ss|x|ch|sh|zz|[^o]us)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
