"""Changing many leads with one request: each is changed, or reported, for itself.

All leads are read and locked by one statement, in the order of their ids, so that two such requests never wait for each
other; the changes and their history are one statement each, in the same transaction. A lead that is not the partner's, was
written since its version, or may not become that stage is left as it is and reported; the others are changed all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from tpe.auth.identity import Identity
from tpe.infra.db import Connection, Database, execute, fetch_all
from tpe.leads import queries
from tpe.leads.errors import StageRefusedError
from tpe.leads.lifecycle import FieldChange, WorkState, apply_change, differences
from tpe.leads.model import Lead, LeadChange
from tpe.leads.rows import LeadRow, author_values

BULK_LEADS_MAX: Final = 100
"""As many as a page of the list has at most."""


class Outcome(StrEnum):
    """What became of one lead of a request."""

    CHANGED = "changed"
    NOT_FOUND = "not_found"
    STALE = "stale"
    STAGE_REFUSED = "stage_refused"


@dataclass(frozen=True, slots=True)
class ReadLead:
    """A lead and the version of it that the caller read."""

    id: int
    version: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a lead, and its version now; None when there is no such lead for this partner."""

    id: int
    outcome: Outcome
    version: int | None


@dataclass(frozen=True, slots=True)
class _Change:
    lead: Lead
    after: WorkState
    fields: tuple[FieldChange, ...]


async def change_leads(
    db: Database, partner_id: int, wanted: Sequence[ReadLead], change: LeadChange, *, author: Identity
) -> tuple[Result, ...]:
    """Set stage, status and follow-up of at most BULK_LEADS_MAX leads; give what became of each, in the order asked."""
    now = datetime.now(UTC)
    async with db.transaction() as connection:
        values = {"partner_id": partner_id, "lead_ids": [lead.id for lead in wanted]}
        rows = await fetch_all(connection, LeadRow, queries.LEADS_TO_CHANGE, values)
        leads = {row.id: row.lead() for row in rows}
        decided = [_decide(leads.get(read.id), read, change, now) for read in wanted]
        await _write(connection, partner_id, [made for _, made in decided if made is not None], author)
    return tuple(result for result, _ in decided)


def _decide(lead: Lead | None, read: ReadLead, change: LeadChange, now: datetime) -> tuple[Result, _Change | None]:
    if lead is None:
        return Result(read.id, Outcome.NOT_FOUND, None), None
    if lead.version != read.version:
        return Result(lead.id, Outcome.STALE, lead.version), None
    before = WorkState(lead.engagement_stage, lead.status, lead.last_contact, lead.next_follow_up)
    try:
        after = apply_change(before, change, now)
    except StageRefusedError:
        return Result(lead.id, Outcome.STAGE_REFUSED, lead.version), None
    return Result(lead.id, Outcome.CHANGED, lead.version + 1), _Change(lead, after, differences(before, after))


async def _write(connection: Connection, partner_id: int, changes: Sequence[_Change], author: Identity) -> None:
    if not changes:
        return
    await execute(connection, queries.CHANGE_LEADS, {"partner_id": partner_id, **_states(changes)})
    fields = [(change.lead.id, field, change.lead.version + 1) for change in changes for field in change.fields]
    if not fields:
        return
    history = {
        "lead_ids": [lead_id for lead_id, _, _ in fields],
        "fields": [field.field for _, field, _ in fields],
        "old_values": [field.old_value for _, field, _ in fields],
        "new_values": [field.new_value for _, field, _ in fields],
        "versions": [version for _, _, version in fields],
        **author_values(author),
    }
    await execute(connection, queries.ADD_HISTORY_OF_LEADS, history)


def _states(changes: Sequence[_Change]) -> dict[str, list[Any]]:
    return {
        "lead_ids": [change.lead.id for change in changes],
        "engagement_stages": [change.after.engagement_stage.value for change in changes],
        "statuses": [change.after.status.value for change in changes],
        "last_contacts": [change.after.last_contact for change in changes],
        "next_follow_ups": [change.after.next_follow_up for change in changes],
    }
