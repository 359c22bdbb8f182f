"""Settings of the platform, read from the environment under the Phase 4 document's names.

Only what the code reads is declared here. A missing or wrong value stops the start and is named.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from psycopg.conninfo import make_conninfo
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Network = IPv4Network | IPv6Network

JWT_SECRET_LENGTH_MIN = 64
"""Ledger 1.1.6: the signing key has at least 64 characters."""
JWT_LIFETIME_MAX = timedelta(days=7)
"""Ledger 1.1.6: tokens live 7 days at most."""

_DURATION_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


def parse_duration(text: str) -> timedelta:
    """Read a duration such as ``15m``, ``12h`` or ``7d`` (units s, m, h, d); ValueError otherwise."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text.strip())
    if match is None:
        raise ValueError("must be a number with a unit s, m, h or d, such as 12h")
    return timedelta(**{_DURATION_UNITS[match[2]]: int(match[1])})


def parse_origin(text: str) -> str:
    """Read a web origin (scheme, host, optional port; nothing behind); ValueError otherwise."""
    origin = text.strip().rstrip("/").lower()
    if _ORIGIN.fullmatch(origin) is None:
        raise ValueError("must be an origin such as https://portal.example.test, without a path")
    return origin


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks separated by commas, such as ``10.0.0.0/8, ::1``; ValueError names what is none."""
    networks = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError:
            raise ValueError(f"must be addresses or networks such as 10.0.0.0/8, and {part[:50]!r} is none") from None
    return tuple(networks)


_CONFIG = SettingsConfigDict(
    extra="ignore", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True, env_ignore_empty=True
)


class DatabaseSettings(BaseSettings):
    """Where the database is, and in which environment: all that migrations and the seeder need."""

    model_config = _CONFIG

    NODE_ENV: Literal["development", "staging", "production"] = "development"
    """Which environment this is; told when the process starts."""

    DATABASE_URL: SecretStr | None = None
    """A libpq connection string or URL; when set it wins over all DB_* names."""
    DB_HOST: str = "127.0.0.1"
    """The database's host."""
    DB_PORT: Annotated[int, Field(ge=1, le=65535)] = 5432
    """The database's port."""
    DB_NAME: str = "tpe"
    """The database's name."""
    DB_USER: str = "tpe"
    """The database's user."""
    DB_PASSWORD: SecretStr | None = None
    """That user's password."""
    DB_SSL: bool = False
    """Whether TLS is required towards the database; a server without it is then refused."""
    DB_SSL_CA: str | None = None
    """File with the authorities that may vouch for the database's certificate; its name is then checked too."""

    @property
    def database_conninfo(self) -> str:
        """Give the libpq connection string. It holds the password: never log it."""
        if self.DATABASE_URL is not None:
            return self.DATABASE_URL.get_secret_value()
        return make_conninfo(
            host=self.DB_HOST,
            port=self.DB_PORT,
            dbname=self.DB_NAME,
            user=self.DB_USER,
            password=self.DB_PASSWORD.get_secret_value() if self.DB_PASSWORD else None,
            sslmode=self._sslmode,
            sslrootcert=self.DB_SSL_CA if self.DB_SSL else None,
        )

    @property
    def _sslmode(self) -> str:
        if not self.DB_SSL:
            return "prefer"
        return "verify-full" if self.DB_SSL_CA else "require"


class SharedSettings(BaseSettings):
    """Where Redis is."""

    model_config = _CONFIG

    REDIS_HOST: str | None = None
    """The Redis that all processes share; without one each process has a server of its own."""
    REDIS_PORT: Annotated[int, Field(ge=1, le=65535)] = 6379
    """The port of that Redis."""
    REDIS_PASSWORD: SecretStr | None = None
    """The password of that Redis."""


