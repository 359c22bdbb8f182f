"""Adding up what the database counted, and composing the statements of the list."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.admin.model import Activity, PartnerRank
from tpe.admin.service import StageRow, Totals, collect_dashboard
from tpe.leads import queries
from tpe.leads.model import LeadFilter, LeadStatus, Stage
from tpe.leads.service import words_query
from tpe.leads.stats import StatsRow, collect_stats

ROWS = st.lists(
    st.builds(
        StatsRow,
        engagement_stage=st.sampled_from([stage.value for stage in Stage]),
        status=st.sampled_from([status.value for status in LeadStatus]),
        leads=st.integers(1, 1000),
        primary_leads=st.integers(0, 1000),
        score_sum=st.integers(0, 100_000),
    ),
    max_size=24,
)


@given(rows=ROWS, due=st.integers(0, 1000))
def test_stages_and_statuses_each_add_up_to_the_total(rows: list[StatsRow], due: int) -> None:
    stats = collect_stats(rows, due)
    assert sum(stats.by_stage.values()) == sum(stats.by_status.values()) == stats.total == sum(row.leads for row in rows)
    assert set(stats.by_stage) == set(Stage)
    assert set(stats.by_status) == set(LeadStatus)
    assert stats.primary == sum(row.primary_leads for row in rows)
    assert stats.follow_ups_due == due


def test_a_partner_without_leads_has_zeros_and_no_average() -> None:
    stats = collect_stats([], 0)
    assert (stats.total, stats.average_score, set(stats.by_stage.values())) == (0, None, {0})


def test_the_average_weighs_each_lead_once() -> None:
    rows = [StatsRow("new", "active", 1, 0, 100), StatsRow("won", "active", 3, 0, 150)]
    assert collect_stats(rows, 0).average_score == 62.5


def test_the_admin_dashboard_adds_up_its_stages() -> None:
    totals = Totals(partners=3, active_partners=2, contractors=9)
    found = collect_dashboard(totals, [StageRow("new", 4, 200), StageRow("won", 1, 100)], [PartnerRank(1, "A", 5, 1)], [])
    assert (found.leads, found.average_score, found.by_stage[Stage.NEW], found.by_stage[Stage.LOST]) == (5, 60.0, 4, 0)
    assert (found.partners, found.active_partners, found.contractors) == (3, 2, 9)
    assert found.top_partners == (PartnerRank(1, "A", 5, 1),)


def test_an_empty_platform_has_a_dashboard() -> None:
    activity: list[Activity] = []
    found = collect_dashboard(Totals(0, 0, 0), [], [], activity)
    assert (found.leads, found.average_score, found.recent_activity) == (0, None, ())


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("smith", "'7/smith':*"),
        (" Smith  roof ", "'7/Smith':* & '7/roof':*"),
        ("a|b:*", "'7/a|b:*':*"),
        ("back\\slash", "'7/back\\\\slash':*"),
        ("o'neil", "'7/o''neil':*"),
        ("'; --", "'7/'';':* & '7/--':*"),
    ],
)
def test_a_search_takes_every_character_literally(text: str, query: str) -> None:
    assert words_query(7, text) == query


HOSTILE = "'; DROP TABLE partners; --"


def test_what_is_searched_never_stands_in_a_statement() -> None:
    chosen = LeadFilter(search=HOSTILE)
    assert HOSTILE not in queries.leads_page(chosen) + queries.leads_total(chosen)


@pytest.mark.parametrize(
    ("chosen", "condition"),
    [
        (LeadFilter(engagement_stage=Stage.WON), "m.engagement_stage = %(engagement_stage)s"),
        (LeadFilter(status=LeadStatus.ACTIVE), "m.status = %(status)s"),
        (LeadFilter(min_score=0), "m.match_score >= %(min_score)s"),
        (LeadFilter(max_score=0), "m.match_score <= %(max_score)s"),
        (LeadFilter(search="x"), "m.search_words @@ lower(%(words)s)::tsquery"),
        (LeadFilter(search="x@y"), "m.contractor_id = (SELECT c.id FROM contractors c WHERE c.email = lower(%(email)s))"),
        (LeadFilter(primary_only=True), "m.is_primary_match"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_filter_adds_its_condition_to_page_and_total(chosen: LeadFilter, condition: str) -> None:
    plain = queries.leads_total(LeadFilter())
    assert f"AND {condition}" in queries.leads_page(chosen)
    assert f"AND {condition}" in queries.leads_total(replace(chosen, min_score=chosen.min_score or 0))
    assert condition not in plain


def test_every_list_carries_the_owner_and_a_bound() -> None:
    everything = LeadFilter(Stage.WON, LeadStatus.ACTIVE, 1, 99, "x", primary_only=True)
    for chosen in (LeadFilter(), everything):
        page, total = queries.leads_page(chosen), queries.leads_total(chosen)
        assert "m.partner_id = %(partner_id)s" in page
        assert "m.partner_id = %(partner_id)s" in total
        assert "LIMIT %(limit)s OFFSET %(offset)s" in page
        assert "%(total_max)s" in total


@pytest.mark.parametrize(
    "chosen", [LeadFilter(), LeadFilter(Stage.NEW), LeadFilter(Stage.NEW, LeadStatus.PAUSED, primary_only=True)]
)
def test_totals_by_stage_status_and_primary_come_from_the_counts_kept(chosen: LeadFilter) -> None:
    assert "FROM lead_counts" in queries.leads_total(chosen)
    assert "FROM contractor_partner_matches" in queries.leads_total(replace(chosen, max_score=50))
    assert "FROM contractor_partner_matches" in queries.leads_total(replace(chosen, search="x"))
