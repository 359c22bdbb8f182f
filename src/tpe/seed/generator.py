"""Makes the rows of a size from one number, as PostgreSQL's COPY text. Pure: the same arguments give the same text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tpe.seed.plan import DEMO_ADMINS, DEMO_CONTRACTORS, DEMO_PARTNERS, Size, leads_per_partner
from tpe.seed.values import TRADES, VENDOR_KINDS, Pools, draw_pools

DATA_UNTIL: Final = np.datetime64("2026-06-30T12:00:00", "s")
"""The newest moment in the data (UTC), fixed so that a seed means the same rows on any day."""
DATA_SPAN_S: Final = 365 * 86_400
ACCOUNTS_SINCE: Final = DATA_UNTIL - np.timedelta64(2 * DATA_SPAN_S, "s")
"""Accounts are made in the year before the first lead."""
FOLLOW_UP_DAYS: Final = (-30, 900)
"""Follow-ups lie this many days around DATA_UNTIL, so that some are due and some ahead for years to come."""
STAGES: Final = ("new", "contacted", "meeting_scheduled", "proposal_sent", "negotiating", "won", "lost", "nurturing")
STAGE_SHARES: Final = (0.35, 0.20, 0.10, 0.10, 0.06, 0.07, 0.07, 0.05)
CONTACTED_UNTIL: Final = 4
"""Stages up to this index (1 to 4) were reached by talking to the contractor."""
CLOSED: Final = (5, 6)
STATUSES: Final = ("active", "paused", "archived")
STATUS_SHARES: Final = (0.88, 0.07, 0.05)
NOTE_SHARE: Final = 0.4
INACTIVE_EVERY: Final = 17
"""Every 17th partner is inactive; never a demo account."""
NULL: Final = r"\N"

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """A table's rows as COPY text: tab-separated values in the order of ``columns``, one line per row."""

    name: str
    columns: tuple[str, ...]
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Hashes:
    """Password hashes: the only values that differ from run to run, because their salts do."""

    demo: str
    other: str


@dataclass(frozen=True, slots=True)
class _Leads:
    contractor: Ints
    partner: Ints
    stage: Ints
    has_note: NDArray[np.bool_]
    created: Sequence[str]
    updated: Sequence[str]


def generate(size: Size, seed: int, hashes: Hashes) -> list[Table]:
    """Make all tables of ``size`` in an order in which their references exist."""
    rng = np.random.default_rng(seed)
    pools = draw_pools(seed)
    partners, names = _partners(size, pools, rng, hashes)
    admins = _admins(hashes)
    contractors = _contractors(size, pools, rng, hashes)
    leads, matches = _matches(size, pools, rng)
    return [partners, admins, contractors, matches, _history(leads, names), _notes(leads, names, pools, rng)]


def _partners(size: Size, pools: Pools, rng: np.random.Generator, hashes: Hashes) -> tuple[Table, list[str]]:
    ids = range(1, size.partners + 1)
    contacts, lasts = _people(size.partners, pools, rng)
    kinds = rng.integers(0, len(VENDOR_KINDS), size.partners)
    names = [f"{last} {VENDOR_KINDS[kind]}" for last, kind in zip(lasts, kinds, strict=True)]
    emails = [*DEMO_PARTNERS, *(f"office{number}@example.test" for number in ids[len(DEMO_PARTNERS) :])]
    active = ["f" if number > len(DEMO_PARTNERS) and number % INACTIVE_EVERY == 0 else "t" for number in ids]
    secret = [hashes.demo if number <= len(DEMO_PARTNERS) else hashes.other for number in ids]
    sites = [f"https://partner{number}.example.test" for number in ids]
    columns = ("id", "company_name", "contact_name", "email", "phone", "website", "is_active", "password_hash", "created_at")
    phones, since = _phones(size.partners, rng), _account_times(size.partners, rng)
    return _table("partners", columns, ids, names, contacts, emails, phones, sites, active, secret, since), names


