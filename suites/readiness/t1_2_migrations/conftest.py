"""Databases for the checks of migrations: one seeded and one emptied clone, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fixtures.platforms import Platforms
from suites.readiness.t1_2_migrations.states import empty


@pytest.fixture(scope="module")
def seeded(platforms: Platforms, reference_source: Path) -> Iterator[str]:
    """The address of a seeded database at the newest revision."""
    del reference_source
    with platforms.database("migrations") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def emptied(platforms: Platforms, reference_source: Path) -> Iterator[str]:
    """The address of a database that holds nothing."""
    del reference_source
    with platforms.database("empty") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            empty(connection)
        yield dsn
