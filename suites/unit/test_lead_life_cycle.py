"""A lead's life cycle, example by example and as a state machine against a model of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from tpe.infra.paging import LIMIT_MAX, page_of
from tpe.leads.errors import StageRefusedError
from tpe.leads.lifecycle import CLOSED_STAGES, CONTACT_STAGES, FieldChange, WorkState, allowed_stages, apply_change, differences
from tpe.leads.model import LeadChange, LeadStatus, Stage

START = datetime(2026, 1, 1, tzinfo=UTC)
FRESH = WorkState(Stage.NEW, LeadStatus.ACTIVE, None, None)
DAY = date(2026, 3, 1)

DATES = st.dates(date(2026, 1, 1), date(2027, 1, 1))
CHANGES = st.builds(
    LeadChange,
    engagement_stage=st.sampled_from(Stage),
    status=st.none() | st.sampled_from(LeadStatus),
    set_follow_up=st.booleans(),
    next_follow_up=st.none() | DATES,
)


def test_a_new_lead_may_stay_new_or_become_anything() -> None:
    assert set(allowed_stages(Stage.NEW)) == set(Stage)


@pytest.mark.parametrize("current", [stage for stage in Stage if stage is not Stage.NEW])
def test_a_worked_lead_may_become_anything_but_new(current: Stage) -> None:
    assert set(allowed_stages(current)) == set(Stage) - {Stage.NEW}


def test_becoming_new_again_is_refused_by_name() -> None:
    worked = apply_change(FRESH, LeadChange(Stage.CONTACTED), START)
    with pytest.raises(StageRefusedError, match="contacted cannot become new"):
        apply_change(worked, LeadChange(Stage.NEW), START)


@pytest.mark.parametrize("stage", sorted(CONTACT_STAGES))
def test_reaching_a_stage_of_conversation_stamps_the_last_contact(stage: Stage) -> None:
    assert apply_change(FRESH, LeadChange(stage), START).last_contact == START


@pytest.mark.parametrize("stage", sorted(set(Stage) - CONTACT_STAGES))
def test_other_stages_leave_the_last_contact(stage: Stage) -> None:
    assert apply_change(FRESH, LeadChange(stage), START).last_contact is None


def test_staying_in_a_stage_is_no_new_contact() -> None:
    contacted = apply_change(FRESH, LeadChange(Stage.CONTACTED), START)
    later = apply_change(contacted, LeadChange(Stage.CONTACTED, status=LeadStatus.PAUSED), START + timedelta(days=1))
    assert (later.last_contact, later.status) == (START, LeadStatus.PAUSED)


@pytest.mark.parametrize("stage", sorted(CLOSED_STAGES))
def test_closing_clears_the_follow_up_unless_it_sets_one(stage: Stage) -> None:
    planned = apply_change(FRESH, LeadChange(Stage.CONTACTED, set_follow_up=True, next_follow_up=DAY), START)
    assert apply_change(planned, LeadChange(stage), START).next_follow_up is None
    kept = LeadChange(stage, set_follow_up=True, next_follow_up=DAY + timedelta(days=1))
    assert apply_change(planned, kept, START).next_follow_up == DAY + timedelta(days=1)


def test_an_absent_follow_up_stays_and_a_null_one_clears() -> None:
    planned = apply_change(FRESH, LeadChange(Stage.CONTACTED, set_follow_up=True, next_follow_up=DAY), START)
    assert apply_change(planned, LeadChange(Stage.NEGOTIATING), START).next_follow_up == DAY
    assert apply_change(planned, LeadChange(Stage.NEGOTIATING, set_follow_up=True), START).next_follow_up is None


def test_the_history_names_what_changed_and_only_that() -> None:
    after = apply_change(FRESH, LeadChange(Stage.WON, set_follow_up=True, next_follow_up=DAY), START)
    assert differences(FRESH, after) == (
        FieldChange("engagement_stage", "new", "won"),
        FieldChange("next_follow_up", None, "2026-03-01"),
    )
    assert differences(after, after) == ()


class LeadsOfAPartner(RuleBasedStateMachine):
    """Leads are worked in any order while their list is read in pages.

    The model knows of each lead what was last asked of it and replays its history; the real functions must agree.
    """

    leads = Bundle("leads")

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[int, WorkState] = {}
        self.histories: dict[int, list[FieldChange]] = {}
        self.clock = START

    @initialize(target=leads, count=st.integers(1, 8))
    def some_leads(self, count: int) -> object:
        for lead in range(count):
            self.states[lead], self.histories[lead] = FRESH, []
        return multiple(*range(count))

    @rule(target=leads)
    def another_lead(self) -> int:
        lead = len(self.states)
        self.states[lead], self.histories[lead] = FRESH, []
        return lead

    @rule(lead=leads, change=CHANGES)
    def work(self, lead: int, change: LeadChange) -> None:
        before = self.states[lead]
        self.clock += timedelta(minutes=1)
        if change.engagement_stage is Stage.NEW and before.engagement_stage is not Stage.NEW:
            with pytest.raises(StageRefusedError):
                apply_change(before, change, self.clock)
            return
        after = apply_change(before, change, self.clock)
        assert after.engagement_stage is change.engagement_stage
        assert after.status is (change.status or before.status)
        if change.set_follow_up:
            assert after.next_follow_up == change.next_follow_up
        assert after.last_contact in (before.last_contact, self.clock)
        self.histories[lead] += differences(before, after)
        self.states[lead] = after

    @rule(lead=consumes(leads), target=leads)
    def close(self, lead: int) -> int:
        self.work(lead, LeadChange(Stage.LOST))
        return lead

    @rule(limit=st.integers(1, LIMIT_MAX), stage=st.none() | st.sampled_from(Stage))
    def read_all_pages(self, limit: int, stage: Stage | None) -> None:
        chosen = [lead for lead, state in self.states.items() if stage in (None, state.engagement_stage)]
        pages = page_of(1, limit).pages_for(len(chosen))
        read: list[int] = []
        for number in range(1, pages + 1):
            page = page_of(number, limit)
            rows = chosen[page.offset : page.offset + page.limit]
            assert 0 < len(rows) <= limit
            read += rows
        assert read == chosen
        assert chosen[page_of(pages + 1, limit).offset :] == []

    @invariant()
    def the_history_tells_the_state(self) -> None:
        for lead, state in self.states.items():
            told: dict[str, str | None] = {"engagement_stage": "new", "status": "active", "next_follow_up": None}
            for change in self.histories[lead]:
                assert told[change.field] == change.old_value
                told[change.field] = change.new_value
            follow_up = state.next_follow_up.isoformat() if state.next_follow_up else None
            assert told == {"engagement_stage": state.engagement_stage, "status": state.status, "next_follow_up": follow_up}

    @invariant()
    def only_untouched_leads_are_new(self) -> None:
        for lead, state in self.states.items():
            moved = any(change.field == "engagement_stage" for change in self.histories[lead])
            assert (state.engagement_stage is Stage.NEW) is not moved


LeadsOfAPartner.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLeadsOfAPartner = LeadsOfAPartner.TestCase
