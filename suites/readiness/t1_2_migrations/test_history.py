"""Schema changes are versioned, ordered, recorded in the database and described."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from fixtures.platforms import Platforms

MIGRATE = ("{python}", "-m", "tpe", "migrate")
WORDS_MIN = 12
"""A reason takes a sentence."""

DRIFTS = {
    "a default": "ALTER TABLE contractor_partner_matches ALTER COLUMN status SET DEFAULT 'paused'",
    "a check": "ALTER TABLE contractor_partner_matches DROP CONSTRAINT matches_score_range",
    "a check that was never validated": "ALTER TABLE partners ADD CONSTRAINT extra CHECK (id > 0) NOT VALID",
    "a view": "CREATE VIEW every_partner AS SELECT * FROM partners",
    "a grant": "GRANT SELECT ON partners TO PUBLIC",
    "a grant on a column": "GRANT SELECT (password_hash) ON partners TO PUBLIC",
    "a grant on a function": "GRANT EXECUTE ON FUNCTION lead_search_words TO pg_monitor",
    "an index": "DROP INDEX matches_partner_score",
    "a column": "ALTER TABLE partners ADD COLUMN extra text",
    "a type": "ALTER TABLE partners ALTER COLUMN phone TYPE varchar(40)",
    "a null": "ALTER TABLE partners ALTER COLUMN phone DROP NOT NULL",
    "a trigger that is off": "ALTER TABLE contractor_partner_matches DISABLE TRIGGER USER",
    "a function": "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
}


@pytest.mark.proves("1.2.1.a")
def test_an_empty_database_goes_to_the_newest_revision_and_equals_the_model(platforms: Platforms, emptied: str) -> None:
    up = platforms.command((*MIGRATE, "up"), emptied)
    assert up.code == 0, up.output
    check = platforms.command((*MIGRATE, "check"), emptied)
    assert (check.code, "no drift" in check.output) == (0, True), check.output
    with psycopg.connect(emptied) as connection:
        recorded = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        statement = (
            "SELECT column_name, data_type, column_default FROM information_schema.columns"
            " WHERE table_name = 'contractor_partner_matches' AND column_name IN ('engagement_stage', 'status') ORDER BY 1"
        )
        columns = connection.execute(statement).fetchall()
    assert [(name,) for name in up.output.split()] == recorded
    assert columns == [("engagement_stage", "text", "'new'::text"), ("status", "text", "'active'::text")]


@pytest.mark.proves("1.2.1.a")
def test_seeding_leaves_the_schema_as_the_revisions_made_it(platforms: Platforms, seeded: str) -> None:
    check = platforms.command((*MIGRATE, "check"), seeded)
    assert (check.code, "no drift" in check.output) == (0, True), check.output


@pytest.mark.proves("1.2.1.a")
@pytest.mark.parametrize("statement", DRIFTS.values(), ids=DRIFTS.keys())
def test_a_change_by_hand_is_seen_as_drift(statement: str, seeded: str) -> None:
    from tpe.migrations.schema import differences, model, read_schema

    with psycopg.connect(seeded) as connection:
        connection.execute(statement.encode())
        assert differences(model(), read_schema(connection))
        connection.rollback()
        assert not differences(model(), read_schema(connection))


@pytest.mark.proves("1.2.2.a")
def test_the_history_lists_every_revision_in_order_with_its_reason(platforms: Platforms, reference_source: Path) -> None:
    listed = platforms.command((*MIGRATE, "history"))
    assert listed.code == 0, listed.output
    reasons: dict[str, list[str]] = {}
    for line in listed.output.splitlines():
        if not line.startswith(" "):
            reasons[line.split()[0]] = []
        reasons[list(reasons)[-1]] += line.split()
    files = sorted(path.name.partition("_")[0] for path in (reference_source / "migrations" / "versions").glob("r*.py"))
    assert list(reasons) == files
    assert not [revision for revision, words in reasons.items() if len(words) < WORDS_MIN]
