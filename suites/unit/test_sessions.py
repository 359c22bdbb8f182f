"""Page sessions as far as they need no database: secrets, their hashes, and the token of forms."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.auth import sessions
from tpe.auth.identity import Identity, Role
from tpe.auth.service import normalised_email
from tpe.infra.db import Database

WHO = Identity(Role.ADMIN, 1, "admin.one@example.test", "Admin One", 1)


def session(csrf_token: str) -> sessions.Session:
    return sessions.Session(WHO, csrf_token, datetime(2026, 1, 1, tzinfo=UTC))


@given(text=st.text(max_size=100))
def test_any_cookie_has_a_hash_of_the_length_that_the_table_takes(text: str) -> None:
    assert len(sessions.hash_secret(text)) == 32


def test_different_secrets_have_different_hashes() -> None:
    assert sessions.hash_secret("a") != sessions.hash_secret("b")


def test_a_forms_token_is_its_sessions_own() -> None:
    token = secrets.token_urlsafe(32)
    assert sessions.csrf_matches(session(token), token)


@pytest.mark.parametrize("given_text", ["", "x", "\ud800", "ünïcödé"])
def test_any_other_token_is_not(given_text: str) -> None:
    assert not sessions.csrf_matches(session(secrets.token_urlsafe(32)), given_text)


def test_a_cookie_of_another_length_is_nobodys_without_asking_the_database(closed_port: int) -> None:
    async def scenario() -> sessions.Session | None:
        return await sessions.find(Database(f"host=127.0.0.1 port={closed_port} user=nobody", size_max=1), "short")

    assert asyncio.run(scenario()) is None


def test_the_cookie_is_bound_to_its_host() -> None:
    assert sessions.COOKIE_NAME.startswith("__Host-")
    assert len(secrets.token_urlsafe(sessions.SECRET_BYTES)) == sessions.SECRET_LENGTH


@pytest.mark.parametrize(("typed", "stored"), [("Partner.One@Example.Test", "partner.one@example.test"), (" a@b ", "a@b")])
def test_addresses_are_compared_in_one_form(typed: str, stored: str) -> None:
    assert normalised_email(typed) == stored
