"""Many leads at once on a real database: one change for all, the export, a partner's profile."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import anyio
import pytest

from suites.unit.database import Services
from tpe.auth.identity import Identity, Role
from tpe.infra import db
from tpe.infra.paging import page_of
from tpe.infra.problems import PreconditionFailedError, UnavailableError
from tpe.leads.bulk import Outcome, ReadLead, Result, change_leads
from tpe.leads.export import BATCH_ROWS, COLUMNS, export_leads
from tpe.leads.model import Lead, LeadChange, LeadFilter, LeadStatus, Stage
from tpe.leads.service import lead_detail, list_leads
from tpe.matching.model import Need, Revenue, Trade
from tpe.partners.errors import PartnerNotFoundError
from tpe.partners.model import Partner, PartnerProfile
from tpe.partners.service import change_partner_profile, partner_profile

PARTNER, OTHER, NOBODY = 3, 1, 9_000_000_000
AUTHOR = Identity(Role.PARTNER, PARTNER, "office3@example.test", "Some Supply", 1)
PROFILE = PartnerProfile(
    company_name="Some Supply",
    contact_name="Ann",
    phone="+1 202 555 0150",
    website="https://some.example.test",
    states=("NV", "WA"),
    trades=(Trade.SOLAR,),
    needs=(Need.TOOLS,),
    revenues=(Revenue.UNDER_2M,),
)
FILTERS = (LeadFilter(), LeadFilter(min_score=80), LeadFilter(primary_only=True, status=LeadStatus.ACTIVE))


def leads_of(services: Services, partner: int, count: int, stage: Stage = Stage.NEW) -> tuple[Lead, ...]:
    page = page_of(1, count)
    found = services.run(
        lambda: list_leads(services.db, partner, LeadFilter(engagement_stage=stage, status=LeadStatus.ACTIVE), page)
    ).leads
    assert len(found) == count
    return found


def change(services: Services, wanted: Sequence[ReadLead], change: LeadChange) -> tuple[Result, ...]:
    return services.run(lambda: change_leads(services.db, PARTNER, wanted, change, author=AUTHOR))


def read(leads: Sequence[Lead]) -> list[ReadLead]:
    return [ReadLead(lead.id, lead.version) for lead in leads]


def test_every_lead_is_changed_and_its_history_tells(services: Services) -> None:
    leads = leads_of(services, PARTNER, 3)
    day = date(2030, 1, 5)
    results = change(services, read(leads), LeadChange(Stage.CONTACTED, LeadStatus.PAUSED, True, day))
    assert results == tuple(Result(lead.id, Outcome.CHANGED, lead.version + 1) for lead in leads)
    for lead in leads:
        detail = services.run(lambda lead=lead: lead_detail(services.db, PARTNER, lead.id))
        now = detail.lead
        assert (now.engagement_stage, now.status, now.next_follow_up) == (Stage.CONTACTED, LeadStatus.PAUSED, day)
        assert now.version == lead.version + 1
        assert now.last_contact is not None
        assert {(entry.field, entry.new_value, entry.version, entry.author_name) for entry in detail.history[:3]} == {
            ("engagement_stage", "contacted", now.version, "Some Supply"),
            ("status", "paused", now.version, "Some Supply"),
            ("next_follow_up", "2030-01-05", now.version, "Some Supply"),
        }


def test_what_cannot_be_changed_is_reported_and_the_rest_is_changed(services: Services) -> None:
    mine, stale, won = leads_of(services, PARTNER, 3)
    foreign = leads_of(services, OTHER, 1)[0]
    change(services, [ReadLead(won.id, won.version)], LeadChange(Stage.WON))
    wanted = [
        ReadLead(foreign.id, foreign.version),
        ReadLead(stale.id, stale.version + 1),
        ReadLead(won.id, won.version + 1),
        ReadLead(mine.id, mine.version),
        ReadLead(NOBODY, 1),
    ]
    assert change(services, wanted, LeadChange(Stage.NEW, LeadStatus.PAUSED)) == (
        Result(foreign.id, Outcome.NOT_FOUND, None),
        Result(stale.id, Outcome.STALE, stale.version),
        Result(won.id, Outcome.STAGE_REFUSED, won.version + 1),
        Result(mine.id, Outcome.CHANGED, mine.version + 1),
        Result(NOBODY, Outcome.NOT_FOUND, None),
    )
    untouched = services.run(lambda: lead_detail(services.db, OTHER, foreign.id)).lead
    assert (untouched.version, untouched.status) == (foreign.version, foreign.status)


def test_when_nothing_can_be_changed_nothing_is(services: Services) -> None:
    assert change(services, [ReadLead(NOBODY, 1)], LeadChange(Stage.WON)) == (Result(NOBODY, Outcome.NOT_FOUND, None),)


def test_two_such_requests_at_once_lose_no_change_and_do_not_block_each_other(services: Services) -> None:
    leads = read(leads_of(services, PARTNER, 8))
    outcomes: list[Outcome] = []

    async def one(wanted: Sequence[ReadLead], stage: Stage) -> None:
        results = await change_leads(services.db, PARTNER, wanted, LeadChange(stage), author=AUTHOR)
        outcomes.extend(result.outcome for result in results)

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(one, leads, Stage.CONTACTED)
            group.start_soon(one, leads[::-1], Stage.LOST)

    services.run(both)
    assert sorted(outcomes) == [Outcome.CHANGED] * 8 + [Outcome.STALE] * 8


# -------------------------------------------------------------------------------------------------------------------- export


def exported(services: Services, partner: int, chosen: LeadFilter) -> list[dict[str, str]]:
    async def whole() -> str:
        return "".join([part async for part in await export_leads(services.db, partner, chosen)])

    return list(csv.DictReader(io.StringIO(services.run(whole), newline="")))


@pytest.mark.parametrize(
    "chosen", [LeadFilter(), LeadFilter(min_score=80), LeadFilter(primary_only=True, status=LeadStatus.ACTIVE)]
)
def test_the_file_has_what_the_list_has_in_its_order(services: Services, chosen: LeadFilter) -> None:
    listed = services.run(lambda: list_leads(services.db, PARTNER, chosen, page_of(1, 100)))
    rows = exported(services, PARTNER, chosen)
    assert len(rows) == listed.total > 0
    assert [int(row["id"]) for row in rows[:100]] == [lead.id for lead in listed.leads]
    assert rows[0]["email"] == listed.leads[0].contractor.email
    assert tuple(rows[0]) == COLUMNS


def test_a_file_longer_than_a_batch_has_every_lead_once(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = exported(services, PARTNER, LeadFilter())
    assert 7 < len(whole) < BATCH_ROWS
    monkeypatch.setattr("tpe.leads.export.BATCH_ROWS", 7)
    assert exported(services, PARTNER, LeadFilter()) == whole
    monkeypatch.setattr("tpe.leads.export.EXPORT_ROWS_MAX", 14)
    assert exported(services, PARTNER, LeadFilter()) == whole[:14]


def test_nothing_to_export_is_a_file_with_its_heading(services: Services) -> None:
    assert exported(services, PARTNER, LeadFilter(search="nobody has this name")) == []


def test_an_export_whose_database_is_away_is_refused_before_it_begins(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CHECKOUT_TIMEOUT_S", 0.3)

    async def ask() -> None:
        database = db.Database(f"postgresql://nobody@127.0.0.1:{closed_port}/none", size_max=1)
        await database.open()
        try:
            await export_leads(database, PARTNER, LeadFilter())
        finally:
            await database.close()

    with pytest.raises(UnavailableError):
        anyio.run(ask)


# ------------------------------------------------------------------------------------------------------------------- profile


def save(services: Services, profile: PartnerProfile, version: int, partner: int = PARTNER) -> Partner:
    return services.run(lambda: change_partner_profile(services.db, partner, profile, version=version))


def test_a_partners_profile_is_kept_as_it_was_written_and_an_outdated_write_is_refused(services: Services) -> None:
    before = services.run(lambda: partner_profile(services.db, PARTNER))
    written = save(services, PROFILE, before.version)
    assert PartnerProfile.of(written) == PROFILE
    assert (written.version, written.email) == (before.version + 1, before.email)
    assert services.run(lambda: partner_profile(services.db, PARTNER)) == written
    with pytest.raises(PreconditionFailedError):
        save(services, replace(PROFILE, contact_name="Other"), before.version)
    assert services.run(lambda: partner_profile(services.db, PARTNER)) == written
    save(services, PartnerProfile.of(before), written.version)


def test_a_partner_that_is_not_there_is_not_found(services: Services) -> None:
    with pytest.raises(PartnerNotFoundError):
        save(services, PROFILE, 1, NOBODY)
