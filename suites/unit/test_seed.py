"""Invented data: the same for the same number, shared out as stated, and harmless."""

from __future__ import annotations

import re
import secrets
from collections import Counter

import numpy as np
import pytest

from tpe.leads.model import LeadStatus, Stage
from tpe.seed.copytext import ROWS_PER_CHUNK, Table, always, days, numbers, times
from tpe.seed.generator import CLOSED, STAGES, STATUSES, TABLES, Hashes, generate, pair_up
from tpe.seed.plan import DEMO_ADMINS, DEMO_PARTNERS, SIZES, Size, leads_per_partner
from tpe.seed.values import draw_pools

TINY, SMALL = SIZES["tiny"], SIZES["small"]
HASHES = Hashes(demo="demo-hash", other="other-hash")


def tables(size: Size = SMALL, seed: int = 1, hashes: Hashes = HASHES) -> dict[str, Table]:
    return {table.name: table for table in generate(size, seed, hashes)}


@pytest.fixture(scope="module")
def small() -> dict[str, Table]:
    return tables()


def lines(table: Table) -> list[str]:
    return b"".join(table.chunks()).decode().splitlines()


def texts(size: Size, seed: int, hashes: Hashes = HASHES) -> dict[str, list[str]]:
    return {name: lines(table) for name, table in tables(size, seed, hashes).items()}


def column(table: Table, name: str) -> list[str]:
    index = table.columns.index(name)
    return [line.split("\t")[index] for line in lines(table)]


def test_the_same_number_gives_the_same_rows() -> None:
    assert texts(TINY, 7) == texts(TINY, 7)


def test_another_number_gives_other_rows() -> None:
    assert texts(TINY, 7)["contractors"] != texts(TINY, 8)["contractors"]


