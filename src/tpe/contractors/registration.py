"""Registration of contractors: a code is sent to the phone, and whoever has it chooses a password.

Nothing that a stranger sees tells whether an e-mail address has an account: ``start_registration`` does the same work and
gives the same answer for all, and every code that is refused is refused with the same words. Where there is an account,
its own phone is told that somebody tried. A contractor that was recorded but has no account yet gets its code on the phone
that is on record, so that nobody else can take its place.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Final
from uuid import UUID

from tpe.auth.identity import Identity, Role
from tpe.auth.passwords import Passwords
from tpe.auth.service import normalised_email, require_good_password
from tpe.contractors import queries
from tpe.contractors.errors import CodeRefusedError, TooManyCodesError
from tpe.infra.db import Connection, Database, execute, fetch_one, fetch_value
from tpe.messaging.texts import TextMessages

CODE_DIGITS: Final = 6
CODE_LIFETIME: Final = timedelta(minutes=10)
TRIES_MAX: Final = 5
"""A code is locked after this many tries: one guess in 200,000 at best."""
RESEND_AFTER: Final = timedelta(seconds=60)
CODES_A_DAY_MAX: Final = 5
"""How many codes one e-mail address, and one phone number, is sent in 24 hours."""
EXPIRED_ROWS_DROPPED_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who wants to register."""

    name: str
    email: str
    phone: str
    company_name: str


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was sent in the last 24 hours: codes to this address and to this number, and how long ago the newest was."""

    to_email: int
    to_phone: int
    seconds_since: float | None


@dataclass(frozen=True, slots=True)
class _Known:
    phone: str
    has_account: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    code_hash: str


@dataclass(frozen=True, slots=True)
class _Registered:
    account_id: int
    email: str
    name: str
    credential_version: int


async def start_registration(db: Database, passwords: Passwords, messages: TextMessages, applicant: Applicant) -> UUID:
    """Send a code and give the registration that it belongs to.

    TooManyCodesError when the address or the number got too many; UnavailableError when nothing can be sent.
    """
    email = normalised_email(applicant.email)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    unknown = secrets.token_urlsafe(CODE_DIGITS)
    async with db.connection() as connection:
        known = await fetch_one(connection, _Known, queries.CONTRACTOR_BY_EMAIL, {"email": email})
    has_account = known is not None and known.has_account
    values = {
        "name": applicant.name,
        "company_name": applicant.company_name,
        "email": email,
        "phone": applicant.phone,
        # A code that nobody knows keeps the registration of an address that has an account from ever being finished.
        "code_hash": await passwords.hash(unknown if has_account else code),
        "lifetime": CODE_LIFETIME,
    }
    async with db.transaction() as connection:
        await execute(connection, queries.DROP_OLD_REGISTRATIONS, {"rows_max": EXPIRED_ROWS_DROPPED_MAX})
        await _limit(connection, values)
        registration: UUID = await fetch_value(connection, queries.ADD_REGISTRATION, values)
    await messages.send(known.phone if known else applicant.phone, _text(code, has_account=has_account))
    return registration


async def finish_registration(db: Database, passwords: Passwords, registration: UUID, code: str, password: str) -> Identity:
    """Make the account of whoever has the code; the code is used up then.

    CodeRefusedError when the code is wrong, used, too old or was tried too often, or the registration is none;
    PasswordRefusedError when the password breaks the rules (that is no try).
    """
    require_good_password(password, field="password")
    values = {"registration": registration, "tries_max": TRIES_MAX}
    async with db.transaction() as connection:  # the try counts before the code is looked at, whatever happens then
        opened = await fetch_one(connection, _Opened, queries.TRY_REGISTRATION, values)
    if not await passwords.verify(opened.code_hash if opened else None, code):
        raise CodeRefusedError
    password_hash = await passwords.hash(password)
    async with db.transaction() as connection:
        used = await execute(connection, queries.USE_REGISTRATION, {"registration": registration})
        values = {"registration": registration, "password_hash": password_hash}
        row = await fetch_one(connection, _Registered, queries.REGISTER_CONTRACTOR, values) if used else None
    if row is None:
        raise CodeRefusedError
    return Identity(Role.CONTRACTOR, row.account_id, row.email, row.name, row.credential_version)


async def _limit(connection: Connection, values: dict[str, object]) -> None:
    await execute(connection, queries.LOCK_APPLICANT, values)
    sent = await fetch_one(connection, _Sent, queries.CODES_SENT, values)
    assert sent is not None, "counts always give a row"
    if max(sent.to_email, sent.to_phone) >= CODES_A_DAY_MAX:
        raise TooManyCodesError("Too many codes were asked for. Please try again tomorrow.", wait_s=86_400)
    if sent.seconds_since is not None and sent.seconds_since < RESEND_AFTER.total_seconds():
        wait_s = ceil(RESEND_AFTER.total_seconds() - sent.seconds_since)
        raise TooManyCodesError("A code was sent a moment ago. Please wait a minute before you ask for another.", wait_s=wait_s)


def _text(code: str, *, has_account: bool) -> str:
    if has_account:
        return (
            "Somebody tried to register at The Power100 Experience with your e-mail address. You have an account: "
            "log in, or ignore this message."
        )
    minutes = CODE_LIFETIME // timedelta(minutes=1)
    return f"{code} is your code for The Power100 Experience. It is valid for {minutes} minutes; give it to nobody."
