"""Password rules on both sides of each, and hashing that tells nobody which accounts exist."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from tpe.auth.passwords import PASSWORD_LENGTH_MAX, Passwords, hash_password, new_hasher, password_faults
from tpe.infra.problems import UnavailableError

MADE_UP = "Aa1" + secrets.token_hex(8)


@pytest.mark.parametrize("password", ["Abcdefg1", "A" * (PASSWORD_LENGTH_MAX - 2) + "a1", "Zz9 ünïcödé"])
def test_passwords_that_keep_the_rules_are_accepted(password: str) -> None:
    assert password_faults(password) == ()


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("Abcdef1", "at least 8"),
        ("A" * (PASSWORD_LENGTH_MAX - 1) + "a1", "at most 128"),
        ("ABCDEFG1", "lower-case"),
        ("abcdefg1", "upper-case"),
        ("Abcdefgh", "digit"),
        ("Abcdefg1\x00", "NUL"),
    ],
)
def test_a_broken_rule_is_named_alone(password: str, fault: str) -> None:
    faults = password_faults(password)
    assert len(faults) == 1
    assert fault in faults[0]


def test_letters_and_digits_of_other_scripts_do_not_count() -> None:
    assert len(password_faults("äöüÄÖÜ٣٤٥")) == 3


def test_the_hash_is_argon2id_with_parameters_of_owasps_list() -> None:
    parts = hash_password(MADE_UP).split("$")
    assert (parts[1], parts[3]) == ("argon2id", "m=7168,t=5,p=1")


def test_a_password_belongs_to_its_own_hash_only() -> None:
    async def scenario() -> list[bool]:
        passwords = Passwords(threads=1)
        try:
            stored = await passwords.hash(MADE_UP)
            return [
                await passwords.verify(stored, MADE_UP),
                await passwords.verify(stored, MADE_UP + "x"),
                await passwords.verify(None, MADE_UP),
                await passwords.verify("not a hash", MADE_UP),
            ]
        finally:
            passwords.close()

    assert asyncio.run(scenario()) == [True, False, False, False]


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password(MADE_UP) != hash_password(MADE_UP)


def test_the_event_loop_goes_on_while_a_hash_is_computed() -> None:
    async def scenario() -> int:
        passwords = Passwords(threads=1)
        try:
            work = asyncio.gather(*(passwords.verify(None, MADE_UP) for _ in range(5)))
            turns = 0
            async with asyncio.timeout(20):
                while not work.done():
                    turns += 1
                    await asyncio.sleep(0)
            return turns
        finally:
            passwords.close()

    assert asyncio.run(scenario()) > 5


def test_a_full_queue_is_refused_and_frees_again() -> None:
    async def scenario() -> tuple[list[object], bool]:
        passwords = Passwords(threads=1, waiting_max=2)
        try:
            stored = new_hasher().hash(MADE_UP)
            answers = await asyncio.gather(*(passwords.verify(stored, MADE_UP) for _ in range(4)), return_exceptions=True)
            return list(answers), await passwords.verify(stored, MADE_UP)
        finally:
            passwords.close()

    answers, afterwards = asyncio.run(scenario())
    assert answers[:2] == [True, True]
    assert all(isinstance(answer, UnavailableError) for answer in answers[2:])
    assert afterwards is True
