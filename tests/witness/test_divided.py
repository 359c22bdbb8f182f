"""A condition that no index serves, though each of its columns has one."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer
from harness.witness.indexes import is_divided
from harness.witness.plans import Scan

SCHEMA = """
CREATE TABLE papers (id serial PRIMARY KEY, owner_id int, uploaded_by int, title text);
CREATE INDEX papers_owner ON papers (owner_id, id);
CREATE INDEX papers_uploader ON papers (uploaded_by);
"""


@pytest.fixture(scope="module")
def papers(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.create("papers"), autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection
    server.drop("papers")


@pytest.mark.parametrize(
    ("condition", "divided"),
    [
        ("((uploaded_by = 5) OR (ANY (owner_id = (hashed SubPlan 2).col1)))", True),
        ("((uploaded_by = 5) OR (title = 'a'::text))", False),
        ("(owner_id = 5)", False),
        ("((uploaded_by = 5) AND (owner_id = 6))", False),
    ],
)
def test_an_or_of_indexed_columns_is_no_missing_index(papers: psycopg.Connection, condition: str, divided: bool) -> None:
    assert is_divided(papers, Scan("papers", "Seq Scan", 80, 12_000, 1, condition)) is divided
