"""Settings: read from the environment, refused by name."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError

from tpe.settings import JWT_SECRET_LENGTH_MIN, DatabaseSettings, Settings, parse_duration, parse_origin

KEY = secrets.token_hex(JWT_SECRET_LENGTH_MIN)


def settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in {"JWT_SECRET": KEY, **variables}.items():
        monkeypatch.setenv(name, value)
    return Settings()  # type: ignore[call-arg]


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[Any, ...]:
    with pytest.raises(ValidationError) as refusal:
        settings(monkeypatch, **variables)
    return tuple(error["loc"][0] for error in refusal.value.errors())


def test_the_key_has_no_default() -> None:
    with pytest.raises(ValidationError, match="JWT_SECRET"):
        Settings()  # type: ignore[call-arg]


def test_the_key_needs_its_least_length_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = settings(monkeypatch, JWT_SECRET=KEY[:JWT_SECRET_LENGTH_MIN])
    assert len(enough.JWT_SECRET.get_secret_value()) == JWT_SECRET_LENGTH_MIN
    assert refused(monkeypatch, JWT_SECRET=KEY[: JWT_SECRET_LENGTH_MIN - 1]) == ("JWT_SECRET",)


def test_neither_settings_nor_their_errors_show_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    password = secrets.token_hex(8)
    whole = settings(monkeypatch, DB_PASSWORD=password)
    assert KEY not in repr(whole)
    assert password not in repr(whole)
    with pytest.raises(ValidationError) as refusal:
        settings(monkeypatch, JWT_SECRET=KEY[:20])
    assert KEY[:20] not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"), ("PORT", "-1"), ("PORT", "http"), ("DB_PORT", "0"), ("DB_POOL_SIZE_MAX", "0"), ("NODE_ENV", "prod"),
        ("LOG_LEVEL", "loud"), ("JWT_EXPIRE", "8d"), ("JWT_EXPIRE", "169h"), ("JWT_EXPIRE", "0h"), ("JWT_EXPIRE", "soon"),
        ("FRONTEND_URL", "portal.example.test"), ("FRONTEND_URL", "https://portal.example.test/app"),
        ("ADMIN_DASHBOARD_URL", "*"), ("DB_SSL", "maybe"), ("TEXT_MESSAGES", "stderr"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert refused(monkeypatch, **{name: value}) == (name,)


@pytest.mark.parametrize(
    ("text", "lifetime"), [("7d", timedelta(days=7)), ("168h", timedelta(days=7)), ("15m", timedelta(minutes=15))]
)
def test_a_lifetime_up_to_seven_days_is_read(monkeypatch: pytest.MonkeyPatch, text: str, lifetime: timedelta) -> None:
    assert lifetime == settings(monkeypatch, JWT_EXPIRE=text).JWT_EXPIRE


@pytest.mark.parametrize(
    ("text", "duration"),
    [("1s", timedelta(seconds=1)), ("90m", timedelta(minutes=90)), (" 2h ", timedelta(hours=2)), ("3d", timedelta(days=3))],
)
def test_durations_are_read_with_their_unit(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1h", "1.5h", "1w", "12345678s", "7 d"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Portal.Example.test/", "https://portal.example.test"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_origins_are_read_in_their_own_form(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text", ["", "*", "null", "example.test", "ftp://example.test", "https://example.test/a", "https://a@example.test"]
)
def test_other_origins_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        parse_origin(text)


def test_only_configured_origins_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).allowed_origins == ()
    both = settings(monkeypatch, FRONTEND_URL="https://a.example.test", ADMIN_DASHBOARD_URL="https://b.example.test")
    assert both.allowed_origins == ("https://a.example.test", "https://b.example.test")


def test_the_parts_make_a_connection_string(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DB_HOST": "db.example.test",
        "DB_PORT": "5433",
        "DB_NAME": "n",
        "DB_USER": "u",
        "DB_SSL": "true",
    }.items():
        monkeypatch.setenv(name, value)
    parts = conninfo_to_dict(DatabaseSettings().database_conninfo)
    assert parts == {"host": "db.example.test", "port": "5433", "dbname": "n", "user": "u", "sslmode": "require"}


def test_without_tls_asked_for_the_server_decides() -> None:
    assert conninfo_to_dict(DatabaseSettings().database_conninfo)["sslmode"] == "prefer"


def test_a_whole_address_wins_over_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "db.example.test")
    monkeypatch.setenv("DATABASE_URL", "postgresql://other.example.test/x")
    assert DatabaseSettings().database_conninfo == "postgresql://other.example.test/x"


@pytest.mark.parametrize("environment", ["development", "staging"])
def test_codes_may_be_printed_where_nobody_lives(monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    assert settings(monkeypatch, NODE_ENV=environment, TEXT_MESSAGES="console").TEXT_MESSAGES == "console"


def test_codes_are_never_printed_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, NODE_ENV="production").TEXT_MESSAGES == "off"
    assert refused(monkeypatch, NODE_ENV="production", TEXT_MESSAGES="console") == ("TEXT_MESSAGES",)
