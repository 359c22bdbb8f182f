"""Tokens: what is made can be read, and nothing else can."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.auth.identity import Identity, Role
from tpe.auth.tokens import AUDIENCE, ISSUER, TOKEN_LENGTH_MAX, Tokens
from tpe.infra.problems import UnauthenticatedError

WHO = Identity(Role.PARTNER, 7, "partner.one@example.test", "Some Supply", 3)
KEY = secrets.token_hex(64)
TOKENS = Tokens(KEY, timedelta(hours=1))


def claims(**changed: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    whole = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "7", "role": "partner", "ver": 3, "iat": now, "exp": now + timedelta(hours=1),
        "jti": "7b1f6a52-6a52-4a52-8a52-7b1f6a527b1f",
    }  # fmt: skip
    return {name: value for name, value in {**whole, **changed}.items() if value is not None}


def signed(key: str = KEY, algorithm: str = "HS256", **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm)


def test_a_made_token_says_who_and_until_when() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    read = TOKENS.read(TOKENS.make(WHO, now))
    assert (read.role, read.account_id, read.credential_version) == (Role.PARTNER, 7, 3)
    assert read.expires_at == now + timedelta(hours=1)


def test_two_tokens_of_one_identity_have_ids_of_their_own() -> None:
    now = datetime.now(UTC)
    assert TOKENS.read(TOKENS.make(WHO, now)).token_id != TOKENS.read(TOKENS.make(WHO, now)).token_id


def test_the_hand_made_token_of_these_tests_is_valid() -> None:
    assert TOKENS.read(signed()).account_id == 7


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": datetime.now(UTC) - timedelta(seconds=1)},
        {"iat": datetime.now(UTC) + timedelta(minutes=5)},
        {"iss": "someone-else"},
        {"aud": "another-api"},
        {"role": "root"},
        {"sub": "seven"},
        {"ver": "x"},
        {"jti": "not-a-uuid"},
        *({name: None} for name in ("iss", "aud", "sub", "role", "ver", "iat", "exp", "jti")),
    ],
    ids=str,
)
def test_a_token_with_a_wrong_or_missing_claim_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UnauthenticatedError, match="not valid"):
        TOKENS.read(signed(**changed))


def test_a_token_signed_with_another_key_is_refused() -> None:
    with pytest.raises(UnauthenticatedError):
        TOKENS.read(signed(key=secrets.token_hex(64)))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_even_with_the_right_key(algorithm: str) -> None:
    with pytest.raises(UnauthenticatedError):
        TOKENS.read(signed(algorithm=algorithm))


def test_an_unsigned_token_is_refused() -> None:
    def part(value: object) -> str:
        return (
            base64.urlsafe_b64encode(json.dumps(value, default=lambda moment: int(moment.timestamp())).encode())
            .decode()
            .rstrip("=")
        )

    with pytest.raises(UnauthenticatedError):
        TOKENS.read(f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}.")


@given(text=st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        TOKENS.read(text)


def test_a_text_longer_than_any_token_is_refused_unread() -> None:
    with pytest.raises(UnauthenticatedError):
        TOKENS.read(TOKENS.make(WHO) + "a" * TOKEN_LENGTH_MAX)


@given(place=st.integers(0, 10_000))
def test_a_token_with_one_character_changed_is_refused(place: int) -> None:
    token = TOKENS.make(WHO)
    head, _, signature = token.rpartition(".")
    index = place % (len(head) - 1)
    other = "A" if head[index] != "A" else "B"
    with pytest.raises(UnauthenticatedError):
        TOKENS.read(f"{head[:index]}{other}{head[index + 1 :]}.{signature}")
