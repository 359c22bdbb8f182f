"""The database is found by the environment, and reached with TLS or not at all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from fixtures.platforms import Platforms
from fixtures.production import READY, Production, in_production
from harness.targets.live import LiveTarget

ALIVE = "/api/health/live"
SEEN_FOR_S = 4.0
"""Longer than the platform waits before it tries to connect again."""


def readiness(live: LiveTarget, for_s: float) -> set[int]:
    """Every status that readiness has within some seconds."""
    deadline, seen = time.monotonic() + for_s, set()
    with live.client() as http:
        while time.monotonic() < deadline:
            seen.add(http.get(READY).status_code)
            time.sleep(0.2)
    return seen


@pytest.mark.proves("1.1.5.b")
def test_a_database_without_tls_is_refused_where_tls_is_required(platforms: Platforms) -> None:
    with platforms.database() as dsn:
        parts = conninfo_to_dict(dsn)
        where = {
            "DATABASE_URL": None,
            "DB_HOST": str(parts["host"]),
            "DB_PORT": str(parts["port"]),
            "DB_NAME": str(parts["dbname"]),
            "DB_USER": str(parts["user"]),
            "DB_PASSWORD": str(parts.get("password") or "") or None,
        }
        with platforms.lives({**where, "DB_SSL": "false"}, ALIVE) as plain:
            assert 200 in readiness(plain, SEEN_FOR_S)
        with platforms.lives({**where, "DB_SSL": "true"}, ALIVE) as strict:
            assert readiness(strict, SEEN_FOR_S) == {503}


@pytest.mark.proves("1.1.5.b")
@pytest.mark.parametrize(
    "words", [("migrate", "up", "--without-backup"), ("migrate", "check"), ("seed",)], ids=lambda words: words[0]
)
def test_no_command_works_on_a_production_database_without_tls(
    platforms: Platforms, reference_source: Path, words: tuple[str, ...]
) -> None:
    del reference_source
    with platforms.database() as dsn:
        ended = platforms.command(("{python}", "-m", "tpe", *words), dsn, {"NODE_ENV": "production"})
    assert ended.code == 2
    assert "DATABASE_URL: must have sslmode=require, or better, in production" in ended.output


@pytest.mark.slow
@pytest.mark.proves("1.1.5.a")
def test_production_serves_from_a_database_that_takes_tls_only(
    platforms: Platforms, production: Production, tmp_path: Path
) -> None:
    with in_production(platforms, production, tmp_path) as (live, server):
        kind = live.target.objects[0]
        role = live.target.role(kind.role)
        with live.client(live.sign_in(role, role.users[0])) as http:
            assert http.get(kind.list_path).status_code == 200
        with server.connect() as connection:
            query = "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'tpe'"
            encrypted = [row[0] for row in connection.execute(query).fetchall()]
        assert encrypted
        assert all(encrypted)
