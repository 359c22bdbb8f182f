"""Log-in, log-out and password change, for the API and the pages alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString

from tpe.auth import queries
from tpe.auth.errors import BadCredentialsError, PasswordRefusedError, WrongPasswordError
from tpe.auth.identity import Identity, Role
from tpe.auth.passwords import Passwords, password_faults
from tpe.auth.tokens import TokenClaims
from tpe.infra.db import Database, execute, fetch_one, fetch_value
from tpe.infra.problems import FieldError, UnauthenticatedError

EXPIRED_ROWS_DROPPED_MAX: Final = 100

_ACCOUNT_BY_EMAIL: Final[dict[Role, LiteralString]] = {
    Role.PARTNER: queries.PARTNER_BY_EMAIL,
    Role.CONTRACTOR: queries.CONTRACTOR_BY_EMAIL,
    Role.ADMIN: queries.ADMIN_BY_EMAIL,
}
_ACCOUNT_OF_TOKEN: Final[dict[Role, LiteralString]] = {
    Role.PARTNER: queries.PARTNER_OF_TOKEN,
    Role.CONTRACTOR: queries.CONTRACTOR_OF_TOKEN,
    Role.ADMIN: queries.ADMIN_OF_TOKEN,
}
_PASSWORD_HASH: Final[dict[Role, LiteralString]] = {
    Role.PARTNER: queries.PARTNER_PASSWORD_HASH,
    Role.CONTRACTOR: queries.CONTRACTOR_PASSWORD_HASH,
}
_CHANGE_PASSWORD: Final[dict[Role, LiteralString]] = {
    Role.PARTNER: queries.CHANGE_PARTNER_PASSWORD,
    Role.CONTRACTOR: queries.CHANGE_CONTRACTOR_PASSWORD,
}


@dataclass(frozen=True, slots=True)
class _AccountRow:
    account_id: int
    email: str
    name: str
    is_active: bool
    password_hash: str | None
    """None: a contractor that was recorded and has not registered."""
    credential_version: int


@dataclass(frozen=True, slots=True)
class _TokenAccountRow:
    account_id: int
    email: str
    name: str
    credential_version: int


def normalised_email(email: str) -> str:
    """Give the form in which e-mail addresses are stored and compared."""
    return email.strip().lower()


async def verified_identity(db: Database, passwords: Passwords, role: Role, email: str, password: str) -> Identity:
    """Check e-mail and password of an account of ``role``; BadCredentialsError when they do not belong together.

    Unknown, inactive and wrong cost the same and look the same. No connection is held while the hash is computed.
    """
    async with db.connection() as connection:
        statement = _ACCOUNT_BY_EMAIL[role]
        account = await fetch_one(connection, _AccountRow, statement, {"email": normalised_email(email)})
    verified = await passwords.verify(account.password_hash if account else None, password)
    if account is None or not verified or not account.is_active:
        raise BadCredentialsError
    return Identity(role, account.account_id, account.email, account.name, account.credential_version)


async def identity_of_token(db: Database, claims: TokenClaims) -> Identity:
    """Give the account of a token that was read; UnauthenticatedError when revoked, outdated or no longer active."""
    values = {
        "account_id": claims.account_id,
        "credential_version": claims.credential_version,
        "token_id": claims.token_id,
    }
    async with db.connection() as connection:
        row = await fetch_one(connection, _TokenAccountRow, _ACCOUNT_OF_TOKEN[claims.role], values)
    if row is None:
        raise UnauthenticatedError("The token is no longer valid.")
    return Identity(claims.role, row.account_id, row.email, row.name, row.credential_version)


async def revoke_token(db: Database, claims: TokenClaims) -> None:
    """End a token before its time (log-out)."""
    async with db.transaction() as connection:
        await execute(connection, queries.DROP_EXPIRED_REVOCATIONS, {"rows_max": EXPIRED_ROWS_DROPPED_MAX})
        await execute(connection, queries.REVOKE_TOKEN, {"token_id": claims.token_id, "expires_at": claims.expires_at})


def require_good_password(new: str, *, field: str, current: str | None = None) -> None:
    """PasswordRefusedError, naming ``field``, when a new password breaks the rules or is the current one."""
    faults = password_faults(new) or (("must differ from the current one",) if new == current else ())
    if faults:
        errors = [FieldError("body", field, fault) for fault in faults]
        raise PasswordRefusedError("The new password " + ", ".join(faults) + ".", errors=errors)


async def change_password(db: Database, passwords: Passwords, identity: Identity, current: str, new: str) -> None:
    """Set the new password of a partner or contractor and end all its tokens and sessions.

    WrongPasswordError when ``current`` is wrong; UnauthenticatedError when the password was changed by someone else meanwhile.
    """
    async with db.connection() as connection:
        stored = await fetch_value(connection, _PASSWORD_HASH[identity.role], {"account_id": identity.account_id})
    if not await passwords.verify(stored, current):
        raise WrongPasswordError
    new_hash = await passwords.hash(new)
    values = {"account_id": identity.account_id, "credential_version": identity.credential_version, "new_hash": new_hash}
    async with db.transaction() as connection:
        if await execute(connection, _CHANGE_PASSWORD[identity.role], values) == 0:
            raise UnauthenticatedError("The token is no longer valid.")
        account = {"role": identity.role.value, "account_id": identity.account_id}
        await execute(connection, queries.END_SESSIONS_OF_ACCOUNT, account)
