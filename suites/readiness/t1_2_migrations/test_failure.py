"""A migration that fails half-way leaves the schema as it was, and a backup from before it restores."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fixtures.platforms import Platforms
from suites.readiness.t1_2_migrations.states import empty, programs, run_program, schema, sums

MIGRATE = ("{python}", "-m", "tpe", "migrate")
HALF_WAY = "r0003"
"""Adds columns, then two tables; the second one finds its name taken."""
OBSTACLE = "CREATE TABLE lead_history (id int PRIMARY KEY)"
BEFORE = "r0002"
OLD_BUILD_READS = "SELECT id, engagement_stage, status FROM contractor_partner_matches WHERE partner_id = 1 LIMIT 5"
OLD_BUILD_WRITES = "UPDATE contractor_partner_matches SET engagement_stage = 'contacted' WHERE id = 1"


@pytest.fixture(scope="module")
def backed_up(seeded: str, platforms: Platforms, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The backup that a failing migration took first, and what the migration said."""
    from tpe.migrations import runner

    runner.downgrade(seeded, BEFORE)
    with psycopg.connect(seeded, autocommit=True) as connection:
        connection.execute(OBSTACLE)
    folder = tmp_path_factory.mktemp("backups")
    variables = {"TPE_PG_BIN": str(programs())}
    ended = platforms.command((*MIGRATE, "up", "--backup", str(folder)), seeded, variables)
    assert ended.code == 1, ended.output
    assert "lead_history" in ended.output, ended.output
    return next(folder.glob("*.dump")), ended.output


@pytest.mark.proves("1.2.6.a")
@pytest.mark.usefixtures("backed_up")
def test_a_migration_that_fails_half_way_leaves_the_schema_as_it_was(seeded: str) -> None:
    from tpe.migrations import runner

    after = schema(seeded)
    assert runner.current(seeded) == BEFORE
    with psycopg.connect(seeded, autocommit=True) as connection:
        assert len(connection.execute(OLD_BUILD_READS).fetchall()) == 5
        assert connection.execute(OLD_BUILD_WRITES).rowcount == 1
        connection.execute("DROP TABLE lead_history")
    untouched = schema(seeded)
    runner.upgrade(seeded, HALF_WAY)
    runner.downgrade(seeded, BEFORE)
    assert untouched == schema(seeded)
    assert "lead_notes" not in after


@pytest.mark.proves("1.2.6.a")
def test_the_backup_from_before_a_migration_restores_to_the_same_rows_and_schema(
    seeded: str, emptied: str, backed_up: tuple[Path, str]
) -> None:
    with psycopg.connect(emptied, autocommit=True) as connection:
        empty(connection)
    run_program("pg_restore", emptied, "--no-owner", "--exit-on-error", str(backed_up[0]))
    with psycopg.connect(emptied) as restored, psycopg.connect(seeded) as original:
        found, wanted = sums(restored), sums(original)
    del found["lead_history"], found["contractor_partner_matches"]["engagement_stage"]
    del wanted["contractor_partner_matches"]["engagement_stage"]
    wanted.pop("lead_history", None)
    assert found == wanted


@pytest.mark.proves("1.2.6.a")
def test_production_refuses_to_migrate_without_a_backup(platforms: Platforms, seeded: str) -> None:
    from tpe.migrations import runner

    before = runner.current(seeded)
    ended = platforms.command((*MIGRATE, "up"), make_conninfo(seeded, sslmode="require"), {"NODE_ENV": "production"})
    assert ended.code == 2, ended.output
    assert "--backup" in ended.output
    assert runner.current(seeded) == before
