"""One embedded server for the tests that only use one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer, open_embedded

TABLES = """
CREATE TABLE leads (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO leads SELECT n, 'lead ' || n FROM generate_series(1, 100) AS n;
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with open_embedded(tmp_path_factory.mktemp("server")) as opened:
        yield opened


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """A frozen database with 100 leads, which the target's role owns."""
    with psycopg.connect(server.create("leads_template")) as connection:
        connection.execute(TABLES)
    server.freeze("leads_template")
    return "leads_template"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "database"