def _admins(hashes: Hashes) -> Table:
    ids = range(1, len(DEMO_ADMINS) + 1)
    names = [email.partition("@")[0].replace(".", " ").title() for email in DEMO_ADMINS]
    columns = ("id", "full_name", "email", "password_hash", "created_at")
    since = [_times(np.array([ACCOUNTS_SINCE]))[0]] * len(DEMO_ADMINS)
    return _table("admin_users", columns, ids, names, DEMO_ADMINS, [hashes.demo] * len(DEMO_ADMINS), since)


def _contractors(size: Size, pools: Pools, rng: np.random.Generator, hashes: Hashes) -> Table:
    count = size.contractors
    ids = range(1, count + 1)
    names, lasts = _people(count, pools, rng)
    trades = rng.integers(0, len(TRADES), count).tolist()
    places = [pools.places[index] for index in rng.integers(0, len(pools.places), count).tolist()]
    companies = [f"{last} {TRADES[trade]}" for last, trade in zip(lasts, trades, strict=True)]
    emails = [f"{last.lower().replace(' ', '')}{number}@example.test" for last, number in zip(lasts, ids, strict=True)]
    emails[: len(DEMO_CONTRACTORS)] = DEMO_CONTRACTORS
    secret = [hashes.demo if number <= len(DEMO_CONTRACTORS) else NULL for number in ids]
    cities, states = [city for city, _ in places], [state for _, state in places]
    columns = ("id", "name", "company_name", "email", "phone", "city", "state", "password_hash", "created_at")
    since, phones = _account_times(count, rng), _phones(count, rng)
    return _table("contractors", columns, ids, names, companies, emails, phones, cities, states, secret, since)


def _matches(size: Size, pools: Pools, rng: np.random.Generator) -> tuple[_Leads, Table]:
    count = size.leads
    contractor, partner, primary = pair_up(size, rng)
    stage = rng.choice(len(STAGES), count, p=STAGE_SHARES)
    status = rng.choice(len(STATUSES), count, p=STATUS_SHARES)
    has_note = (stage > 0) & (rng.random(count) < NOTE_SHARE)
    created = np.sort(DATA_UNTIL - rng.integers(0, DATA_SPAN_S, count).astype("timedelta64[s]"))
    updated = np.where(
        stage > 0, created + (rng.random(count) * (DATA_UNTIL - created).astype(np.int64)).astype("timedelta64[s]"), created
    )
    contacted = (stage >= 1) & (stage <= CONTACTED_UNTIL)
    follows = (stage > 0) & ~np.isin(stage, CLOSED) & (rng.random(count) < 0.5)
    follow_days = DATA_UNTIL.astype("datetime64[D]") + rng.integers(*FOLLOW_UP_DAYS, count).astype("timedelta64[D]")
    reasons = [pools.reason_arrays[index] for index in rng.integers(0, len(pools.reason_arrays), count).tolist()]
    scores = (40 + rng.beta(2.5, 2.0, count) * 60).astype(np.int64)
    created_text, updated_text = _times(created), _times(updated)
    leads = _Leads(contractor, partner, stage, has_note, created_text, updated_text)
    table = _table(
        "contractor_partner_matches",
        (
            "id", "contractor_id", "partner_id", "match_score", "match_reasons", "is_primary_match", "engagement_stage", "status",
            "last_contact_at", "next_follow_up", "version", "created_at", "updated_at",
        ),
        range(1, count + 1), contractor.tolist(), partner.tolist(), scores.tolist(), reasons,
        ["t" if flag else "f" for flag in primary.tolist()],
        [STAGES[index] for index in stage.tolist()],
        [STATUSES[index] for index in status.tolist()],
        _where(contacted, updated_text), _where(follows, np.datetime_as_string(follow_days).tolist()),
        (1 + (stage > 0) + has_note).tolist(), created_text, updated_text,
    )  # fmt: skip
    return leads, table


