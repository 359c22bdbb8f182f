"""Leads on a real database: everything a partner can do, in any order, against a model that is a plain list."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from suites.unit.database import Services
from tpe.admin.service import admin_dashboard
from tpe.auth.identity import Identity, Role
from tpe.infra.paging import LIMIT_MAX, Page, page_of
from tpe.leads import service
from tpe.leads.errors import LeadNotFoundError, StageRefusedError, StaleVersionError
from tpe.leads.lifecycle import CLOSED_STAGES, WorkState, apply_change
from tpe.leads.model import DASHBOARD_ROWS_MAX, Lead, LeadChange, LeadFilter, LeadPage, LeadStatus, Stage
from tpe.partners.errors import PartnerNotFoundError
from tpe.partners.service import partner_profile

PARTNER, OTHER = 2, 1
NOBODY = 10**9
AUTHOR = Identity(Role.PARTNER, PARTNER, "partner.two@example.test", "Some Supply", 1)
EVERY_STAGE = sorted(Stage)

FILTERS = st.builds(
    LeadFilter,
    engagement_stage=st.none() | st.sampled_from(EVERY_STAGE),
    status=st.none() | st.sampled_from(sorted(LeadStatus)),
    min_score=st.none() | st.integers(0, 100),
    max_score=st.none() | st.integers(0, 100),
    search=st.none() | st.sampled_from(["a", "E", "x@example.test", "Roofing", "s roof", "&", "%", "\\", "'; --", "nobody"]),
    primary_only=st.booleans(),
)
CHANGES = st.builds(
    LeadChange,
    engagement_stage=st.sampled_from(EVERY_STAGE),
    status=st.none() | st.sampled_from(sorted(LeadStatus)),
    set_follow_up=st.booleans(),
    next_follow_up=st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)
PLACES = st.integers(0, 10**6)


def admits(chosen: LeadFilter, lead: Lead) -> bool:
    """What a filter means, said once more in other words than SQL."""
    person = lead.contractor
    words = f"{person.name} {person.company_name}".lower().split()
    return (
        (chosen.engagement_stage in (None, lead.engagement_stage))
        and (chosen.status in (None, lead.status))
        and (chosen.min_score is None or lead.match_score >= chosen.min_score)
        and (chosen.max_score is None or lead.match_score <= chosen.max_score)
        and (lead.is_primary_match or not chosen.primary_only)
        and (
            not chosen.search
            or chosen.search.lower() == person.email
            or all(any(word.startswith(begun) for word in words) for begun in chosen.search.lower().split())
        )
    )


def one_page(services: Services, partner: int, chosen: LeadFilter, page: Page) -> LeadPage:
    return services.run(lambda: service.list_leads(services.db, partner, chosen, page))


def all_leads(services: Services, partner: int, chosen: LeadFilter = LeadFilter(), limit: int = LIMIT_MAX) -> list[Lead]:  # noqa: B008
    """Read every page."""
    first = one_page(services, partner, chosen, page_of(1, limit))
    pages = [first] + [one_page(services, partner, chosen, page_of(number, limit)) for number in range(2, first.total_pages + 1)]
    assert all(len(page.leads) <= limit and page.total == first.total for page in pages)
    found = [lead for page in pages for lead in page.leads]
    assert len(found) == first.total
    return found


class PortalOnPostgres(RuleBasedStateMachine):
    """A partner works its leads; the model is the list of them as they were last seen."""

    services: ClassVar[Services]

    def __init__(self) -> None:
        super().__init__()
        self.model = all_leads(self.services, PARTNER)
        self.touched: int | None = None

    def lead_at(self, place: int) -> tuple[int, Lead]:
        index = place % len(self.model)
        return index, self.model[index]

    def change(self, lead: Lead, change: LeadChange, version: int) -> Lead:
        return self.services.run(
            lambda: service.change_lead(self.services.db, PARTNER, lead.id, change, version=version, author=AUTHOR)
        )

    @rule(chosen=FILTERS, limit=st.integers(5, LIMIT_MAX))
    def lists_what_the_filter_admits_best_first(self, chosen: LeadFilter, limit: int) -> None:
        expected = sorted((lead for lead in self.model if admits(chosen, lead)), key=lambda lead: (-lead.match_score, -lead.id))
        assert all_leads(self.services, PARTNER, chosen, limit) == expected

    @rule(place=PLACES, change=CHANGES)
    def changes_a_lead(self, place: int, change: LeadChange) -> None:
        index, lead = self.lead_at(place)
        self.touched = index
        before = WorkState(lead.engagement_stage, lead.status, lead.last_contact, lead.next_follow_up)
        try:
            expected = apply_change(before, change, datetime.now(UTC))
        except StageRefusedError:
            with pytest.raises(StageRefusedError):
                self.change(lead, change, lead.version)
            return
        after = self.change(lead, change, lead.version)
        assert after.version == lead.version + 1
        assert (after.engagement_stage, after.status, after.next_follow_up) == (
            expected.engagement_stage,
            expected.status,
            expected.next_follow_up,
        )
        self.model[index] = after

    @rule(place=PLACES, change=CHANGES, behind=st.integers(1, 3))
    def refuses_a_version_that_is_not_the_current_one(self, place: int, change: LeadChange, behind: int) -> None:
        index, lead = self.lead_at(place)
        self.touched = index
        for version in (lead.version - behind, lead.version + behind):
            with pytest.raises(StaleVersionError):
                self.change(lead, change, version)

    @rule(
        place=PLACES,
        text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=50),
    )
    def keeps_a_note_as_it_was_written(self, place: int, text: str) -> None:
        index, lead = self.lead_at(place)
        self.touched = index
        note, after = self.services.run(
            lambda: service.add_note(self.services.db, PARTNER, lead.id, text, version=lead.version, author=AUTHOR)
        )
        assert (note.body, note.author_name, after.version) == (text, AUTHOR.name, lead.version + 1)
        detail = self.services.run(lambda: service.lead_detail(self.services.db, PARTNER, lead.id))
        assert detail.notes[0] == note
        self.model[index] = after

    @precondition(lambda self: self.touched is not None)
    @invariant()
    def the_lead_is_stored_as_the_model_has_it(self) -> None:
        assert self.touched is not None
        lead = self.model[self.touched]
        detail = self.services.run(lambda: service.lead_detail(self.services.db, PARTNER, lead.id))
        assert detail.lead == lead
        told = [change for change in detail.history if change.field == "engagement_stage"]
        assert (told[0].new_value if told else "new") == lead.engagement_stage

    @rule()
    def counts_what_there_is(self) -> None:
        stats = self.services.run(lambda: service.lead_stats(self.services.db, PARTNER))
        by_stage = Counter(lead.engagement_stage for lead in self.model)
        by_status = Counter(lead.status for lead in self.model)
        today = datetime.now(UTC).date()
        waiting = [lead for lead in self.model if lead.status is LeadStatus.ACTIVE and lead.engagement_stage not in CLOSED_STAGES]
        assert stats.total == len(self.model)
        assert stats.by_stage == {stage: by_stage[stage] for stage in Stage}
        assert stats.by_status == {status: by_status[status] for status in LeadStatus}
        assert stats.primary == sum(lead.is_primary_match for lead in self.model)
        assert stats.follow_ups_due == sum(lead.next_follow_up is not None and lead.next_follow_up <= today for lead in waiting)

    @rule()
    def shows_the_best_new_leads_and_the_next_follow_ups(self) -> None:
        dashboard = self.services.run(lambda: service.partner_dashboard(self.services.db, PARTNER))
        active = [lead for lead in self.model if lead.status is LeadStatus.ACTIVE]
        new = sorted(
            (lead for lead in active if lead.engagement_stage is Stage.NEW), key=lambda lead: (-lead.match_score, -lead.id)
        )
        waiting = [lead for lead in active if lead.next_follow_up and lead.engagement_stage not in CLOSED_STAGES]
        waiting.sort(key=lambda lead: (lead.next_follow_up or date.max, lead.id))
        assert list(dashboard.new_leads) == new[:DASHBOARD_ROWS_MAX]
        assert list(dashboard.follow_ups) == waiting[:DASHBOARD_ROWS_MAX]


def test_the_portal_behaves_as_a_plain_list_of_leads_would(services: Services) -> None:
    # No shrinking: the database keeps what earlier examples wrote, so a shorter example is not the same one.
    steps = settings(
        max_examples=25,
        stateful_step_count=25,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    PortalOnPostgres.services = services
    run_state_machine_as_test(PortalOnPostgres, settings=steps)


def another_partners_lead(services: Services) -> Lead:
    return all_leads(services, OTHER)[0]


@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_a_lead_that_is_not_ones_own_is_like_none(services: Services, whose: str) -> None:
    before = another_partners_lead(services)
    lead, version = (before.id, before.version) if whose == "another's" else (NOBODY, 1)
    change = LeadChange(Stage.LOST)
    attempts: list[Callable[[], Any]] = [
        lambda: service.lead_detail(services.db, PARTNER, lead),
        lambda: service.change_lead(services.db, PARTNER, lead, change, version=version, author=AUTHOR),
        lambda: service.add_note(services.db, PARTNER, lead, "mine?", version=version, author=AUTHOR),
    ]
    told = set()
    for attempt in attempts:
        with pytest.raises(LeadNotFoundError) as refusal:
            services.run(attempt)
        told.add(str(refusal.value))
    assert told == {LeadNotFoundError.default_message}
    assert another_partners_lead(services) == before


def test_of_many_writes_from_one_read_exactly_one_is_taken(services: Services) -> None:
    lead = all_leads(services, PARTNER)[-1]
    stage = Stage.CONTACTED

    async def write(day: int) -> Lead:
        change = LeadChange(stage, set_follow_up=True, next_follow_up=date(2031, 1, day))
        return await service.change_lead(services.db, PARTNER, lead.id, change, version=lead.version, author=AUTHOR)

    async def race() -> list[Lead | BaseException]:
        return await asyncio.gather(*(write(day) for day in range(1, 21)), return_exceptions=True)

    outcomes = services.run(race)
    taken = [outcome for outcome in outcomes if isinstance(outcome, Lead)]
    assert len(taken) == 1
    assert sum(isinstance(outcome, StaleVersionError) for outcome in outcomes) == 19
    detail = services.run(lambda: service.lead_detail(services.db, PARTNER, lead.id))
    assert detail.lead == taken[0]
    kept = [
        change.new_value for change in detail.history if change.field == "next_follow_up" and (change.new_value or "") > "2031"
    ]
    assert kept == [str(taken[0].next_follow_up)]


def test_a_refused_write_leaves_nothing_behind(services: Services) -> None:
    lead = next(lead for lead in all_leads(services, PARTNER) if lead.engagement_stage is not Stage.NEW)
    rows = services.value("SELECT count(*) FROM lead_history")
    with pytest.raises(StageRefusedError):
        services.run(
            lambda: service.change_lead(services.db, PARTNER, lead.id, LeadChange(Stage.NEW), version=lead.version, author=AUTHOR)
        )
    assert services.value("SELECT count(*) FROM lead_history") == rows
    assert services.run(lambda: service.lead_detail(services.db, PARTNER, lead.id)).lead == lead


def test_a_write_that_fails_half_way_leaves_nothing_behind(services: Services) -> None:
    lead = all_leads(services, PARTNER)[0]
    unstorable = replace(AUTHOR, name="NUL \x00 cannot be stored")
    change = LeadChange(Stage.NURTURING, set_follow_up=True, next_follow_up=date(2032, 1, 1))
    with pytest.raises(psycopg.DataError):
        services.run(lambda: service.change_lead(services.db, PARTNER, lead.id, change, version=lead.version, author=unstorable))
    assert services.run(lambda: service.lead_detail(services.db, PARTNER, lead.id)).lead == lead


def test_both_bounds_of_a_score_are_included(services: Services) -> None:
    leads = all_leads(services, PARTNER)
    score = leads[len(leads) // 2].match_score
    exactly = all_leads(services, PARTNER, LeadFilter(min_score=score, max_score=score))
    assert exactly == [lead for lead in leads if lead.match_score == score]
    assert all_leads(services, PARTNER, LeadFilter(max_score=0)) == []


def test_a_follow_up_is_due_from_its_day_on_while_the_lead_is_worked(services: Services) -> None:
    lead = next(lead for lead in all_leads(services, PARTNER) if lead.status is LeadStatus.ACTIVE)
    today = datetime.now(UTC).date()

    def due(day: date, stage: Stage = Stage.CONTACTED, status: LeadStatus = LeadStatus.ACTIVE) -> int:
        services.write(
            "UPDATE contractor_partner_matches SET next_follow_up = %(day)s, engagement_stage = %(stage)s, status = %(status)s "
            "WHERE id = %(id)s",
            day=day, stage=stage.value, status=status.value, id=lead.id,
        )  # fmt: skip
        return services.run(lambda: service.lead_stats(services.db, PARTNER)).follow_ups_due

    tomorrow = due(today + timedelta(days=1))
    assert due(today) == due(today - timedelta(days=1)) == tomorrow + 1
    assert due(today, stage=Stage.WON) == due(today, status=LeadStatus.PAUSED) == tomorrow


def test_a_partner_that_does_not_exist_is_said(services: Services) -> None:
    services.run(lambda: service.require_partner(services.db, PARTNER))
    with pytest.raises(PartnerNotFoundError):
        services.run(lambda: service.require_partner(services.db, NOBODY))
    with pytest.raises(PartnerNotFoundError):
        services.run(lambda: partner_profile(services.db, NOBODY))


def test_a_profile_holds_no_secret(services: Services) -> None:
    profile = asdict(services.run(lambda: partner_profile(services.db, PARTNER)))
    assert profile["email"] == "partner.two@example.test"
    assert not [name for name in profile if "password" in name or "hash" in name]


def test_the_admin_dashboard_agrees_with_the_tables(services: Services) -> None:
    found = services.run(lambda: admin_dashboard(services.db))
    assert found.leads == sum(found.by_stage.values()) == services.value("SELECT count(*) FROM contractor_partner_matches")
    assert found.partners == services.value("SELECT count(*) FROM partners")
    assert found.active_partners == services.value("SELECT count(*) FROM partners WHERE is_active") < found.partners
    assert found.contractors == services.value("SELECT count(*) FROM contractors")
    assert [rank.leads for rank in found.top_partners] == sorted((rank.leads for rank in found.top_partners), reverse=True)
    moments = [activity.created_at for activity in found.recent_activity]
    assert len(moments) == 10