def test_only_the_hashes_differ_between_runs_of_one_number() -> None:
    first, second = texts(TINY, 7), texts(TINY, 7, Hashes(*(secrets.token_hex(4) for _ in range(2))))
    different = {name for name in first if first[name] != second[name]}
    assert different == {"partners", "admin_users", "contractors"}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_every_lead_is_shared_out(name: str) -> None:
    size = SIZES[name]
    shares = leads_per_partner(size)
    assert (len(shares), sum(shares), min(shares) > 0) == (size.partners, size.leads, True)
    assert shares[0] * 10 == size.leads
    assert shares[1] == min(size.leads // 20, 300)
    assert shares[2:] == sorted(shares[2:], reverse=True)
    assert size.contractors <= size.leads <= 2 * size.contractors


def test_a_size_tells_its_counts() -> None:
    assert SMALL.description == "small = 1,000 leads of 600 contractors with 25 partners"


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_matched_twice_with_the_same_partner(seed: int) -> None:
    contractors, partners, primary = pair_up(TINY, np.random.default_rng(seed))
    pairs = Counter(zip(contractors.tolist(), partners.tolist(), strict=True))
    assert max(pairs.values()) == 1
    assert Counter(partners.tolist()) == dict(enumerate(leads_per_partner(TINY), start=1))
    assert sorted(contractors[primary].tolist()) == list(range(1, TINY.contractors + 1))


def test_leads_that_cannot_be_shared_out_are_an_error() -> None:
    with pytest.raises(ArithmeticError, match="same partner twice"):
        pair_up(Size("impossible", leads=20, partners=3, contractors=10), np.random.default_rng(1))


def test_the_tables_hold_the_counts_of_the_size(small: dict[str, Table]) -> None:
    counts = {name: len(lines(table)) for name, table in small.items()}
    assert counts["partners"] == SMALL.partners
    assert counts["contractors"] == SMALL.contractors
    assert counts["contractor_partner_matches"] == SMALL.leads
    assert counts["admin_users"] == len(DEMO_ADMINS)
    assert 0 < counts["lead_notes"] < counts["lead_history"] < SMALL.leads


def test_every_line_has_every_column(small: dict[str, Table]) -> None:
    assert tuple(small) == TABLES
    for table in small.values():
        assert {line.count("\t") + 1 for line in lines(table)} == {len(table.columns)}
    for table in (table for name, table in small.items() if name != "lead_counts"):
        assert column(table, "id") == [str(number) for number in range(1, len(table) + 1)]


def test_the_demo_accounts_are_the_first_and_active(small: dict[str, Table]) -> None:
    partners = small["partners"]
    assert tuple(column(partners, "email")[:2]) == DEMO_PARTNERS
    assert column(partners, "password_hash")[:3] == ["demo-hash", "demo-hash", "other-hash"]
    assert column(partners, "is_active")[:2] == ["t", "t"]
    assert "f" in column(partners, "is_active")
    assert tuple(column(small["admin_users"], "email")) == DEMO_ADMINS


def test_all_of_it_is_invented(small: dict[str, Table]) -> None:
    for name in ("partners", "contractors", "admin_users"):
        emails = column(small[name], "email")
        assert all(email.endswith("@example.test") and email == email.lower() for email in emails)
        assert len(set(emails)) == len(emails)
    numbers = column(small["contractors"], "phone") + column(small["partners"], "phone")
    assert all(re.fullmatch(r"\+1 [2-9][0-9]{2} 555 01[0-9]{2}", number) for number in numbers)
    assert all(site.endswith(".example.test") for site in column(small["partners"], "website"))


def test_stages_and_statuses_are_those_of_the_platform(small: dict[str, Table]) -> None:
    leads = small["contractor_partner_matches"]
    assert tuple(Stage) == STAGES
    assert tuple(LeadStatus) == STATUSES
    assert set(column(leads, "engagement_stage")) == set(Stage)
    assert {STAGES[index] for index in CLOSED} == {Stage.WON, Stage.LOST}


def test_a_lead_agrees_with_itself(small: dict[str, Table]) -> None:
    leads = small["contractor_partner_matches"]
    moved = set(column(small["lead_history"], "match_id"))
    noted = set(column(small["lead_notes"], "match_id"))
    names = ("id", "engagement_stage", "last_contact_at", "next_follow_up", "version", "created_at", "updated_at", "match_score")
    for lead, stage, contact, follow_up, version, created, updated, score in zip(
        *(column(leads, name) for name in names), strict=True
    ):
        assert (stage == "new") is (lead not in moved)
        assert int(version) == 1 + (lead in moved) + (lead in noted)
        assert created <= updated
        assert 40 <= int(score) <= 100
        if stage in ("new", "won", "lost"):
            assert follow_up == r"\N"
        assert (contact == r"\N") is (stage in ("new", "won", "lost", "nurturing"))


def test_the_counts_are_those_of_the_leads(small: dict[str, Table]) -> None:
    matches, counts = small["contractor_partner_matches"], small["lead_counts"]
    leads = [column(matches, name) for name in ("partner_id", "engagement_stage", "status", "is_primary_match", "match_score")]
    expected: dict[tuple[str, ...], list[int]] = {}
    for *key, primary, score in zip(*leads, strict=True):
        found = expected.setdefault(tuple(key), [0, 0, 0])
        found[:] = [found[0] + 1, found[1] + (primary == "t"), found[2] + int(score)]
    kept = zip(*(column(counts, name) for name in counts.columns), strict=True)
    assert {row[:3]: [int(number) for number in row[3:]] for row in kept} == expected


def test_the_history_is_written_by_the_leads_own_partner(small: dict[str, Table]) -> None:
    owners = dict(
        zip(
            column(small["contractor_partner_matches"], "id"),
            column(small["contractor_partner_matches"], "partner_id"),
            strict=True,
        )
    )
    for name in ("lead_history", "lead_notes"):
        table = small[name]
        assert all(
            owners[lead] == author for lead, author in zip(column(table, "match_id"), column(table, "author_id"), strict=True)
        )


def test_no_pooled_value_breaks_the_copy_format() -> None:
    pools = draw_pools(3)
    texts = [
        *pools.first_names,
        *pools.last_names,
        *pools.notes,
        *pools.reason_arrays,
        *(part for place in pools.places for part in place),
    ]
    assert not [text for text in texts if not text or set(text) & set("\t\n\r\\")]


def test_no_value_of_time_is_left_to_the_clock(small: dict[str, Table]) -> None:
    dated = {name: table for name, table in small.items() if name != "lead_counts"}
    for name, table in dated.items():
        assert max(column(table, "created_at")) <= "2026-06-30T12:00:00Z", name


def test_numbers_are_written_without_leading_zeros() -> None:
    values = [0, 1, 9, 10, 99, 100, 101, 1_000, 65_535]
    table = Table("t", ("n",), ((numbers(np.array(values)),),))
    assert lines(table) == [str(value) for value in values]


def test_moments_and_days_are_written_to_the_second_and_nothing_as_null() -> None:
    moments = np.array(["2026-02-28T23:59:59", "2026-03-01T00:00:00", "2026-03-01T12:34:56"], dtype="datetime64[s]")
    there = np.array([True, True, False])
    table = Table("t", ("at", "day"), (times(moments, there), (days(moments, there),)))
    assert lines(table) == ["2026-02-28T23:59:59Z\t2026-02-28", "2026-03-01T00:00:00Z\t2026-03-01", "\\N\t\\N"]


def test_a_table_of_many_chunks_is_one_text() -> None:
    count = 2 * ROWS_PER_CHUNK + 1
    table = Table("t", ("id", "kind"), ((numbers(np.arange(count)),), (always("x", count),)))
    sizes = [chunk.count(b"\n") for chunk in table.chunks()]
    assert sizes == [ROWS_PER_CHUNK, ROWS_PER_CHUNK, 1]
    assert lines(table)[-1] == f"{count - 1}\tx"
