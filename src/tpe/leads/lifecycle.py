"""The life cycle of a lead: which stages may follow, and what a change sets. Pure; the service stores what this decides.

A lead is ``new`` until its partner first works it and never again afterwards; every other stage may follow every stage
(deals come back from won, lost and nurturing). Reaching a stage that takes a conversation stamps the last contact.
Closing a lead (won, lost) clears its next follow-up unless the same change sets one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from tpe.leads.errors import StageRefusedError
from tpe.leads.model import LeadChange, LeadStatus, Stage

CLOSED_STAGES: Final = frozenset({Stage.WON, Stage.LOST})
CONTACT_STAGES: Final = frozenset({Stage.CONTACTED, Stage.MEETING_SCHEDULED, Stage.PROPOSAL_SENT, Stage.NEGOTIATING})
"""Stages that are reached by talking to the contractor."""


@dataclass(frozen=True, slots=True)
class WorkState:
    """The members of a lead that its partner's work changes."""

    engagement_stage: Stage
    status: LeadStatus
    last_contact: datetime | None
    next_follow_up: date | None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One member that a change altered, as the text that the history keeps."""

    field: str
    old_value: str | None
    new_value: str | None


def allowed_stages(current: Stage) -> tuple[Stage, ...]:
    """Give the stages that a lead in ``current`` may be set to, ``current`` itself included, in their usual order."""
    return tuple(stage for stage in Stage if stage is not Stage.NEW or current is Stage.NEW)


def apply_change(state: WorkState, change: LeadChange, now: datetime) -> WorkState:
    """Give the state after ``change``; StageRefusedError when the life cycle does not allow its stage."""
    stage = change.engagement_stage
    if stage not in allowed_stages(state.engagement_stage):
        raise StageRefusedError(f"A lead in stage {state.engagement_stage} cannot become {stage} again.")
    moved = stage is not state.engagement_stage
    follow_up = change.next_follow_up if change.set_follow_up else state.next_follow_up
    if moved and stage in CLOSED_STAGES and not change.set_follow_up:
        follow_up = None
    return replace(
        state,
        engagement_stage=stage,
        status=change.status or state.status,
        last_contact=now if moved and stage in CONTACT_STAGES else state.last_contact,
        next_follow_up=follow_up,
    )


def differences(before: WorkState, after: WorkState) -> tuple[FieldChange, ...]:
    """Give what the history records of a change: stage, status and follow-up, where they differ."""
    pairs: tuple[tuple[str, str | None, str | None], ...] = (
        ("engagement_stage", before.engagement_stage.value, after.engagement_stage.value),
        ("status", before.status.value, after.status.value),
        ("next_follow_up", _text(before.next_follow_up), _text(after.next_follow_up)),
    )
    return tuple(FieldChange(name, old, new) for name, old, new in pairs if old != new)


def _text(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
