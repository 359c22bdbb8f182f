"""What staging and production demand of their settings beyond types, and in what the two may differ.

A profile is a file of variables without a secret (``deploy/profiles``); secrets come from the environment, which wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from tpe.settings import JWT_SECRET_LENGTH_MIN, DatabaseSettings, Settings

SECRETS: Final = {
    "JWT_SECRET": JWT_SECRET_LENGTH_MIN,
    "JWT_SECRET_PREVIOUS": JWT_SECRET_LENGTH_MIN,
    "DB_PASSWORD": 16,
    "REDIS_PASSWORD": 16,
    "TPX_N8N_API_KEY": 32,
    "TPX_N8N_API_KEY_PREVIOUS": 32,
    "SENDGRID_API_KEY": 20,
    "TWILIO_AUTH_TOKEN": 20,
    "SENTRY_DSN": 20,
}
"""Every secret with its least length in characters."""
OPTIONAL_SECRETS: Final = ("JWT_SECRET_PREVIOUS", "TPX_N8N_API_KEY_PREVIOUS")
REQUIRED: Final = (
    "DB_HOST",
    "DB_NAME",
    "DB_USER",
    "FRONTEND_URL",
    "ADMIN_DASHBOARD_URL",
    "NEXT_PUBLIC_API_URL",
    "NEXT_PUBLIC_ENVIRONMENT",
    "EMAIL_FROM",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_PHONE_NUMBER",
    "REDIS_HOST",
)
"""What must be said and is no secret."""
HTTPS_ONLY: Final = ("FRONTEND_URL", "ADMIN_DASHBOARD_URL", "NEXT_PUBLIC_API_URL")
DATABASE_PARTS: Final = ("DB_HOST", "DB_NAME", "DB_USER", "DB_PASSWORD")
"""Given together by DATABASE_URL where that is set."""
TLS_MODES: Final = ("require", "verify-ca", "verify-full")

STAGING_DIFFERENCES: Final = {
    "NODE_ENV": "says which of the two it is",
    "NEXT_PUBLIC_ENVIRONMENT": "tells clients the same",
    "FRONTEND_URL": "staging has addresses of its own",
    "ADMIN_DASHBOARD_URL": "staging has addresses of its own",
    "NEXT_PUBLIC_API_URL": "staging has addresses of its own",
    "DB_HOST": "staging has a database of its own",
    "REDIS_HOST": "staging has a Redis of its own",
    "EMAIL_FROM": "nobody shall take staging's mail for the platform's",
    "LOG_LEVEL": "staging says more",
}
"""Every value in which the staging profile differs from the production profile, and why."""

DISTINCT_CHARACTERS_MIN: Final = 10
"""Of a random secret of 20 hexadecimal digits hardly one in a thousand has fewer."""
_PLACEHOLDER: Final = re.compile(
    r"change.?(me|this)|secret|password|default|example|placeholder|your[-_ ]|x{6}|0{6}|123456|abcdef", re.I
)


def read_settings(profile: Path | None = None) -> Settings:
    """Read the environment, and below it the file of a profile; ValidationError names every variable that will not do."""
    settings = Settings(_env_file=profile)  # type: ignore[call-arg]  # the environment gives what is missing
    _refuse(unfit(settings))
    return settings


def read_database_settings(profile: Path | None = None) -> DatabaseSettings:
    """Read as much as a command needs that works on the database alone; ValidationError as above."""
    settings = DatabaseSettings(_env_file=profile)  # type: ignore[call-arg]  # as above
    _refuse(() if settings.NODE_ENV == "development" else _plain_database(settings))
    return settings


def _refuse(faults: Iterable[tuple[str, str]]) -> None:
    errors = [
        InitErrorDetails(type=PydanticCustomError("unfit", "{fault}", {"fault": fault}), loc=(name,), input=None)
        for name, fault in faults
    ]
    if errors:
        raise ValidationError.from_exception_data("Settings", errors, hide_input=True)


def unfit(settings: Settings) -> Iterator[tuple[str, str]]:
    """Give each variable that staging or production cannot be started with, and why; nothing in development."""
    if settings.NODE_ENV == "development":
        return
    yield from _missing(settings)
    yield from _weak(settings)
    yield from _open(settings)


def weakness(secret: str, length_min: int) -> str:
    """Say why a text is no secret; empty when nothing speaks against it."""
    if len(secret) < length_min:
        return f"must have at least {length_min} characters"
    if _PLACEHOLDER.search(secret):
        return "is a placeholder, not a secret"
    if secret in (secret + secret)[1:-1]:
        return "repeats itself"
    if len(set(secret)) < DISTINCT_CHARACTERS_MIN:
        return f"must have at least {DISTINCT_CHARACTERS_MIN} different characters"
    return ""


def _missing(settings: Settings) -> Iterator[tuple[str, str]]:
    by_url = DATABASE_PARTS if settings.DATABASE_URL is not None else ()
    for name in (*REQUIRED, *(name for name in SECRETS if name not in OPTIONAL_SECRETS)):
        if name not in settings.model_fields_set and name not in by_url:
            yield name, f"is required in {settings.NODE_ENV}"


def _weak(settings: Settings) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for name, length_min in SECRETS.items():
        value = getattr(settings, name)
        if not isinstance(value, SecretStr):
            continue
        secret = value.get_secret_value()
        if fault := weakness(secret, length_min):
            yield name, fault
        elif secret in seen:
            yield name, f"is the same as {seen[secret]}"
        seen.setdefault(secret, name)


def _open(settings: Settings) -> Iterator[tuple[str, str]]:
    for name in HTTPS_ONLY:
        value = getattr(settings, name)
        if value is not None and not value.startswith("https://"):
            yield name, f"must be https in {settings.NODE_ENV}"
    if settings.NEXT_PUBLIC_ENVIRONMENT not in (None, settings.NODE_ENV):
        yield "NEXT_PUBLIC_ENVIRONMENT", "must be the same as NODE_ENV"
    plain = list(_plain_database(settings))
    yield from plain
    if not plain and settings.DATABASE_URL is not None and (fault := _weak_password(settings.DATABASE_URL.get_secret_value())):
        yield "DATABASE_URL", fault
    if any(network.prefixlen == 0 for network in settings.TRUSTED_PROXIES):
        yield "TRUSTED_PROXIES", "must not be everybody: any client could then say who it is"


def _plain_database(settings: DatabaseSettings) -> Iterator[tuple[str, str]]:
    if settings.DATABASE_URL is None and not settings.DB_SSL:
        yield "DB_SSL", f"must be true in {settings.NODE_ENV}"
    if settings.DATABASE_URL is not None and _sslmode(settings.DATABASE_URL.get_secret_value()) not in TLS_MODES:
        yield "DATABASE_URL", f"must have sslmode=require, or better, in {settings.NODE_ENV}"


def _sslmode(conninfo: str) -> str:
    return str(_conninfo(conninfo).get("sslmode", ""))


def _weak_password(conninfo: str) -> str:
    """Say why the password of an address is none; one without a password may have a certificate, or a file, for it."""
    password = str(_conninfo(conninfo).get("password") or "")
    fault = weakness(password, SECRETS["DB_PASSWORD"]) if password else ""
    return f"its password {fault}" if fault else ""


def _conninfo(text: str) -> Mapping[str, object]:
    try:
        return conninfo_to_dict(text)
    except ProgrammingError:
        return {}
