"""Contractors and their matches on a real database."""

from __future__ import annotations

import secrets
from dataclasses import replace

import anyio
import pytest

from suites.unit.database import Services
from tpe.contractors.errors import ContractorNotFoundError
from tpe.contractors.model import Contractor, ContractorProfile
from tpe.contractors.service import change_profile, contractor_profile
from tpe.infra.problems import PreconditionFailedError
from tpe.leads.model import Stage
from tpe.leads.service import lead_detail
from tpe.matching.model import Match, Need, Revenue, Trade
from tpe.matching.service import matches_of

PROFILE = ContractorProfile(
    "Some One", "One", "+1 202 555 0155", "Reno", "NV", (Trade.SOLAR,), (Need.FINANCING, Need.SOFTWARE), Revenue.UNDER_2M, 4
)
NOBODY = 9_000_000_000


@pytest.fixture
def newcomer(services: Services) -> int:
    """A contractor that has just registered."""
    made: int = services.value(
        "INSERT INTO contractors (name, company_name, email, phone, city, state)"
        " VALUES ('New', 'New', %(email)s, '+1 202 555 0156', '', '') RETURNING id",
        email=f"{secrets.token_hex(6)}@example.test",
    )
    return made


def change(services: Services, contractor: int, profile: ContractorProfile = PROFILE, version: int = 1) -> Contractor:
    return services.run(lambda: change_profile(services.db, contractor, profile, version=version))


def matches(services: Services, contractor: int) -> tuple[Match, ...]:
    return services.run(lambda: matches_of(services.db, contractor))


def test_a_profile_is_kept_as_it_was_written(services: Services, newcomer: int) -> None:
    written = change(services, newcomer)
    assert written.version == 2
    assert ContractorProfile.of(written) == PROFILE
    assert services.run(lambda: contractor_profile(services.db, newcomer)) == written


def test_a_newcomer_has_said_nothing_and_is_matched_with_nobody(services: Services, newcomer: int) -> None:
    shown = services.run(lambda: contractor_profile(services.db, newcomer))
    assert (shown.city, shown.state, shown.trades, shown.needs, shown.revenue, shown.team_size) == ("", "", (), (), None, None)
    assert matches(services, newcomer) == ()
    change(services, newcomer, replace(PROFILE, needs=()))
    assert matches(services, newcomer) == ()


def test_a_profile_makes_two_matches_that_their_partners_find_as_new_leads(services: Services, newcomer: int) -> None:
    change(services, newcomer)
    found = matches(services, newcomer)
    assert [match.is_primary_match for match in found] == [True, False]
    assert found[0].match_score >= found[1].match_score >= 50
    assert all(match.match_reasons for match in found)
    for match in found:
        lead = services.run(lambda match=match: lead_detail(services.db, match.partner_id, match.id)).lead
        assert (lead.engagement_stage, lead.version, lead.contractor.id) == (Stage.NEW, 1, newcomer)
        assert (lead.match_score, lead.match_reasons) == (match.match_score, match.match_reasons)


def test_no_better_partner_was_passed_over(services: Services, newcomer: int) -> None:
    change(services, newcomer)
    asked = {"needs": [need.value for need in PROFILE.needs], "worst": matches(services, newcomer)[1].partner_id}
    better = services.value(
        "SELECT count(*) FROM partners WHERE is_active AND needs @> %(needs)s::text[] AND states = '{}' AND trades = '{}'"
        " AND revenues = '{}' AND id < %(worst)s AND id NOT IN"
        " (SELECT partner_id FROM contractor_partner_matches WHERE contractor_id = %(contractor)s)",
        contractor=newcomer,
        **asked,
    )
    assert better == 0


def test_matches_that_were_made_stay_and_no_third_is_made(services: Services, newcomer: int) -> None:
    change(services, newcomer)
    before = matches(services, newcomer)
    change(services, newcomer, replace(PROFILE, needs=(Need.LOGISTICS,), state="WA"), version=2)
    assert matches(services, newcomer) == before
    assert services.value("SELECT count(*) FROM contractor_partner_matches WHERE contractor_id = %(id)s", id=newcomer) == 2


def test_an_inactive_partner_is_nobodys_match(services: Services, newcomer: int) -> None:
    change(services, newcomer)
    assert all(
        services.value("SELECT is_active FROM partners WHERE id = %(id)s", id=match.partner_id)
        for match in matches(services, newcomer)
    )


def test_an_outdated_write_is_refused_and_changes_nothing(services: Services, newcomer: int) -> None:
    change(services, newcomer)
    with pytest.raises(PreconditionFailedError):
        change(services, newcomer, replace(PROFILE, name="Other"), version=1)
    assert services.run(lambda: contractor_profile(services.db, newcomer)).name == PROFILE.name


def test_of_two_writes_at_once_one_is_refused_and_the_matches_are_two(services: Services, newcomer: int) -> None:
    refused: list[PreconditionFailedError] = []

    async def write(name: str) -> None:
        try:
            await change_profile(services.db, newcomer, replace(PROFILE, name=name), version=1)
        except PreconditionFailedError as error:
            refused.append(error)

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(write, "One")
            group.start_soon(write, "Other")

    services.run(both)
    assert len(refused) == 1
    assert len(matches(services, newcomer)) == 2


def test_who_is_not_there_is_not_found(services: Services) -> None:
    for work in (
        lambda: contractor_profile(services.db, NOBODY),
        lambda: change_profile(services.db, NOBODY, PROFILE, version=1),
    ):
        with pytest.raises(ContractorNotFoundError):
            services.run(work)
