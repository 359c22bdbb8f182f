"""Production does not start on a missing, default or weak value, and says which."""

from __future__ import annotations

import secrets

import pytest

from fixtures.platforms import Platforms, Variables
from fixtures.production import Production
from suites.readiness.t1_1_configuration.conftest import named

SECRETS = (
    "JWT_SECRET", "DB_PASSWORD", "REDIS_PASSWORD", "TPX_N8N_API_KEY", "SENDGRID_API_KEY", "TWILIO_AUTH_TOKEN", "SENTRY_DSN",
)  # fmt: skip
REQUIRED = (
    *SECRETS, "DB_HOST", "DB_NAME", "DB_USER", "DB_SSL", "FRONTEND_URL", "ADMIN_DASHBOARD_URL", "NEXT_PUBLIC_API_URL",
    "NEXT_PUBLIC_ENVIRONMENT", "EMAIL_FROM", "TWILIO_ACCOUNT_SID", "TWILIO_PHONE_NUMBER", "REDIS_HOST",
)  # fmt: skip
KEY = "JWT_SECRET"
KEY_CHARACTERS_MIN = 64
PLACEHOLDER = "change-me-before-you-deploy-this-somewhere-or-somebody-else-will-have-it"


def refused(platforms: Platforms, variables: Variables) -> list[str]:
    """The variables that the start is refused for; no output shows what a variable holds."""
    refusal = platforms.refused_start(variables)
    assert refusal.code != 0
    assert not [name for name in SECRETS if variables[name] and str(variables[name]) in refusal.output]
    return named(refusal)


@pytest.mark.proves("1.1.1.a")
@pytest.mark.parametrize("name", REQUIRED)
def test_production_does_not_start_without_a_required_variable(platforms: Platforms, production: Production, name: str) -> None:
    assert refused(platforms, production(**{name: None})) == [name]


@pytest.mark.proves("1.1.1.a")
@pytest.mark.parametrize(
    "weak",
    [
        "short",
        PLACEHOLDER,
        "ab12" * 20,
        "".join("0011223344"[::-1]) * 8,
    ],
    ids=["short", "default", "repeated", "few characters"],
)
def test_production_does_not_start_with_weak_secrets(platforms: Platforms, production: Production, weak: str) -> None:
    others = [name for name in SECRETS if name != KEY]
    assert set(refused(platforms, production(**dict.fromkeys(others, weak)))) == set(others)


@pytest.mark.proves("1.1.1.a")
def test_production_does_not_start_with_what_only_development_may_do(platforms: Platforms, production: Production) -> None:
    loose = production(
        DB_SSL="false",
        FRONTEND_URL="http://portal.example.test",
        NEXT_PUBLIC_API_URL="http://api.example.test",
        NEXT_PUBLIC_ENVIRONMENT="staging",
    )
    assert set(refused(platforms, loose)) == {"DB_SSL", "FRONTEND_URL", "NEXT_PUBLIC_API_URL", "NEXT_PUBLIC_ENVIRONMENT"}
    open_url = production(DATABASE_URL="postgresql://tpe@127.0.0.1/tpe?sslmode=prefer")
    assert refused(platforms, open_url) == ["DATABASE_URL"]
    everybody = production(TRUSTED_PROXIES="10.0.0.0/8, 0.0.0.0/0")
    assert refused(platforms, everybody) == ["TRUSTED_PROXIES"]


@pytest.mark.proves("1.1.1.a")
@pytest.mark.parametrize("password", ["short", "x" * 40])
def test_production_does_not_start_with_a_weak_password_in_its_address(
    platforms: Platforms, production: Production, password: str
) -> None:
    address = f"postgresql://tpe:{password}@127.0.0.1/tpe?sslmode=require"
    assert refused(platforms, production(DATABASE_URL=address)) == ["DATABASE_URL"]


@pytest.mark.proves("1.1.6.b")
@pytest.mark.parametrize(
    "key", [secrets.token_hex(KEY_CHARACTERS_MIN)[: KEY_CHARACTERS_MIN - 1], PLACEHOLDER, secrets.token_hex(4) * 8],
    ids=["short", "default", "repeated"],
)  # fmt: skip
def test_a_short_default_or_repeated_signing_key_stops_the_start(platforms: Platforms, production: Production, key: str) -> None:
    assert refused(platforms, production(JWT_SECRET=key)) == [KEY]


@pytest.mark.proves("1.1.6.b")
def test_a_signing_key_that_is_used_twice_stops_the_start(platforms: Platforms, production: Production) -> None:
    twice = secrets.token_hex(KEY_CHARACTERS_MIN)
    assert refused(platforms, production(JWT_SECRET=twice, JWT_SECRET_PREVIOUS=twice)) == ["JWT_SECRET_PREVIOUS"]
    assert refused(platforms, production(JWT_SECRET=twice, TPX_N8N_API_KEY=twice)) == ["TPX_N8N_API_KEY"]
