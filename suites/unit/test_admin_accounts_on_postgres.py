"""Partners and contractors as administrators list, find, approve and export them, on a real database."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from suites.unit.database import Services
from tpe.admin import accounts
from tpe.admin.accounts import ContractorAccount, Found, PartnerAccount
from tpe.auth import sessions
from tpe.auth.identity import Role
from tpe.auth.service import identity_of_token, verified_identity
from tpe.auth.tokens import Tokens
from tpe.infra.paging import page_of
from tpe.infra.problems import PreconditionFailedError, UnauthenticatedError
from tpe.partners.errors import PartnerNotFoundError

ALL = Found()
TOKENS = Tokens(secrets.token_hex(64), timedelta(hours=1))
PARTNER, NOBODY = "partner.two@example.test", 9_000_000_000


def partners(services: Services, found: Found = ALL, page: int = 1, limit: int = 100) -> tuple[list[PartnerAccount], int]:
    return services.run(lambda: accounts.list_partners(services.db, found, page_of(page, limit)))


def contractors(services: Services, found: Found = ALL, page: int = 1, limit: int = 100) -> tuple[list[ContractorAccount], int]:
    return services.run(lambda: accounts.list_contractors(services.db, found, page_of(page, limit)))


def approve(services: Services, account: PartnerAccount, *, active: bool) -> PartnerAccount:
    return services.run(lambda: accounts.approve_partner(services.db, account.id, active=active, version=account.version))


def exported(services: Services, begin: Callable[[], Awaitable[AsyncIterator[str]]]) -> list[dict[str, str]]:
    async def whole() -> str:
        return "".join([part async for part in await begin()])

    return list(csv.DictReader(io.StringIO(services.run(whole), newline="")))


def test_all_partners_are_listed_with_their_leads_the_newest_first(services: Services) -> None:
    found, total = partners(services)
    assert total == len(found) == services.value("SELECT count(*) FROM partners")
    assert [account.id for account in found] == sorted((account.id for account in found), reverse=True)
    assert sum(account.leads for account in found) == services.value("SELECT count(*) FROM contractor_partner_matches")


def test_pages_follow_each_other(services: Services) -> None:
    whole, total = partners(services)
    assert partners(services, page=2, limit=10) == (whole[10:20], total)
    assert partners(services, page=90, limit=100) == ([], total)


@pytest.mark.parametrize("active", [True, False])
def test_partners_are_found_by_approval(services: Services, active: bool) -> None:
    found, total = partners(services, Found(active=active))
    assert total == len(found) > 0
    assert {account.is_active for account in found} == {active}


@pytest.mark.parametrize("text", [PARTNER, PARTNER.upper(), "artner.two@"])
def test_partners_are_found_by_a_part_of_their_names_and_address(services: Services, text: str) -> None:
    found, _ = partners(services, Found(search=text))
    assert [account.email for account in found] == [PARTNER]


@pytest.mark.parametrize("text", ["%", "_", "\\", "' OR 1=1 --"])
def test_what_people_search_for_is_taken_literally(services: Services, text: str) -> None:
    assert partners(services, Found(search=text)) == ([], 0)
    assert contractors(services, Found(search=text)) == ([], 0)


def test_contractors_are_listed_and_say_who_has_registered(services: Services) -> None:
    newest, total = contractors(services)
    assert total == services.value("SELECT count(*) FROM contractors")
    assert newest[0].id == services.value("SELECT max(id) FROM contractors")
    (demo,), found = contractors(services, Found(search="contractor.one@example.test"))
    assert (found, demo.has_account, demo.id) == (1, True, 1)
    (recorded,), _ = contractors(services, Found(search=services.value("SELECT email FROM contractors WHERE id = 7")))
    assert recorded.has_account is False


def test_contractors_are_found_by_words_that_begin_theirs(services: Services) -> None:
    wanted = contractors(services)[0][5]
    first, last = wanted.name.split(" ", 1)
    found, _ = contractors(services, Found(search=f"{last[:4].upper()} {first[:3]}"))
    assert wanted.id in {account.id for account in found}


def test_a_suspended_partner_is_out_at_once_and_an_approved_one_in_again(services: Services) -> None:
    account = partners(services, Found(search=PARTNER))[0][0]
    identity = services.run(lambda: verified_identity(services.db, services.passwords, Role.PARTNER, PARTNER, services.password))
    session = services.run(lambda: sessions.create(services.db, identity))
    claims = TOKENS.read(TOKENS.make(identity))
    assert services.run(lambda: identity_of_token(services.db, claims)).email == PARTNER
    suspended = approve(services, account, active=False)
    assert (suspended.is_active, suspended.version) == (False, account.version + 1)
    assert services.value("SELECT count(*) FROM sessions WHERE role = 'partner' AND account_id = %(id)s", id=account.id) == 0
    with pytest.raises(PreconditionFailedError):
        approve(services, account, active=True)
    assert approve(services, suspended, active=True).is_active
    assert services.run(lambda: sessions.find(services.db, session.secret)) is None
    with pytest.raises(UnauthenticatedError):
        services.run(lambda: identity_of_token(services.db, claims))


def test_a_partner_that_is_not_there_cannot_be_approved(services: Services) -> None:
    with pytest.raises(PartnerNotFoundError):
        services.run(lambda: accounts.approve_partner(services.db, NOBODY, active=True, version=1))


@pytest.mark.parametrize("found", [Found(), Found(active=False), Found(search="example.test", active=True)])
def test_the_file_of_partners_has_what_the_list_has(services: Services, found: Found) -> None:
    rows = exported(services, lambda: accounts.export_partners(services.db, found))
    listed, total = partners(services, found)
    assert [int(row["id"]) for row in rows] == [account.id for account in listed]
    assert len(rows) == total
    assert {row["is_active"] for row in rows} <= {"yes", "no"}
    assert "version" not in rows[0]


def test_the_file_of_contractors_has_every_one_once_over_all_batches(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "BATCH_ROWS", 70)
    rows = exported(services, lambda: accounts.export_contractors(services.db, Found()))
    ids = [int(row["id"]) for row in rows]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == services.value("SELECT count(*) FROM contractors")
