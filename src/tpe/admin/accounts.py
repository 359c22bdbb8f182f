"""Partners and contractors as administrators list, find, approve and export them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, TypeVar

from tpe.admin import account_queries as queries
from tpe.auth.identity import Role
from tpe.auth.queries import END_SESSIONS_OF_ACCOUNT
from tpe.infra.csvtext import csv_parts
from tpe.infra.db import Connection, Database, execute, fetch_all, fetch_one, fetch_value
from tpe.infra.paging import TOTAL_MAX, Page
from tpe.infra.problems import PreconditionFailedError
from tpe.leads.service import words_query
from tpe.partners.errors import PartnerNotFoundError

EXPORT_ROWS_MAX: Final = 10_000
BATCH_ROWS: Final = 1_000
NO_PARTNER: Final = 0
"""The words of contractors stand behind this id, as those of leads behind their partner's."""
ID_BEFORE_ALL: Final = 2**62
"""Lists begin with the newest account, behind this."""

Account = TypeVar("Account")


@dataclass(frozen=True, slots=True)
class PartnerAccount:
    """A partner as administrators see it. ``leads`` is how many it has."""

    id: int
    company_name: str
    contact_name: str
    email: str
    phone: str
    is_active: bool
    leads: int
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ContractorAccount:
    """A contractor as administrators see it. Without an account it was recorded and has not registered."""

    id: int
    name: str
    company_name: str
    email: str
    phone: str
    city: str
    state: str
    has_account: bool
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """Which accounts to list; None does not filter. ``active`` counts for partners only."""

    search: str | None = None
    active: bool | None = None


async def list_partners(db: Database, found: Found, page: Page) -> tuple[list[PartnerAccount], int]:
    """Give one page of the partners, the newest first, and how many there are, up to TOTAL_MAX."""
    conditions = queries.partner_conditions(found.search, found.active)
    return await _list(db, PartnerAccount, queries.partners(conditions), queries.partners_total(conditions), found, page)


async def list_contractors(db: Database, found: Found, page: Page) -> tuple[list[ContractorAccount], int]:
    """Give one page of the contractors, the newest first, and how many there are, up to TOTAL_MAX."""
    conditions = queries.contractor_conditions(found.search)
    return await _list(db, ContractorAccount, queries.contractors(conditions), queries.contractors_total(conditions), found, page)


async def approve_partner(db: Database, partner_id: int, *, active: bool, version: int) -> PartnerAccount:
    """Let a partner in, or keep it out from now on: whoever is kept out loses its sessions, and its tokens are refused.

    PartnerNotFoundError when there is none; PreconditionFailedError when it was written since ``version``.
    """
    values = {"partner_id": partner_id, "active": active, "version": version}
    async with db.transaction() as connection:
        changed = await execute(connection, queries.APPROVE_PARTNER, values)
        account = await _partner(connection, partner_id)
        if not changed:
            raise PreconditionFailedError
        if not active:
            await execute(connection, END_SESSIONS_OF_ACCOUNT, {"role": Role.PARTNER.value, "account_id": partner_id})
    return account


async def export_partners(db: Database, found: Found) -> AsyncIterator[str]:
    """Give the partners that are found as the parts of a CSV file, EXPORT_ROWS_MAX at most."""
    statement = queries.partners(queries.partner_conditions(found.search, found.active))

    async def batch(last: PartnerAccount | None) -> list[PartnerAccount]:
        return await _batch(db, PartnerAccount, statement, found, last.id if last else ID_BEFORE_ALL)

    return await csv_parts(_columns(PartnerAccount), batch, _row, batch_rows=BATCH_ROWS, rows_max=EXPORT_ROWS_MAX)


async def export_contractors(db: Database, found: Found) -> AsyncIterator[str]:
    """Give the contractors that are found as the parts of a CSV file, EXPORT_ROWS_MAX at most."""
    statement = queries.contractors(queries.contractor_conditions(found.search))

    async def batch(last: ContractorAccount | None) -> list[ContractorAccount]:
        return await _batch(db, ContractorAccount, statement, found, last.id if last else ID_BEFORE_ALL)

    return await csv_parts(_columns(ContractorAccount), batch, _row, batch_rows=BATCH_ROWS, rows_max=EXPORT_ROWS_MAX)


async def _list(
    db: Database, kind: type[Account], rows: LiteralString, total: LiteralString, found: Found, page: Page
) -> tuple[list[Account], int]:
    values = {**_values(found), "before": ID_BEFORE_ALL, "limit": page.limit, "offset": page.offset, "total_max": TOTAL_MAX}
    async with db.connection() as connection:
        count: int = await fetch_value(connection, total, values)
        accounts = await fetch_all(connection, kind, rows, values) if count > page.offset else []
    return accounts, count


async def _batch(db: Database, kind: type[Account], statement: LiteralString, found: Found, before: int) -> list[Account]:
    values = {**_values(found), "before": before, "limit": BATCH_ROWS, "offset": 0}
    async with db.connection() as connection:
        return await fetch_all(connection, kind, statement, values)


async def _partner(connection: Connection, partner_id: int) -> PartnerAccount:
    account = await fetch_one(connection, PartnerAccount, queries.PARTNER_ACCOUNT, {"partner_id": partner_id})
    if account is None:
        raise PartnerNotFoundError
    return account


def _values(found: Found) -> dict[str, Any]:
    search = found.search or ""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {"search": search, "pattern": f"%{escaped}%", "words": words_query(NO_PARTNER, search), "active": found.active}


def _columns(kind: type[PartnerAccount | ContractorAccount]) -> tuple[str, ...]:
    return tuple(name for name in kind.__dataclass_fields__ if name != "version")


def _row(account: PartnerAccount | ContractorAccount) -> tuple[object, ...]:
    return tuple(_cell(getattr(account, name)) for name in _columns(type(account)))


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, datetime) else value
