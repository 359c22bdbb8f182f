"""Results of frequent reads, kept in Redis for a few seconds: each under its owner, none older than its limit.

A write makes everything that was kept for its owner worthless by raising the owner's generation: what was read before the
write is stored under the former one and never found again. Without Redis every read goes to the database.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from tpe.infra.shared import Shared, SharedAwayError

Result = TypeVar("Result")

KEY_PREFIX: Final = "tpe:cache"
GENERATION: Final = "generation"
OWNER_KEPT_S: Final = 60
"""What is kept for an owner goes this long after the last write to it: longer than any result is good or any request takes."""


@dataclass(frozen=True, slots=True)
class Kept(Generic[Result]):
    """A kind of result: its name, its type, and how many seconds it is good."""

    name: str
    kind: TypeAdapter[Result]
    fresh_s: float


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose results: nobody else's are ever found under it."""

    role: str
    number: int

    @property
    def key(self) -> str:
        """Give the key in Redis."""
        return f"{KEY_PREFIX}:{self.role}:{self.number}"


class Cache:
    """Results of all processes, where Redis answers."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def fetch(self, kept: Kept[Result], owner: Owner, make: Callable[[], Awaitable[Result]]) -> Result:
        """Give a result that is at most ``kept.fresh_s`` old and newer than the owner's last write; make it otherwise."""
        try:
            generation, text = await self._shared.ask(lambda redis: _read(redis, kept.name, owner))
        except SharedAwayError:
            return await make()
        if text is not None and (found := _unpacked(kept, generation, text)) is not None:
            return found
        until = time.time() + kept.fresh_s  # as old as the read's beginning, however long it takes
        made = await make()
        packed = f"{generation}|{until}|{kept.kind.dump_json(made).decode()}"
        try:
            await self._shared.ask(lambda redis: _write(redis, kept.name, owner, packed))
        except SharedAwayError:
            return made
        return made

    async def forget(self, owner: Owner) -> None:
        """Make everything that is kept for ``owner`` worthless; call it once a write is committed."""
        try:
            await self._shared.ask(lambda redis: _raise_generation(redis, owner))
        except SharedAwayError:
            return  # what is kept ends by its age


async def _read(redis: Redis, name: str, owner: Owner) -> tuple[str, str | None]:
    generation, text = await redis.hmget(owner.key, [GENERATION, name])
    return str(generation or "0"), None if text is None else str(text)


async def _write(redis: Redis, name: str, owner: Owner, packed: str) -> None:
    async with redis.pipeline() as pipe:
        pipe.hset(owner.key, name, packed)
        pipe.expire(owner.key, OWNER_KEPT_S)
        await pipe.execute()


async def _raise_generation(redis: Redis, owner: Owner) -> None:
    async with redis.pipeline() as pipe:
        pipe.hset(owner.key, GENERATION, time.time_ns())
        pipe.expire(owner.key, OWNER_KEPT_S)
        await pipe.execute()


def _unpacked(kept: Kept[Result], generation: str, text: str) -> Result | None:
    """Give what is kept, unless it is of another generation, too old, or not what this build writes."""
    of, until, body = text.split("|", 2)
    if of != generation or time.time() >= float(until):
        return None
    try:
        return kept.kind.validate_json(body)
    except ValidationError:
        return None
