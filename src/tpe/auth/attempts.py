"""Who may try a password: the limits of a client and of an account.

A client has ``LOG_INS``. An account has ``FAILED_LOG_INS`` from all clients together, so that many clients cannot guess its
password in turns; whether it exists makes no difference. That alone would let a stranger lock an account by failing on
purpose, so a client that has logged in to an account before is **known** there for ``KNOWN_DAYS``: the account's limit does
not apply to it, only its own. For everybody else the account opens again when the window of the failures has passed;
attempts that are refused are not looked at and do not prolong it.

Who is logged in has ``PASSWORD_CHANGES`` to name the present password for a new one; what became of them makes no difference,
so that many at once have no advantage. Who took over a session can so keep its owner from a change, for a window at a time; a
log-out ends that session.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Final

from redis.asyncio import Redis

from tpe.auth.errors import BadCredentialsError
from tpe.auth.identity import Identity, Role
from tpe.auth.passwords import Passwords
from tpe.auth.service import change_password, normalised_email, require_good_password, verified_identity
from tpe.infra.db import Database
from tpe.infra.limits import FAILED_LOG_INS, LOG_INS, PASSWORD_CHANGES, Counts
from tpe.infra.shared import Shared, SharedAwayError

KNOWN_DAYS: Final = 30
LOCAL_KNOWN_MAX: Final = 10_000
KEY_PREFIX: Final = "tpe:known"


class LogInAttempts:
    """Admits log-ins and changes of a password, and keeps what became of them."""

    def __init__(self, db: Database, passwords: Passwords, counts: Counts, shared: Shared) -> None:
        self._db = db
        self._passwords = passwords
        self._counts = counts
        self._shared = shared
        self._known: OrderedDict[str, None] = OrderedDict()

    async def log_in(self, client: str, role: Role, email: str, password: str) -> Identity:
        """Check e-mail and password as ``client`` gives them.

        BadCredentialsError when they do not belong together; TooManyRequestsError when the client or the account had too many.
        """
        account = _name_of_account(role, email)
        await self._counts.take(LOG_INS, client)
        known = await self._is_known(account, client)
        if not known:
            await self._counts.look(FAILED_LOG_INS, account)
        try:
            identity = await verified_identity(self._db, self._passwords, role, email, password)
        except BadCredentialsError:
            if not known:
                # Over the limit a wrong one is told the same as the right one below: which it was must not show in the answer.
                await self._counts.take(FAILED_LOG_INS, account)
            raise
        if not known:
            # Again: others may have failed while the password was verified, and the right one must not profit from a race.
            await self._counts.look(FAILED_LOG_INS, account)
        await self._remember(account, client)
        return identity

    async def change_password(self, identity: Identity, current: str, new: str) -> None:
        """Set the new password of a partner or contractor, as `service.change_password` says.

        TooManyRequestsError when this account had too many attempts; a new one that breaks the rules is none.
        """
        require_good_password(new, field="new_password", current=current)
        await self._counts.take(PASSWORD_CHANGES, _name_of_account(identity.role, identity.email))
        await change_password(self._db, self._passwords, identity, current, new)

    async def _is_known(self, account: str, client: str) -> bool:
        key = _key(account, client)

        async def ask(redis: Redis) -> bool:
            return bool(await redis.exists(key))

        try:
            return await self._shared.ask(ask)
        except SharedAwayError:
            return key in self._known

    async def _remember(self, account: str, client: str) -> None:
        key = _key(account, client)

        async def ask(redis: Redis) -> None:
            await redis.set(key, "", ex=KNOWN_DAYS * 86_400)

        try:
            await self._shared.ask(ask)
        except SharedAwayError:
            self._known[key] = None
            self._known.move_to_end(key)
            if len(self._known) > LOCAL_KNOWN_MAX:
                self._known.popitem(last=False)


def _name_of_account(role: Role, email: str) -> str:
    """Give a name without personal data, of one length, whatever was typed."""
    return hashlib.sha256(f"{role.value}:{normalised_email(email)}".encode("utf-8", "surrogatepass")).hexdigest()


def _key(account: str, client: str) -> str:
    return f"{KEY_PREFIX}:{hashlib.sha256(f'{account}:{client}'.encode()).hexdigest()}"