def pair_up(size: Size, rng: np.random.Generator) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Give contractor, partner and whether it is the primary match of each lead, in the order of their ids.

    Every partner holds exactly its share, every contractor one primary lead and at most one more, with another partner.
    """
    shares = leads_per_partner(size)
    partners = rng.permutation(np.repeat(np.arange(1, size.partners + 1), shares))
    second_count = size.leads - size.contractors
    first, second = partners[: size.contractors], partners[size.contractors :]
    for _ in range(100):  # a swap with a random place mends almost every clash; what is left is tried again
        clashes = np.flatnonzero(first[:second_count] == second)
        if clashes.size == 0:
            break
        for place, other in zip(clashes.tolist(), rng.integers(0, second_count, clashes.size).tolist(), strict=True):
            second[place], second[other] = second[other], second[place]
    else:
        raise ArithmeticError("the leads cannot be shared out without giving a contractor the same partner twice")
    contractors = np.concatenate([np.arange(1, size.contractors + 1), np.arange(1, second_count + 1)])
    primary = np.arange(size.leads) < size.contractors
    order = rng.permutation(size.leads)
    return contractors[order], np.concatenate([first, second])[order], primary[order]


def _history(leads: _Leads, names: Sequence[str]) -> Table:
    moved = np.flatnonzero(leads.stage > 0).tolist()
    partners = leads.partner.tolist()
    stages = leads.stage.tolist()
    columns = (
        "id", "match_id", "field", "old_value", "new_value", "version", "author_role", "author_id", "author_name", "created_at",
    )  # fmt: skip
    return _table(
        "lead_history", columns, range(1, len(moved) + 1), [index + 1 for index in moved], ["engagement_stage"] * len(moved),
        ["new"] * len(moved), [STAGES[stages[index]] for index in moved], [2] * len(moved), ["partner"] * len(moved),
        [partners[index] for index in moved], [names[partners[index] - 1] for index in moved],
        [leads.updated[index] for index in moved],
    )  # fmt: skip


def _notes(leads: _Leads, names: Sequence[str], pools: Pools, rng: np.random.Generator) -> Table:
    noted = np.flatnonzero(leads.has_note).tolist()
    partners = leads.partner.tolist()
    bodies = [pools.notes[index] for index in rng.integers(0, len(pools.notes), len(noted)).tolist()]
    columns = ("id", "match_id", "body", "author_role", "author_id", "author_name", "created_at")
    return _table(
        "lead_notes", columns, range(1, len(noted) + 1), [index + 1 for index in noted], bodies, ["partner"] * len(noted),
        [partners[index] for index in noted], [names[partners[index] - 1] for index in noted],
        [leads.updated[index] for index in noted],
    )  # fmt: skip


def _people(count: int, pools: Pools, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    firsts = [pools.first_names[index] for index in rng.integers(0, len(pools.first_names), count).tolist()]
    lasts = [pools.last_names[index] for index in rng.integers(0, len(pools.last_names), count).tolist()]
    return [f"{first} {last}" for first, last in zip(firsts, lasts, strict=True)], lasts


def _phones(count: int, rng: np.random.Generator) -> list[str]:
    """Give numbers of the range 555-0100 to 555-0199, which is kept free for fiction."""
    areas, lines = rng.integers(201, 990, count).tolist(), rng.integers(100, 200, count).tolist()
    return [f"+1 {area} 555 0{line}" for area, line in zip(areas, lines, strict=True)]


def _account_times(count: int, rng: np.random.Generator) -> list[str]:
    return _times(ACCOUNTS_SINCE + rng.integers(0, DATA_SPAN_S, count).astype("timedelta64[s]"))


def _times(moments: NDArray[np.datetime64]) -> list[str]:
    texts: list[str] = np.datetime_as_string(moments, unit="s", timezone="UTC").tolist()
    return texts


def _where(condition: NDArray[np.bool_], texts: Sequence[str]) -> list[str]:
    return [text if holds else NULL for holds, text in zip(condition.tolist(), texts, strict=True)]


def _table(name: str, columns: tuple[str, ...], *values: Iterable[Any]) -> Table:
    return Table(name, columns, ["\t".join(map(str, row)) for row in zip(*values, strict=True)])
