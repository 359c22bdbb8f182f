"""Counts and words that are kept beside the leads are those of the leads, whoever writes at the same moment."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.errors import UniqueViolation

from fixtures.platforms import Platforms

WRITERS = 6
WRITES_EACH = 60
STAGES = ("new", "contacted", "meeting_scheduled", "won", "lost")
STATUSES = ("active", "paused", "archived")

WRONG_COUNTS = """
WITH counted AS (
    SELECT partner_id, engagement_stage, status, count(*) AS leads, count(*) FILTER (WHERE is_primary_match) AS primary_leads,
           sum(match_score) AS score_sum
    FROM contractor_partner_matches GROUP BY 1, 2, 3
)
SELECT * FROM counted FULL JOIN lead_counts k USING (partner_id, engagement_stage, status)
WHERE (coalesce(counted.leads, 0), coalesce(counted.primary_leads, 0), coalesce(counted.score_sum, 0))
    IS DISTINCT FROM (coalesce(k.leads, 0), coalesce(k.primary_leads, 0), coalesce(k.score_sum, 0))
"""
WRONG_WORDS = """
SELECT m.id FROM contractor_partner_matches m JOIN contractors c ON c.id = m.contractor_id
WHERE m.search_words IS DISTINCT FROM lead_search_words(m.partner_id, c.name, c.company_name)
"""


def write(dsn: str, seed: int, begin: threading.Barrier) -> int:
    """Moves, adds, takes away and renames at random; gives how many writes went through."""
    chance, done = random.Random(seed), 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        begin.wait()
        for number in range(WRITES_EACH):
            try:
                done += once(connection, chance, number % 4)
            except UniqueViolation:
                continue
    return done


def once(connection: psycopg.Connection[tuple[object, ...]], chance: random.Random, kind: int) -> int:
    first = chance.randint(1, 500)
    values = {
        "first": first,
        "last": first + chance.randint(0, 20),
        "stage": chance.choice(STAGES),
        "status": chance.choice(STATUSES),
        "partner": chance.randint(1, 8),
        "name": f"Name {chance.randint(1, 10**6)}",
    }
    statements = (
        "UPDATE contractor_partner_matches SET engagement_stage = %(stage)s, status = %(status)s"
        " WHERE id IN (SELECT id FROM contractor_partner_matches WHERE id BETWEEN %(first)s AND %(last)s ORDER BY id FOR UPDATE)",
        "INSERT INTO contractor_partner_matches (contractor_id, partner_id, match_score) VALUES (%(first)s, %(partner)s, 50)",
        "DELETE FROM contractor_partner_matches WHERE id = %(first)s",
        "UPDATE contractors SET name = %(name)s WHERE id = %(first)s",
    )
    return connection.execute(statements[kind], values).rowcount


@pytest.mark.usefixtures("reference_source")
def test_counts_and_words_are_right_after_many_writers_at_once(platforms: Platforms) -> None:
    with platforms.database("counts") as dsn:
        with psycopg.connect(dsn) as connection:
            assert connection.execute(WRONG_COUNTS).fetchall() == []
            assert connection.execute(WRONG_WORDS).fetchall() == []
        begin = threading.Barrier(WRITERS)
        with ThreadPoolExecutor(WRITERS) as writers:
            done = list(writers.map(write, [dsn] * WRITERS, range(WRITERS), [begin] * WRITERS))
        assert min(done) > WRITES_EACH // 4
        with psycopg.connect(dsn) as connection:
            assert connection.execute(WRONG_COUNTS).fetchall() == []
            assert connection.execute(WRONG_WORDS).fetchall() == []