class Settings(DatabaseSettings, SharedSettings):
    """Typed settings; see each member. ``Settings()`` reads the environment."""

    PORT: Annotated[int, Field(ge=0, le=65535)] = 3000
    """The port to listen on; 0 takes a free one."""
    LOG_LEVEL: Literal["debug", "info", "warning", "error", "critical"] = "info"
    """The least level that is logged."""

    DB_POOL_SIZE_MAX: Annotated[int, Field(ge=1, le=100)] = 10
    """Connections that this process holds at most."""
    PROCESSES: Annotated[int, Field(ge=1, le=100)] = 1
    """Processes of the platform that share the database. All their pools must fit the server, else none of them is ready."""

    JWT_SECRET: Annotated[SecretStr, Field(min_length=JWT_SECRET_LENGTH_MIN)]
    """The key that signs tokens: at least 64 characters, and each environment's own."""
    JWT_SECRET_PREVIOUS: Annotated[SecretStr, Field(min_length=JWT_SECRET_LENGTH_MIN)] | None = None
    """The key before it: while it is set, the tokens that it signed are still valid."""
    JWT_EXPIRE: Annotated[timedelta, NoDecode] = timedelta(hours=12)
    """How long a token is valid, at most 7d."""

    FRONTEND_URL: str | None = None
    """Origin of the partner portal when it is served elsewhere; may call the API from a browser."""
    ADMIN_DASHBOARD_URL: str | None = None
    """Origin of the admin dashboard when it is served elsewhere; may call the API from a browser."""

    NEXT_PUBLIC_API_URL: str | None = None
    """Origin under which clients reach this API; the OpenAPI document names it."""
    NEXT_PUBLIC_ENVIRONMENT: Literal["development", "staging", "production"] | None = None
    """The environment that clients are told; must be NODE_ENV's where that is staging or production."""

    TPX_N8N_API_KEY: SecretStr | None = None
    """The key of the automation that reads contractors and posts messages; without one it has no way in."""
    TPX_N8N_API_KEY_PREVIOUS: SecretStr | None = None
    """The key before it, valid too while the automation moves to the new one."""
    SENDGRID_API_KEY: SecretStr | None = None
    """The key of the service that sends e-mail."""
    EMAIL_FROM: Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$")] | None = None
    """The address that e-mail comes from."""
    TWILIO_ACCOUNT_SID: str | None = None
    """The account of the service that sends text messages."""
    TWILIO_AUTH_TOKEN: SecretStr | None = None
    """That account's token."""
    TWILIO_PHONE_NUMBER: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")] | None = None
    """The number that text messages come from, such as +15550100."""
    SENTRY_DSN: SecretStr | None = None
    """Where errors are reported to."""

    TRUSTED_PROXIES: Annotated[tuple[Network, ...], NoDecode] = ()
    """Addresses and networks of the proxies that are believed when they say who the client is; nobody else is."""

    @field_validator("TRUSTED_PROXIES", mode="before")
    @classmethod
    def _read_networks(cls, value: object) -> object:
        return parse_networks(value) if isinstance(value, str) else value

    TEXT_MESSAGES: Literal["console", "off"] = "off"
    """What sends codes to phones: the console prints them (never in production); off refuses what needs a message."""

    @field_validator("TEXT_MESSAGES", mode="after")
    @classmethod
    def _keep_codes_off_the_log(cls, value: str, info: ValidationInfo) -> str:
        if value == "console" and info.data.get("NODE_ENV") == "production":
            raise ValueError("must not be console in production: codes would stand in the log")
        return value

    @field_validator("JWT_EXPIRE", mode="before")
    @classmethod
    def _read_lifetime(cls, value: object) -> object:
        lifetime = parse_duration(value) if isinstance(value, str) else value
        if isinstance(lifetime, timedelta) and lifetime > JWT_LIFETIME_MAX:
            raise ValueError("must be at most 7d")
        return lifetime

    @field_validator("FRONTEND_URL", "ADMIN_DASHBOARD_URL", "NEXT_PUBLIC_API_URL", mode="after")
    @classmethod
    def _read_origin(cls, value: str | None) -> str | None:
        return parse_origin(value) if value else None

    @field_validator("LOG_LEVEL", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def api_keys(self) -> tuple[str, ...]:
        """Give the keys that are valid. They are secrets: never log them."""
        return tuple(key.get_secret_value() for key in (self.TPX_N8N_API_KEY, self.TPX_N8N_API_KEY_PREVIOUS) if key)

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Give the exact origins that may call the API from a browser, credentials included."""
        return tuple(origin for origin in (self.FRONTEND_URL, self.ADMIN_DASHBOARD_URL) if origin)
