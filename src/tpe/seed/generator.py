"""Makes the rows of a size from one number, as PostgreSQL's COPY text. Pure: the same arguments give the same text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tpe.seed.copytext import (
    NULL,
    Column,
    Flags,
    Ints,
    Moments,
    Piece,
    Table,
    always,
    days,
    flags,
    listed,
    numbers,
    picked,
    times,
)
from tpe.seed.plan import DEMO_ADMINS, DEMO_CONTRACTORS, DEMO_PARTNERS, Size, leads_per_partner
from tpe.seed.profiles import offers, wishes
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
TABLES: Final = (
    "partners", "admin_users", "contractors", "contractor_partner_matches", "lead_history", "lead_notes", "lead_counts",
)  # fmt: skip
INACTIVE_EVERY: Final = 17
"""Every 17th partner is inactive; never a demo account."""
PHONE_AREAS: Final = (201, 990)
PHONE_LINES: Final = (100, 200)
"""Numbers of the range 555-0100 to 555-0199, which is kept free for fiction."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """Password hashes: the only values that differ from run to run, because their salts do."""

    demo: str
    other: str


@dataclass(frozen=True, slots=True, eq=False)
class _Contractors:
    first: Ints
    last: Ints
    trade: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Leads:
    partner: Ints
    stage: Ints
    status: Ints
    primary: Flags
    score: Ints
    has_note: Flags
    updated: Moments


def generate(size: Size, seed: int, hashes: Hashes) -> Iterator[Table]:
    """Make the tables of ``size``, each when it is asked for, in the order of ``TABLES``: their references exist by then."""
    rng = np.random.default_rng(seed)
    pools = draw_pools(seed)
    partners, names = _partners(size, pools, rng, hashes, seed)
    yield partners
    yield _admins(hashes)
    people, contractors = _contractors(size, pools, rng, hashes, seed)
    yield contractors
    leads, matches = _matches(size, pools, rng, people)
    yield matches
    yield _history(leads, names)
    yield _notes(leads, names, pools, rng)
    yield _counts(leads)


def _partners(size: Size, pools: Pools, rng: np.random.Generator, hashes: Hashes, seed: int) -> tuple[Table, list[str]]:
    count = size.partners
    ids = range(1, count + 1)
    firsts, lasts = _people(count, pools, rng)
    kinds = rng.integers(0, len(VENDOR_KINDS), count).tolist()
    names = [f"{pools.last_names[last]} {VENDOR_KINDS[kind]}" for last, kind in zip(lasts.tolist(), kinds, strict=True)]
    emails = [*DEMO_PARTNERS, *(f"office{number}@example.test" for number in ids[len(DEMO_PARTNERS) :])]
    active = np.array([number <= len(DEMO_PARTNERS) or number % INACTIVE_EVERY != 0 for number in ids])
    secret = np.array([number > len(DEMO_PARTNERS) for number in ids]).astype(np.int8)
    columns: dict[str, Column] = {
        "id": (_ids(count),),
        "company_name": (listed(names),),
        "contact_name": _names(firsts, lasts, pools),
        "email": (listed(emails),),
        "phone": _phones(count, rng),
        "website": (listed([f"https://partner{number}.example.test" for number in ids]),),
        "is_active": (flags(active),),
        "password_hash": (picked((hashes.demo, hashes.other), secret),),
        **offers(seed, kinds),
        "created_at": _account_times(count, rng),
    }
    return _table("partners", columns), names


def _admins(hashes: Hashes) -> Table:
    count = len(DEMO_ADMINS)
    columns: dict[str, Column] = {
        "id": (_ids(count),),
        "full_name": (listed([email.partition("@")[0].replace(".", " ").title() for email in DEMO_ADMINS]),),
        "email": (listed(DEMO_ADMINS),),
        "password_hash": (always(hashes.demo, count),),
        "created_at": times(np.array([ACCOUNTS_SINCE] * count)),
    }
    return _table("admin_users", columns)


def _contractors(size: Size, pools: Pools, rng: np.random.Generator, hashes: Hashes, seed: int) -> tuple[_Contractors, Table]:
    count = size.contractors
    firsts, lasts = _people(count, pools, rng)
    trades = rng.integers(0, len(TRADES), count)
    places = rng.integers(0, len(pools.places), count)
    mailboxes = [last.lower().replace(" ", "") for last in pools.last_names]
    ids = np.arange(1, count + 1)
    demo = ids <= len(DEMO_CONTRACTORS)
    email = (
        picked([*DEMO_CONTRACTORS, *mailboxes], np.where(demo, ids - 1, len(DEMO_CONTRACTORS) + lasts)),
        picked(["", *map(str, ids.tolist())], np.where(demo, 0, ids)),
        picked(("@example.test", ""), demo.astype(np.int8)),
    )
    columns: dict[str, Column] = {
        "id": (_ids(count),),
        "name": _names(firsts, lasts, pools),
        "company_name": (picked(pools.last_names, lasts), picked([f" {trade}" for trade in TRADES], trades)),
        "email": email,
        "phone": _phones(count, rng),
        "city": (picked([city for city, _ in pools.places], places),),
        "state": (picked([state for _, state in pools.places], places),),
        "password_hash": (picked((NULL, hashes.demo), demo.astype(np.int8)),),
        **wishes(seed, trades),
        "created_at": _account_times(count, rng),
    }
    return _Contractors(firsts, lasts, trades), _table("contractors", columns)


def _matches(size: Size, pools: Pools, rng: np.random.Generator, people: _Contractors) -> tuple[_Leads, Table]:
    count = size.leads
    contractor, partner, primary = pair_up(size, rng)
    stage = rng.choice(len(STAGES), count, p=STAGE_SHARES)
    status = rng.choice(len(STATUSES), count, p=STATUS_SHARES)
    has_note = (stage > 0) & (rng.random(count) < NOTE_SHARE)
    created = np.sort(DATA_UNTIL - rng.integers(0, DATA_SPAN_S, count).astype("timedelta64[s]"))
    waited = (rng.random(count) * (DATA_UNTIL - created).astype(np.int64)).astype("timedelta64[s]")
    updated = np.where(stage > 0, created + waited, created)
    contacted = (stage >= 1) & (stage <= CONTACTED_UNTIL)
    follows = (stage > 0) & ~np.isin(stage, CLOSED) & (rng.random(count) < 0.5)
    follow_days = DATA_UNTIL.astype("datetime64[D]") + rng.integers(*FOLLOW_UP_DAYS, count).astype("timedelta64[D]")
    reasons = rng.integers(0, len(pools.reason_arrays), count)
    scores = (40 + rng.beta(2.5, 2.0, count) * 60).astype(np.int64)
    columns: dict[str, Column] = {
        "id": (_ids(count),),
        "contractor_id": (numbers(contractor),),
        "partner_id": (numbers(partner),),
        "match_score": (numbers(scores),),
        "match_reasons": (picked(pools.reason_arrays, reasons),),
        "is_primary_match": (flags(primary),),
        "engagement_stage": (picked(STAGES, stage),),
        "status": (picked(STATUSES, status),),
        "last_contact_at": times(updated, contacted),
        "next_follow_up": (days(follow_days, follows),),
        "version": (numbers(1 + (stage > 0) + has_note),),
        "created_at": times(created),
        "updated_at": times(updated),
        "search_words": _search_words(people, contractor - 1, partner, pools),
    }
    leads = _Leads(partner, stage, status, primary, scores, has_note, updated)
    return leads, _table("contractor_partner_matches", columns)


def _search_words(people: _Contractors, chosen: Ints, partner: Ints, pools: Pools) -> Column:
    """Give the words that each lead is found by, as lead_search_words does in the database."""
    return (
        *_words(pools.first_names, people.first[chosen], partner),
        *_words(pools.last_names, people.last[chosen], partner),
        *_words(TRADES, people.trade[chosen], partner),
    )


def _words(texts: Sequence[str], index: Ints, partner: Ints) -> Column:
    """Give the words of one of ``texts`` for each row as tsvector's input takes them: quoted, behind the partner's id."""
    split = [text.lower().replace("'", "''").split() for text in texts]
    partners = ["", *(f"'{number}" for number in range(1, int(partner.max()) + 1))]
    pieces: list[Piece] = []
    for place in range(max(len(words) for words in split)):
        there = np.array([len(words) > place for words in split])[index]
        pieces.append(picked(partners, np.where(there, partner, 0)))
        pieces.append(picked([f"/{words[place]}' " if len(words) > place else "" for words in split], index))
    return tuple(pieces)


def pair_up(size: Size, rng: np.random.Generator) -> tuple[Ints, Ints, Flags]:
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


def _history(leads: _Leads, names: list[str]) -> Table:
    moved = np.flatnonzero(leads.stage > 0)
    count = len(moved)
    columns: dict[str, Column] = {
        "id": (_ids(count),),
        "match_id": (numbers(moved + 1),),
        "field": (always("engagement_stage", count),),
        "old_value": (always("new", count),),
        "new_value": (picked(STAGES, leads.stage[moved]),),
        "version": (always("2", count),),
        **_authorship(leads, moved, names),
    }
    return _table("lead_history", columns)


def _notes(leads: _Leads, names: list[str], pools: Pools, rng: np.random.Generator) -> Table:
    noted = np.flatnonzero(leads.has_note)
    count = len(noted)
    columns: dict[str, Column] = {
        "id": (_ids(count),),
        "match_id": (numbers(noted + 1),),
        "body": (picked(pools.notes, rng.integers(0, len(pools.notes), count)),),
        **_authorship(leads, noted, names),
    }
    return _table("lead_notes", columns)


def _counts(leads: _Leads) -> Table:
    """Give what the triggers keep up otherwise: they are off while the tables are filled."""
    group = (leads.partner * len(STAGES) + leads.stage) * len(STATUSES) + leads.status
    groups, place = np.unique(group, return_inverse=True)
    sums = [np.bincount(place, weights).astype(np.int64) for weights in (None, leads.primary, leads.score)]
    columns: dict[str, Column] = {
        "partner_id": (numbers(groups // (len(STAGES) * len(STATUSES))),),
        "engagement_stage": (picked(STAGES, groups // len(STATUSES) % len(STAGES)),),
        "status": (picked(STATUSES, groups % len(STATUSES)),),
        **{
            name: (listed([str(number) for number in counted.tolist()]),)
            for name, counted in zip(("leads", "primary_leads", "score_sum"), sums, strict=True)
        },
    }
    return _table("lead_counts", columns)


def _authorship(leads: _Leads, chosen: Ints, names: list[str]) -> dict[str, Column]:
    """Give who wrote what was done to the chosen leads, and when: each lead's own partner, when it was last changed."""
    partners = leads.partner[chosen]
    return {
        "author_role": (always("partner", len(chosen)),),
        "author_id": (numbers(partners),),
        "author_name": (picked(names, partners - 1),),
        "created_at": times(leads.updated[chosen]),
    }


def _people(count: int, pools: Pools, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Give which first and which last name each of ``count`` people has."""
    return rng.integers(0, len(pools.first_names), count), rng.integers(0, len(pools.last_names), count)


def _names(firsts: Ints, lasts: Ints, pools: Pools) -> Column:
    return picked([f"{first} " for first in pools.first_names], firsts), picked(pools.last_names, lasts)


def _phones(count: int, rng: np.random.Generator) -> Column:
    areas = picked([f"+1 {area} 555 0" for area in range(*PHONE_AREAS)], rng.integers(0, PHONE_AREAS[1] - PHONE_AREAS[0], count))
    return areas, numbers(rng.integers(*PHONE_LINES, count))


def _account_times(count: int, rng: np.random.Generator) -> Column:
    return times(ACCOUNTS_SINCE + rng.integers(0, DATA_SPAN_S, count).astype("timedelta64[s]"))


def _ids(count: int) -> Piece:
    return numbers(np.arange(1, count + 1))


def _table(name: str, columns: dict[str, Column]) -> Table:
    return Table(name, tuple(columns), tuple(columns.values()))
