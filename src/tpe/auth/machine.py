"""The automation's key: a header instead of a log-in, for what a machine may do and nothing else."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader

from tpe.auth.guards import ADMIN_TOKEN, Credentials, caller_of
from tpe.auth.identity import Role
from tpe.context import Platform, PlatformDep
from tpe.infra.problems import UnauthenticatedError

API_KEY = APIKeyHeader(
    name="X-API-Key", scheme_name="apiKey", auto_error=False, description="The automation's key (TPX_N8N_API_KEY)."
)
Key = Annotated[str | None, Security(API_KEY)]


class ApiKeyNeededError(UnauthenticatedError):
    """No valid key came with the request (401)."""

    default_message = "A valid API key is needed."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)
        self.headers["WWW-Authenticate"] = 'ApiKey realm="tpe"'


def require_key(platform: Platform, key: str | None) -> None:
    """ApiKeyNeededError when ``key`` is none of the valid ones."""
    if key is None or not platform.api_keys.admits(key):
        raise ApiKeyNeededError


async def machine(platform: PlatformDep, key: Key) -> None:
    """Admit the automation only."""
    require_key(platform, key)


async def admin_or_machine(platform: PlatformDep, key: Key, as_admin: Annotated[Credentials, Security(ADMIN_TOKEN)]) -> None:
    """Admit administrators, and the automation by its key; a key that is wrong is refused, whatever else came with it."""
    if key is None:
        await caller_of(platform, as_admin, Role.ADMIN)
    else:
        require_key(platform, key)


Machine = Depends(machine)
AdminOrMachine = Depends(admin_or_machine)
