"""Bearer tokens: JWT signed with HS256, nothing else accepted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
from jwt.types import Options

from tpe.auth.identity import Identity, Role
from tpe.infra.problems import UnauthenticatedError

ALGORITHM = "HS256"
ISSUER = "tpe"
AUDIENCE = "tpe-api"
TOKEN_LENGTH_MAX = 4_096
"""Characters; ours have about 300. A longer text is refused before anything is computed on it."""
_REQUIRED_CLAIMS = ["iss", "aud", "sub", "role", "ver", "iat", "exp", "jti"]


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says. Whether it was revoked is not known here."""

    role: Role
    account_id: int
    credential_version: int
    token_id: UUID
    expires_at: datetime


class Tokens:
    """Makes tokens with one key and one lifetime, and reads those of the key before it too, while there is one."""

    def __init__(self, key: str, lifetime: timedelta, previous_key: str | None = None) -> None:
        self._key = key
        self._keys = (key,) if previous_key is None else (key, previous_key)
        self._lifetime = lifetime

    @property
    def lifetime(self) -> timedelta:
        """Give how long a new token is valid."""
        return self._lifetime

    def make(self, identity: Identity, now: datetime | None = None) -> str:
        """Sign a token for ``identity`` that is valid from ``now`` (default: the clock) for the lifetime."""
        issued = now or datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(identity.account_id),
            "role": identity.role.value,
            "ver": identity.credential_version,
            "iat": issued,
            "exp": issued + self._lifetime,
            "jti": str(uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str) -> TokenClaims:
        """Check signature, issuer, audience and time; UnauthenticatedError for whatever is not right, without details."""
        if len(token) > TOKEN_LENGTH_MAX:
            raise UnauthenticatedError("The token is not valid.")
        try:
            claims = self._verified(token)
            return TokenClaims(
                role=Role(claims["role"]),
                account_id=int(claims["sub"]),
                credential_version=int(claims["ver"]),
                token_id=UUID(claims["jti"]),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
            raise UnauthenticatedError("The token is not valid.") from error

    def _verified(self, token: str) -> dict[str, Any]:
        *earlier, last = self._keys
        for key in earlier:
            with suppress(jwt.InvalidSignatureError):
                return _decoded(token, key)
        return _decoded(token, last)


def _decoded(token: str, key: str) -> dict[str, Any]:
    options: Options = {"require": _REQUIRED_CLAIMS}
    return jwt.decode(token, key, algorithms=[ALGORITHM], issuer=ISSUER, audience=AUDIENCE, options=options)
