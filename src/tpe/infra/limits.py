"""How often somebody may ask: the limits, what they do not apply to, and how the processes count together.

At most ``count`` admitted requests lie within any ``window_s`` seconds: their times are kept, and a refused one is not
counted, so asking on does not prolong the wait. The counts are in Redis. While that is away each process counts for itself:
a client may then ask as often as the limit says of each process, and neither is everybody refused nor anybody unlimited.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final, Literal

from redis.asyncio import Redis
from redis.exceptions import NoScriptError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from tpe.infra.clients import ClientAddresses
from tpe.infra.errors import problem_response
from tpe.infra.problems import TooManyRequestsError
from tpe.infra.shared import Shared, SharedAwayError

LOCAL_KEYS_MAX: Final = 10_000
"""Keys that a process counts by itself; the oldest give way, so that a flood of clients does not fill the memory."""
KEY_PREFIX: Final = "tpe:limit"

Way = Literal["take", "look"]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` within any ``window_s`` seconds."""

    name: str
    count: int
    window_s: int


REQUESTS: Final = Limit("requests", 100, 900)
"""All requests of a client but those to EXEMPT."""
LOG_INS: Final = Limit("log-ins", 5, 900)
"""Log-in attempts of a client, over all log-in routes."""
FAILED_LOG_INS: Final = Limit("failed-log-ins", 5, 900)
"""Refused log-ins of an account, from all clients that never logged in to it."""
PASSWORD_CHANGES: Final = Limit("password-changes", 5, 900)
"""Attempts to change the password of an account that is logged in: who took over a session must not guess the present one."""
EXEMPT: Final = ("/static/", "/api/health/")
"""Where no limit applies: files that are the same for all, and what an orchestrator asks."""

_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count, window, way = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local oldest = redis.call('LINDEX', KEYS[1], count - 1)
local wait = oldest and math.max(0, tonumber(oldest) + window - now) or 0
if way == 'take' and wait == 0 then
    redis.call('LPUSH', KEYS[1], now)
    redis.call('LTRIM', KEYS[1], 0, count - 1)
    redis.call('PEXPIRE', KEYS[1], window)
end
return wait
"""


class Counts:
    """Counts under a limit, together with all other processes where Redis answers."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._local = LocalCounts()
        self._digest = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()

    async def take(self, limit: Limit, who: str) -> None:
        """Count one; TooManyRequestsError, and nothing counted, when the limit is reached."""
        _refuse(await self._wait_s(limit, who, "take"))

    async def look(self, limit: Limit, who: str) -> None:
        """TooManyRequestsError when the limit is reached; nothing is counted."""
        _refuse(await self._wait_s(limit, who, "look"))

    async def _wait_s(self, limit: Limit, who: str, way: Way) -> float:
        key = f"{KEY_PREFIX}:{limit.name}:{who}"

        async def ask(redis: Redis) -> float:
            given = (1, key, limit.count, limit.window_s * 1000, way)
            try:
                return int(await redis.evalsha(self._digest, *given)) / 1000
            except NoScriptError:
                return int(await redis.eval(_SCRIPT, *given)) / 1000

        try:
            return await self._shared.ask(ask)
        except SharedAwayError:
            return self._local.wait_s(limit, key, way, time.monotonic())


class LocalCounts:
    """The same for this process alone, in bounded memory."""

    def __init__(self, keys_max: int = LOCAL_KEYS_MAX) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._keys_max = keys_max

    def __len__(self) -> int:
        return len(self._times)

    def wait_s(self, limit: Limit, key: str, way: Way, now: float) -> float:
        """Give how long to wait at ``now`` (0: admitted), counting as ``way`` says."""
        times = self._times.get(key) or deque(maxlen=limit.count)
        full = len(times) == limit.count
        wait = max(0.0, times[0] + limit.window_s - now) if full else 0.0
        if way == "take" and wait == 0.0:
            times.append(now)
            self._times[key] = times
            self._times.move_to_end(key)
            if len(self._times) > self._keys_max:
                self._times.popitem(last=False)
        return wait


def is_exempt(path: str) -> bool:
    """Tell whether no limit applies to a path."""
    return path.startswith(EXEMPT)


class RateLimit:
    """ASGI middleware that knows the client of each request (``request.state.client``) and counts it."""

    def __init__(self, app: ASGIApp, addresses: ClientAddresses, refusal: ASGIApp) -> None:
        """``refusal`` answers what is refused: ``too_many``, perhaps within middleware that an answer needs."""
        self._app = app
        self._addresses = addresses
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that is within the limit, or of a path that has none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = self._addresses.of(scope)
        scope.setdefault("state", {})["client"] = client
        try:
            if not is_exempt(scope["path"]):
                counts: Counts = scope["app"].state.platform.counts
                await counts.take(REQUESTS, client)
        except TooManyRequestsError as error:
            scope["state"]["refusal"] = error
            await self._refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def too_many(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request that RateLimit refused."""
    response = problem_response(Request(scope), scope["state"]["refusal"])
    await response(scope, receive, send)


def _refuse(wait_s: float) -> None:
    if wait_s > 0:
        raise TooManyRequestsError(wait_s=math.ceil(wait_s))
