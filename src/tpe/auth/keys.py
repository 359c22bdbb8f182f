"""Keys of machines."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable


class ApiKeys:
    """The keys that are valid now: one, or two while one takes the place of the other; none where none is set."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    def admits(self, given: str) -> bool:
        """Tell whether a key is valid; each is compared as a whole and in constant time, whatever the others gave."""
        digest = _digest(given)
        return any([secrets.compare_digest(digest, known) for known in self._digests])


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
