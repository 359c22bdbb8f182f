"""Password rules, and hashing with Argon2id kept off the event loop.

Hashing is the platform's largest cost of CPU and memory, so it runs on a few threads of its own (argon2 releases the
interpreter lock) and only so many callers may wait for one: beyond that a caller is told 503 at once instead of
queueing without end.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from tpe.infra.problems import UnavailableError

Result = TypeVar("Result")

MEMORY_KIB = 7_168
TIME_COST = 5
PARALLELISM = 1
"""7 MiB, 5 passes, 1 lane: of OWASP's equivalent sets (Password Storage Cheat Sheet) the one that cost least CPU where it
was measured (17 ms; 19 MiB and 2 passes 23 ms; 46 MiB and 1 pass 61 ms) and the least memory per waiting log-in."""
PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 128
"""Long enough for any passphrase; bounds what a caller can make the hash read."""
WAITING_MAX = 128
"""Callers that may wait for a hash, those being served included: about three seconds of work on one core."""


def password_faults(password: str) -> tuple[str, ...]:
    """Give every password rule that ``password`` breaks, in words for its owner; empty when it is acceptable."""
    rules: tuple[tuple[bool, str], ...] = (
        (len(password) >= PASSWORD_LENGTH_MIN, f"must have at least {PASSWORD_LENGTH_MIN} characters"),
        (len(password) <= PASSWORD_LENGTH_MAX, f"must have at most {PASSWORD_LENGTH_MAX} characters"),
        (any("a" <= c <= "z" for c in password), "must have a lower-case letter"),
        (any("A" <= c <= "Z" for c in password), "must have an upper-case letter"),
        (any("0" <= c <= "9" for c in password), "must have a digit"),
        ("\x00" not in password, "must not have a NUL character"),
    )
    return tuple(text for holds, text in rules if not holds)


def new_hasher() -> PasswordHasher:
    """Give the hasher with the platform's parameters."""
    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM, type=Type.ID)


def hash_password(password: str) -> str:
    """Hash on the calling thread (for the seeder); the server uses ``Passwords``."""
    return new_hasher().hash(password)


class Passwords:
    """Hashes and verifies on ``threads`` threads of its own; UnavailableError when WAITING_MAX callers already wait."""

    def __init__(self, *, threads: int | None = None, waiting_max: int = WAITING_MAX) -> None:
        self._hasher = new_hasher()
        self._executor = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="argon2")
        self._waiting = 0
        self._waiting_max = waiting_max
        self._decoy = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """Hash a password with a new random salt."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Tell whether ``password`` belongs to ``stored_hash``.

        ``None`` (no such account) costs the same work as a wrong password, so that the time of a log-in tells nobody
        which accounts exist.
        """
        matches = await self._run(lambda: self._verify(stored_hash or self._decoy, password))
        return matches and stored_hash is not None

    def close(self) -> None:
        """Stop the threads; hashes that have not begun are dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _verify(self, stored_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= self._waiting_max:
            raise UnavailableError("Too many log-ins at once. Please try again shortly.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1
