"""On a million leads, a hundred thousand of them one partner's, every list reads what it shows, and every index is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from fixtures.platforms import Platforms
from harness.targets.live import LiveTarget
from suites.readiness.t1_2_migrations.states import empty
from suites.readiness.t4_performance.plans import executed, rows_read, sequential

pytestmark = pytest.mark.slow

SEED_S_MAX = 500
ROWS_READ_MAX = 10_500
"""The window and the total stop at 10,000; a page's own rows are read once more with their contractors."""
LARGE_ROWS = 50_000
PARTNER = 1
LEADS = "/api/partner-portal/leads"

SINGLE: dict[str, dict[str, str]] = {
    "nothing": {},
    "a frequent stage": {"engagement_stage": "new"},
    "a rare stage": {"engagement_stage": "lost"},
    "a frequent status": {"status": "active"},
    "a rare status": {"status": "archived"},
    "a low score": {"min_score": "10"},
    "a high score": {"min_score": "97"},
    "a score at most": {"max_score": "45"},
    "primary leads": {"primary_only": "true"},
}
SEARCHES: dict[str, dict[str, str]] = {
    "a name": {"search": "smith"},
    "a frequent word": {"search": "roofing"},
    "a letter": {"search": "s"},
    "an e-mail": {"search": "contractor.one@example.test"},
    "nothing that is there": {"search": "zzzz"},
}
COMBINED: dict[str, dict[str, str]] = {
    "stage and status": {"engagement_stage": "new", "status": "archived"},
    "stage and score": {"engagement_stage": "won", "min_score": "80"},
    "status and score": {"status": "paused", "max_score": "60"},
    "stage and search": {"engagement_stage": "contacted", "search": "roofing"},
    "score and search": {"min_score": "90", "search": "roofing"},
}
DEEPEST = {"page": "100", "limit": "100"}


@pytest.fixture(scope="module")
def large(platforms: Platforms, reference_source: object) -> Iterator[str]:
    """The address of a database of the size `large`."""
    del reference_source
    with platforms.database("large") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            empty(connection)
        password = {platforms.target.password_variable: platforms.arena.plan.password}
        for words in (platforms.target.commands.migrate, ("{python}", "-m", "tpe", "seed", "--size", "large")):
            ended = platforms.command(words, dsn, password, timeout_s=SEED_S_MAX)
            assert ended.code == 0, ended.output
        yield dsn


def read_by(connection: psycopg.Connection[Any], asked: dict[str, str]) -> float:
    """The rows that a page and its total read together."""
    from tpe.infra.paging import page_of
    from tpe.leads import queries
    from tpe.leads.model import LeadFilter, LeadStatus, Stage
    from tpe.leads.service import filter_values

    chosen = LeadFilter(
        Stage(asked["engagement_stage"]) if "engagement_stage" in asked else None,
        LeadStatus(asked["status"]) if "status" in asked else None,
        int(asked["min_score"]) if "min_score" in asked else None,
        int(asked["max_score"]) if "max_score" in asked else None,
        asked.get("search"),
        "primary_only" in asked,
    )
    values = filter_values(PARTNER, chosen, page_of(int(asked.get("page", 1)), int(asked.get("limit", 20))))
    return max(
        rows_read(executed(connection, statement, values))
        for statement in (queries.leads_page(chosen), queries.leads_total(chosen))
    )


FIRST_PAGES = {**SINGLE, **SEARCHES, **COMBINED}
LAST_PAGES = {f"the last page of {name}": {**asked, **DEEPEST} for name, asked in SINGLE.items()}


@pytest.mark.proves("4.1.7.a")
@pytest.mark.parametrize("asked", [*FIRST_PAGES.values(), *LAST_PAGES.values()], ids=[*FIRST_PAGES, *LAST_PAGES])
def test_a_page_of_a_hundred_thousand_leads_reads_no_more_rows_than_its_window(large: str, asked: dict[str, str]) -> None:
    with psycopg.connect(large, autocommit=True) as connection:
        connection.execute("SET plan_cache_mode = force_custom_plan")
        held = connection.execute("SELECT sum(leads) FROM lead_counts WHERE partner_id = %s", (PARTNER,)).fetchone()
        assert held is not None
        assert held[0] == 100_000, "with few leads nothing could be read too much"
        assert read_by(connection, asked) <= ROWS_READ_MAX


