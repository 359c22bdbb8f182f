"""Page sessions: a random secret in a cookie, its hash in the database.

A session is made at log-in (always with a new secret: never reuse one that came with the request), found on each
request, and ended at log-out, at a password change and when its time is over.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tpe.auth import queries
from tpe.auth.identity import Identity, Role
from tpe.infra.db import Database, execute, fetch_one, fetch_value

SESSION_LIFETIME: Final = timedelta(hours=8)
"""A working day; the session is not prolonged by use."""
COOKIE_NAME: Final = "__Host-tpe_session"
SECRET_BYTES: Final = 32
SECRET_LENGTH: Final = 43
"""Characters of SECRET_BYTES in URL-safe base64 without padding."""
EXPIRED_ROWS_DROPPED_MAX: Final = 100
"""Each log-in also drops this many expired sessions at most, so that the table stays as small as its use."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just made. ``secret`` goes into the cookie and is kept nowhere else."""

    secret: str
    csrf_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A valid session. ``csrf_token`` must come back with every state-changing form."""

    identity: Identity
    csrf_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _SessionRow:
    role: str
    account_id: int
    email: str
    name: str
    credential_version: int
    csrf_token: str
    expires_at: datetime


def hash_secret(secret: str) -> bytes:
    """Give what the database keeps of a secret: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def create(db: Database, identity: Identity) -> NewSession:
    """Make a session for an identity that has just proved itself."""
    secret, csrf_token = secrets.token_urlsafe(SECRET_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    values = {
        "id_hash": hash_secret(secret),
        "role": identity.role.value,
        "account_id": identity.account_id,
        "credential_version": identity.credential_version,
        "csrf_token": csrf_token,
        "lifetime": SESSION_LIFETIME,
    }
    async with db.transaction() as connection:
        await execute(connection, queries.DROP_EXPIRED_SESSIONS, {"rows_max": EXPIRED_ROWS_DROPPED_MAX})
        expires_at = await fetch_value(connection, queries.CREATE_SESSION, values)
    return NewSession(secret, csrf_token, expires_at)


async def find(db: Database, secret: str) -> Session | None:
    """Give the session of a cookie's value; None when unknown, expired, ended, or its account is no longer active."""
    if len(secret) != SECRET_LENGTH:
        return None
    async with db.connection() as connection:
        row = await fetch_one(connection, _SessionRow, queries.FIND_SESSION, {"id_hash": hash_secret(secret)})
    if row is None:
        return None
    identity = Identity(Role(row.role), row.account_id, row.email, row.name, row.credential_version)
    return Session(identity, row.csrf_token, row.expires_at)


async def end(db: Database, secret: str) -> None:
    """End one session (log-out); nothing happens when there is none."""
    async with db.transaction() as connection:
        await execute(connection, queries.END_SESSION, {"id_hash": hash_secret(secret)})


def csrf_matches(session: Session, given: str) -> bool:
    """Compare a form's token with the session's in constant time."""
    return secrets.compare_digest(session.csrf_token.encode(), given.encode("utf-8", "surrogatepass"))
