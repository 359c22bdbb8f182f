"""Each environment has a signing key of its own, long enough that nobody guesses it."""

from __future__ import annotations

import secrets

import pytest

from fixtures.platforms import Platforms
from harness.targets.live import LiveTarget

KEY = "JWT_SECRET"
KEY_CHARACTERS_MIN = 64
"""The Phase 4 document, 1.1."""


def own_page(live: LiveTarget, token_of: LiveTarget) -> int:
    """The status of the first role's list of its own objects, with a token that another platform made."""
    kind = live.target.objects[0]
    role = live.target.role(kind.role)
    with live.client(token_of.sign_in(role, role.users[0])) as http:
        return http.get(kind.list_path).status_code


@pytest.mark.proves("1.1.6.a")
def test_a_token_signed_with_another_environments_key_is_refused(platforms: Platforms) -> None:
    with (
        platforms.database() as dsn,
        platforms.on(dsn, {KEY: secrets.token_hex(KEY_CHARACTERS_MIN)}) as staging,
        platforms.on(dsn, {KEY: secrets.token_hex(KEY_CHARACTERS_MIN)}) as production,
    ):
        assert own_page(production, token_of=production) == 200
        assert own_page(production, token_of=staging) == 401


def test_a_key_of_the_least_length_starts_and_one_character_less_does_not(platforms: Platforms) -> None:
    key = secrets.token_hex(KEY_CHARACTERS_MIN)
    with platforms.started({KEY: key[:KEY_CHARACTERS_MIN]}) as live:
        assert live.alive()
    refusal = platforms.refused_start({KEY: key[: KEY_CHARACTERS_MIN - 1]})
    assert refusal.code != 0
    assert KEY in refusal.output
    assert key[:16] not in refusal.output


@pytest.mark.proves("1.1.6.c")
def test_a_token_of_the_key_before_is_valid_as_long_as_that_key_is_given_and_new_ones_are_signed_with_the_new_key(
    platforms: Platforms,
) -> None:
    old, new = (secrets.token_hex(KEY_CHARACTERS_MIN) for _ in range(2))
    with (
        platforms.database() as dsn,
        platforms.on(dsn, {KEY: old}) as before,
        platforms.on(dsn, {KEY: new, "JWT_SECRET_PREVIOUS": old}) as overlap,
        platforms.on(dsn, {KEY: new}) as after,
    ):
        assert own_page(overlap, token_of=before) == 200
        assert own_page(after, token_of=overlap) == 200
        assert own_page(after, token_of=before) == 401
        assert own_page(before, token_of=overlap) == 401
