"""Log-in attempts on real accounts: guessing is bounded, and nobody can lock somebody else out for good."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

import pytest

from suites.unit.database import Services
from tpe.auth.attempts import LogInAttempts
from tpe.auth.errors import BadCredentialsError, PasswordRefusedError, WrongPasswordError
from tpe.auth.identity import Role
from tpe.auth.passwords import Passwords
from tpe.auth.service import verified_identity
from tpe.infra.limits import FAILED_LOG_INS, LOG_INS, PASSWORD_CHANGES, Counts
from tpe.infra.problems import TooManyRequestsError
from tpe.infra.shared import Shared
from tpe.settings import SharedSettings

OWNER = "partner.one@example.test"
OTHER = "partner.two@example.test"
NOBODY = "nobody.at.all@example.test"
WRONG = "Wrong-password-1"
NEW = "Quite-another-password-2"
REDIS_AWAITED_S = 5.0


@dataclass
class Door:
    """Tries to log in, and says how it went."""

    services: Services
    shared: Shared
    counts: Counts
    passwords: Passwords
    strangers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.attempts = LogInAttempts(self.services.db, self.passwords, self.counts, self.shared)

    async def try_in(self, client: str, email: str, password: str) -> str:
        try:
            await self.attempts.log_in(client, Role.PARTNER, email, password)
        except BadCredentialsError:
            return "refused"
        except TooManyRequestsError:
            return "limited"
        return "in"

    def change(self, email: str, current: str, new: str) -> None:
        async def ask() -> None:
            identity = await verified_identity(self.services.db, self.passwords, Role.PARTNER, email, self.services.password)
            await self.attempts.change_password(identity, current, new)

        self.services.run(ask)

    def __call__(self, client: str, email: str = OWNER, password: str = "") -> str:
        return self.services.run(lambda: self.try_in(client, email, password or self.services.password))

    def fails_by_strangers(self, times: int, email: str = OWNER) -> list[str]:
        """Wrong passwords, each from a client that nobody saw before."""
        return [self(f"stranger {next(self.strangers)}", email, WRONG) for _ in range(times)]


@pytest.fixture(params=["with Redis", "without Redis"])
def door(request: pytest.FixtureRequest, services: Services, closed_port: int) -> Iterator[Door]:
    away = SharedSettings(REDIS_HOST="127.0.0.1", REDIS_PORT=closed_port)
    # Verifying passwords keeps this process busy: it must not take its own delay for a Redis that is away.
    shared = Shared(SharedSettings() if request.param == "with Redis" else away, timeout_s=REDIS_AWAITED_S)
    services.run(shared.open)
    yield Door(services, shared, Counts(shared), services.passwords)
    services.run(shared.close)


def test_a_client_has_five_attempts_whatever_comes_of_them(door: Door) -> None:
    outcomes = [door("client", OWNER), *(door("client", f"{number}@example.test", WRONG) for number in range(LOG_INS.count))]
    assert outcomes == ["in"] + ["refused"] * (LOG_INS.count - 1) + ["limited"]
    assert door("another client") == "in"


@pytest.mark.parametrize("email", [OWNER, NOBODY])
def test_an_account_takes_five_failures_from_all_clients_together_whether_it_exists_or_not(door: Door, email: str) -> None:
    expected = ["refused"] * FAILED_LOG_INS.count + ["limited"] * 2
    assert door.fails_by_strangers(len(expected), email) == expected
    assert door("stranger", f" {email.upper()} ", WRONG) == "limited"


def test_the_right_password_opens_nothing_that_was_tried_too_often(door: Door) -> None:
    door.fails_by_strangers(FAILED_LOG_INS.count)
    assert door("stranger with luck") == "limited"


def test_a_stranger_cannot_lock_out_a_client_that_was_in_before(door: Door) -> None:
    assert door("the owner's office") == "in"
    door.fails_by_strangers(FAILED_LOG_INS.count + 3)
    assert door("the owner's office") == "in"
    assert door("the owner's office", OTHER, WRONG) == "refused"


def test_other_accounts_are_not_touched(door: Door) -> None:
    door.fails_by_strangers(FAILED_LOG_INS.count + 1)
    assert door("somebody", OTHER) == "in"


@pytest.mark.parametrize("wanted", ["abcdefgh", "", "same"])
def test_a_change_needs_a_password_that_keeps_the_rules_and_is_new(door: Door, wanted: str) -> None:
    new = door.services.password if wanted == "same" else wanted
    for _ in range(PASSWORD_CHANGES.count + 1):  # none of them is an attempt
        with pytest.raises(PasswordRefusedError) as refusal:
            door.change(OWNER, door.services.password, new)
        assert {error.field for error in refusal.value.errors} == {"new_password"}
    assert door("the owner") == "in"


@pytest.fixture
def kept_password(services: Services) -> Iterator[None]:
    """Put the other account's password back as it was."""
    stored = services.value("SELECT password_hash FROM partners WHERE email = %(email)s", email=OTHER)
    yield
    services.write("UPDATE partners SET password_hash = %(stored)s WHERE email = %(email)s", stored=stored, email=OTHER)


@pytest.mark.usefixtures("kept_password")
def test_who_took_over_a_session_can_guess_the_present_password_five_times(door: Door) -> None:
    for _ in range(PASSWORD_CHANGES.count):
        with pytest.raises(WrongPasswordError):
            door.change(OWNER, WRONG, NEW)
    with pytest.raises(TooManyRequestsError):
        door.change(OWNER, door.services.password, NEW)
    assert door("the owner") == "in"
    door.change(OTHER, door.services.password, NEW)
    assert door("another owner", OTHER, NEW) == "in"


class HeldUp(Passwords):
    """Verifies as ever, but not before it is let."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Wait, then verify."""
        self.asked.set()
        await self.let.wait()
        return await super().verify(stored_hash, password)


def test_many_guesses_at_once_gain_nothing(door: Door) -> None:
    """The right one among them is refused when five have failed before it was verified, and told what a sixth wrong one is."""

    async def guesses() -> tuple[list[str], str]:
        with closing(HeldUp()) as passwords:
            lucky = replace(door, passwords=passwords)
            waiting = asyncio.create_task(lucky.try_in("bot with luck", OWNER, door.services.password))
            await passwords.asked.wait()
            wrong = [door.try_in(f"bot {number}", OWNER, WRONG) for number in range(FAILED_LOG_INS.count + 1)]
            refused = await asyncio.gather(*wrong)
            passwords.let.set()
            return sorted(refused), await waiting

    assert door.services.run(guesses) == (["limited", *["refused"] * FAILED_LOG_INS.count], "limited")