@pytest.mark.proves("4.1.7.a")
def test_the_counts_of_a_hundred_thousand_leads_read_few_rows(large: str) -> None:
    from tpe.infra.paging import TOTAL_MAX
    from tpe.leads import queries

    values = {"partner_id": PARTNER, "total_max": TOTAL_MAX, "rows_max": 5}
    statements = (queries.STATS_OF_PARTNER, queries.FOLLOW_UPS_DUE, queries.NEW_LEADS, queries.FOLLOW_UPS)
    with psycopg.connect(large, autocommit=True) as connection:
        assert sum(rows_read(executed(connection, statement, values)) for statement in statements) <= ROWS_READ_MAX


def use(live: LiveTarget) -> None:
    """What users do: every list with every filter, details, writes."""
    for role in live.target.roles:
        if role.name not in ("partner", "admin"):
            continue
        with live.client(live.sign_in(role, role.users[0])) as http:
            whose = {} if role.name == "partner" else {"partner_id": str(PARTNER)}
            for asked in FIRST_PAGES.values():
                assert http.get(LEADS, params={**asked, **whose}).status_code == 200
            for path in (f"{LEADS}/stats", "/api/partner-portal/dashboard"):
                assert http.get(path, params=whose).status_code == 200
            if role.name == "admin":
                for path in ("/api/admin/dashboard", "/api/contractors", "/api/contractors?search=roofing"):
                    assert http.get(path).status_code == 200
                continue
            first = http.get(LEADS).json()["leads"][0]["id"]
            lead = http.get(f"{LEADS}/{first}")
            assert lead.status_code == 200
            noted = http.post(f"{LEADS}/{first}/notes", json={"body": "Called."}, headers={"If-Match": lead.headers["etag"]})
            assert noted.status_code == 201


Scans = dict[str, int]


def scans(dsn: str, kind: str) -> Scans:
    """How often the server read each table from end to end (`seq`), or each index (`idx`), since it counts."""
    statement = {
        "seq": "SELECT relname, seq_scan FROM pg_stat_user_tables",
        "idx": "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes",
    }[kind]
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute(statement.encode()).fetchall())


@pytest.fixture(scope="module")
def used(platforms: Platforms, large: str) -> dict[str, Scans]:
    """What the use of the platform read, by kind of scan."""
    before = {kind: scans(large, kind) for kind in ("seq", "idx")}
    with platforms.on(large) as live:
        use(live)
    return {kind: {name: count - before[kind][name] for name, count in scans(large, kind).items()} for kind in before}


def large_of(dsn: str, statement: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {name for (name,) in connection.execute(statement.encode(), (LARGE_ROWS,)).fetchall()}


@pytest.mark.proves("4.1.3.a", "4.3.2.a")
def test_no_large_table_was_read_from_end_to_end(large: str, used: dict[str, Scans]) -> None:
    tables = large_of(large, "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s")
    assert "contractor_partner_matches" in tables
    assert not {table: used["seq"][table] for table in tables if used["seq"].get(table)}


@pytest.mark.proves("4.3.2.a")
def test_no_index_of_a_large_table_is_unused_or_doubled(large: str, used: dict[str, Scans]) -> None:
    indexes = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace AND t.reltuples > %s AND NOT i.indisunique"""
    doubled = """
SELECT a.indexrelid::regclass::text, b.indexrelid::regclass::text FROM pg_index a JOIN pg_index b
    ON a.indrelid = b.indrelid AND a.indexrelid < b.indexrelid AND a.indkey = b.indkey AND a.indoption = b.indoption
    AND a.indpred::text IS NOT DISTINCT FROM b.indpred::text AND a.indexprs::text IS NOT DISTINCT FROM b.indexprs::text"""
    named = large_of(large, indexes)
    assert named
    assert not {index for index in named if not used["idx"][index]}
    with psycopg.connect(large) as connection:
        assert connection.execute(doubled).fetchall() == []


def test_a_missing_index_would_be_seen(large: str) -> None:
    statement = "SELECT count(*) FROM contractors c WHERE c.city = %(city)s"
    with psycopg.connect(large, autocommit=True) as connection:
        plan = executed(connection, statement, {"city": "Nowhere"})
    assert sequential(plan) == {"contractors"}
    assert rows_read(plan) > ROWS_READ_MAX
