"""Every revision goes down to exactly the schema before it, keeps the rows, and comes up again."""

from __future__ import annotations

import psycopg
import pytest

from suites.readiness.t1_2_migrations.states import Sums, common, schema, sums


def rows(dsn: str) -> Sums:
    with psycopg.connect(dsn) as connection:
        return sums(connection)


@pytest.mark.proves("1.2.3.a")
def test_every_revision_goes_down_to_the_schema_before_it_and_keeps_the_rows(seeded: str) -> None:
    from tpe.migrations import runner

    revisions = ["base", *(item.revision for item in runner.history())]
    schema_before, rows_before = {revisions[-1]: schema(seeded)}, {revisions[-1]: rows(seeded)}
    assert rows_before[revisions[-1]]["contractor_partner_matches"]["id"][0] > 0
    for above, revision in zip(revisions[:0:-1], revisions[-2::-1], strict=True):
        runner.downgrade(seeded, revision)
        schema_before[revision], rows_before[revision] = schema(seeded), rows(seeded)
        kept, had = common(rows_before[revision], rows_before[above])
        assert kept == had, f"{above} changes rows on its way down"
    assert rows_before["base"] == {}
    for revision in revisions[1:]:
        runner.upgrade(seeded, revision)
        assert schema(seeded) == schema_before[revision], f"the way down to {revision} left another schema than the way up makes"
