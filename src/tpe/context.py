"""What the routes of one application share, found through the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tpe.auth.attempts import LogInAttempts
from tpe.auth.keys import ApiKeys
from tpe.auth.passwords import Passwords
from tpe.auth.tokens import Tokens
from tpe.infra.cache import Cache
from tpe.infra.db import Database
from tpe.infra.limits import Counts
from tpe.infra.shared import Shared
from tpe.messaging.texts import TextMessages
from tpe.settings import Settings


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts of a running platform; kept in ``app.state.platform``."""

    settings: Settings
    db: Database
    shared: Shared
    cache: Cache
    counts: Counts
    attempts: LogInAttempts
    passwords: Passwords
    tokens: Tokens
    messages: TextMessages
    api_keys: ApiKeys


async def platform_of(request: Request) -> Platform:
    """Give the platform that serves this request. Use as the dependency ``PlatformDep``."""
    platform: Platform = request.app.state.platform
    return platform


PlatformDep = Annotated[Platform, Depends(platform_of)]
