"""Variables that the platform starts with in production, their secrets made for this run."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

import pytest

from fixtures.platforms import Ended

Production = Callable[..., dict[str, str | None]]


@pytest.fixture(scope="session")
def production() -> Production:
    """Gives variables that production takes, with these changes; `None` takes one away."""
    sound: dict[str, str | None] = {
        "NODE_ENV": "production",
        "NEXT_PUBLIC_ENVIRONMENT": "production",
        "DATABASE_URL": None,
        "DB_HOST": "127.0.0.1",
        "DB_NAME": "tpe",
        "DB_USER": "tpe",
        "DB_PASSWORD": secrets.token_hex(16),
        "DB_SSL": "true",
        "JWT_SECRET": secrets.token_hex(32),
        "FRONTEND_URL": "https://portal.example.test",
        "ADMIN_DASHBOARD_URL": "https://admin.example.test",
        "NEXT_PUBLIC_API_URL": "https://api.example.test",
        "EMAIL_FROM": "hello@example.test",
        "TPX_N8N_API_KEY": secrets.token_hex(16),
        "TEXT_MESSAGES": "off",
        "SENDGRID_API_KEY": secrets.token_hex(16),
        "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_PHONE_NUMBER": "+15550100100",
        "SENTRY_DSN": f"https://{secrets.token_hex(16)}@errors.power100.test/1",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PASSWORD": secrets.token_hex(16),
    }
    return lambda **changes: {**sound, **changes}


def named(refusal: Ended) -> list[str]:
    """The variables that a refused start names."""
    return re.findall(r"^  ([A-Z][A-Z0-9_]+): ", refusal.output, re.MULTILINE)
