"""Migrations are tried on a copy of staging size, under live traffic, and hold nobody up longer than their budget."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from fixtures.platforms import Platforms
from harness.evidence.records import Recorder
from suites.readiness.t1_2_migrations.traffic import Traffic

STAGING_SIZE = "medium"
"""100,000 leads."""
BLOCKED_MS_MAX = 500
"""No statement of the live traffic waits for a migration's lock longer than this."""
HELD_S = 1.5
"""How long a forgotten transaction keeps its locks while a migration wants them."""
PROGRAM_TIMEOUT_S = 60
EXCLUDED = ("prefer-text-field", "prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-robust-stmts")
"""Rules of taste, and one for migrations that run outside of a transaction: here these drop first what a failed try left."""


@pytest.fixture(scope="module")
def staging(emptied: str, platforms: Platforms) -> str:
    """The address of a database of staging size at the newest revision."""
    from tpe.migrations import runner
    from tpe.seed.load import seed_database

    runner.upgrade(emptied)
    seed_database(emptied, size=STAGING_SIZE, seed=1, password=platforms.arena.plan.password)
    return emptied


@pytest.mark.slow
@pytest.mark.proves("1.2.4.a", "1.2.4.b", "1.2.5.a", "1.2.5.b")
def test_no_revision_holds_up_live_traffic_longer_than_its_budget(staging: str, record: Recorder) -> None:
    from tpe.migrations import runner

    revisions = ["base", *(item.revision for item in runner.history())]
    runner.downgrade(staging, revisions[1])
    took: dict[str, str] = {}
    late: list[str] = []
    with Traffic(staging) as traffic:
        ways = [("up", name) for name in revisions[2:]] + [("down", name) for name in revisions[-2:0:-1]]
        for way, revision in ways:
            traffic.look()
            begun = time.monotonic()
            (runner.upgrade if way == "up" else runner.downgrade)(staging, revision)
            duration_ms, seen = (time.monotonic() - begun) * 1000, traffic.look()
            blocked_ms, step = seen.blocked_s * 1000, f"{way} to {revision}"
            took[step] = f"{duration_ms:.0f} ms, blocked {blocked_ms:.0f} ms, {seen.statements} served"
            if seen.errors or blocked_ms > BLOCKED_MS_MAX:
                late.append(f"{step}: {took[step]} {seen.errors[:1]}")
    record.progress("; ".join(f"{name}: {text}" for name, text in took.items()))
    assert any(not text.endswith(" 0 served") for text in took.values()), "there was no traffic that could have been held up"
    assert not late, f"over {BLOCKED_MS_MAX} ms: {'; '.join(late)}"


@pytest.mark.proves("1.2.5.a", "1.2.5.b")
def test_a_migration_behind_a_forgotten_transaction_lets_the_traffic_pass(seeded: str) -> None:
    from tpe.migrations import runner

    runner.downgrade(seeded, "r0001")
    with psycopg.connect(seeded) as forgotten, Traffic(seeded) as traffic:
        forgotten.execute("SELECT count(*) FROM contractor_partner_matches")
        timer = threading.Timer(HELD_S, forgotten.rollback)
        timer.start()
        begun = time.monotonic()
        runner.upgrade(seeded, "r0002")
        waited_s, seen = time.monotonic() - begun, traffic.look()
        timer.join()
    runner.upgrade(seeded)
    assert waited_s >= HELD_S - 0.5, "the migration was not held up, so this says nothing"
    assert seen.blocked_s * 1000 <= BLOCKED_MS_MAX
    assert not seen.errors


def unsafe(folder: Path, name: str, statements: str) -> list[str]:
    """What the linter says of some SQL; it is only asked about SQL that holds a statement, as it passes an empty file."""
    assert ";" in statements, f"{name} has no statement"
    file = folder / f"{name}.sql"
    file.write_text(statements, encoding="utf-8")
    command = [str(Path(sys.executable).parent / "squawk"), "--pg-version", "15.0", "--reporter", "json"]
    command += [word for rule in EXCLUDED for word in ("--exclude", rule)]
    done = subprocess.run([*command, str(file)], capture_output=True, text=True, timeout=PROGRAM_TIMEOUT_S, check=False)
    found = json.loads(done.stdout or "[]")
    assert done.returncode == (1 if found else 0), f"the linter ended with {done.returncode}: {done.stderr[-300:]}"
    return [f"{item['rule_name']} at line {item['line']}" for item in found]


@pytest.mark.proves("1.2.5.c")
def test_the_linter_refuses_no_statement_of_any_revision(reference_source: Path, tmp_path: Path) -> None:
    from tpe.migrations import runner

    del reference_source
    said = {item.revision: unsafe(tmp_path, item.revision, runner.upgrade_sql(item.revision)) for item in runner.history()}
    assert not {revision: items for revision, items in said.items() if items}


@pytest.mark.proves("1.2.5.c")
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX slow ON partners (phone);",
        "ALTER TABLE partners ALTER COLUMN id TYPE numeric;",
        "ALTER TABLE partners ALTER COLUMN website SET NOT NULL;",
    ],
)
def test_the_linter_refuses_what_holds_up_traffic(statement: str, tmp_path: Path) -> None:
    limits = "SET lock_timeout = '300ms'; SET statement_timeout = '60s';"
    assert unsafe(tmp_path, "unsafe", f"{limits}\n{statement}")
