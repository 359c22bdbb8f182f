"""Tables that are brought back to what they held."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer
from harness.witness.rewinding import Kept, brought_back

SCHEMA = """
CREATE TABLE owners (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE pots (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner_id int NOT NULL REFERENCES owners ON DELETE CASCADE,
    cents bigint NOT NULL, twice bigint GENERATED ALWAYS AS (cents * 2) STORED, note jsonb);
INSERT INTO owners (name) VALUES ('ann'), ('ben');
INSERT INTO pots (owner_id, cents, note) VALUES (1, 100, '{"a": 1}'), (1, 50, NULL), (2, 7, '[]');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$;
"""
ROWS = "SELECT id, owner_id, cents, twice, note::text FROM pots ORDER BY id"


@pytest.fixture
def pots(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    server.create("pots")
    with psycopg.connect(server.access.admin_dsn("pots"), autocommit=True) as connection:
        connection.execute(SCHEMA)
        yield connection
    server.drop("pots")


def test_what_was_changed_added_and_deleted_is_as_it_was(pots: psycopg.Connection) -> None:
    before = pots.execute(ROWS).fetchall()
    kept = Kept.everything(pots)
    pots.execute("UPDATE pots SET cents = 1 WHERE id = 1")
    pots.execute("INSERT INTO pots (owner_id, cents) VALUES (2, 9)")
    pots.execute("DELETE FROM owners WHERE id = 2")
    pots.execute("CREATE TRIGGER never BEFORE INSERT OR UPDATE OR DELETE ON pots EXECUTE FUNCTION refuse()")
    assert brought_back(kept, ["pots", "owners"])
    assert pots.execute(ROWS).fetchall() == before
    assert pots.execute("SELECT count(*) FROM owners").fetchone() == (2,)


def test_only_the_named_tables_are_brought_back(pots: psycopg.Connection) -> None:
    kept = Kept.everything(pots)
    pots.execute("UPDATE pots SET cents = 1")
    pots.execute("UPDATE owners SET name = 'eve'")
    assert brought_back(kept, ["pots"])
    assert pots.execute("SELECT DISTINCT name FROM owners").fetchall() == [("eve",)]
    assert pots.execute("SELECT sum(cents) FROM pots").fetchone() == (157,)


def test_sums_are_of_the_rows_that_were_there_and_of_no_key(pots: psycopg.Connection) -> None:
    kept = Kept(pots, ["pots"])
    pots.execute("INSERT INTO pots (owner_id, cents) VALUES (2, 1000)")
    pots.execute("UPDATE pots SET cents = cents + 1 WHERE id = 3")
    assert kept.sums() == {("pots", "cents"): Decimal(158), ("pots", "twice"): Decimal(316)}


def test_who_may_not_write_so_is_told_and_nothing_is_changed(pots: psycopg.Connection, server: EmbeddedServer) -> None:
    pots.execute("GRANT ALL ON pots TO PUBLIC")
    with psycopg.connect(server.dsn("pots"), autocommit=True) as ordinary:
        kept = Kept(ordinary, ["pots"])
        pots.execute("UPDATE pots SET cents = 1")
        assert not brought_back(kept, ["pots"])
    assert pots.execute("SELECT sum(cents) FROM pots").fetchone() == (3,)
