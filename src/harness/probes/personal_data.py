"""Whose accounts there are, told to whom that is no business: addresses of accounts in answers to nobody, and in lists for users.

Pure but for the addresses.

What the document declares is shown on purpose, and is said as an observation: a directory may well give the addresses of those in
it. A member that the document does not know is given away by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote_plus

import psycopg
from psycopg import sql

from harness.model.finding import Confidence, Finding, Observation, Severity, Symptom
from harness.model.target import Target
from harness.model.weakness import Place, Weakness
from harness.probes.checks import STAGE, Report, finding_of
from harness.probes.document import Document
from harness.probes.oracle import leaves
from harness.probes.rows import CONNECT_TIMEOUT_S, columns_of
from harness.probes.scene import NOBODY
from harness.probes.schemas import types_of
from harness.probes.tour import Tour, Visit

ADDRESSES_MAX = 10_000  # of one table
DEPTH_MAX = 6
_ADDRESS_COLUMN = re.compile(r"(^|_)e_?mail(_?address)?$", re.I)
_PASSWORD_COLUMN = re.compile(r"passw(or)?d|pwd|pass_?hash", re.I)
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\.\w+")
_WEAKNESS = Weakness(
    "exposure.personal-data",
    Severity.MEDIUM,
    359,
    "API3:2023",
    "An answer names the accounts of others where its document says so, and nowhere else.",
    "Whoever reads it may collect the addresses of the platform's users, with what the answer says of them: for spam, for"
    " guessing passwords, for knowing who did what when.",
    "Leave the member out, or show what does not name a person.",
)


def account_addresses(dsn: str) -> frozenset[str]:
    """The e-mail addresses of tables that hold passwords, in small letters; none without a database, or where it refuses."""
    found: set[str] = set()
    if not dsn:
        return frozenset()
    with suppress(psycopg.Error), psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
        for schema, table, column in _address_columns(dsn):
            query = sql.SQL("SELECT lower({}::text) FROM {} LIMIT {}").format(
                sql.Identifier(column), sql.Identifier(schema, table), sql.Literal(ADDRESSES_MAX)
            )
            found |= {row[0] for row in connection.execute(query) if row[0]}
    return frozenset(found)


def _address_columns(dsn: str) -> list[tuple[str, str, str]]:
    columns = columns_of(dsn)
    with_passwords = {entry[:2] for entry in columns if _PASSWORD_COLUMN.search(entry[2])}
    return [entry[:3] for entry in columns if entry[:2] in with_passwords and _ADDRESS_COLUMN.search(entry[2])]


def examine_personal_data(document: Document, target: Target, tour: Tour, addresses: Collection[str]) -> Report:
    """Searches what was answered to nobody, and what users of the lowest rank were shown in lists, for addresses of others.

    Args:
        addresses: as `account_addresses` gives them.
    """
    visits = [visit for visit in tour.visits if _is_read(visit) and visit.asker.role in _without_rank(target)]
    report = Report("personal data", tried=len(visits) if addresses else 0)
    said: set[tuple[str, str]] = set()
    for visit in visits:
        for member in _members_with(visit, set(addresses) - {_own_name(target, visit)}):
            if (visit.operation, member) not in said:
                said.add((visit.operation, member))
                _say(report, document, visit, member)
    if not report.tried:
        report.note = "nothing was answered that could name an account" if addresses else "no address of an account is known"
    return report


def _is_read(visit: Visit) -> bool:
    return visit.request.method == "GET" and bool(visit.operation) and visit.answer.is_success


def _own_name(target: Target, visit: Visit) -> str:
    users = (user for role in target.roles if role.name == visit.asker.role for user in role.users)
    return next((user.username.lower() for user in users if user.name == visit.asker.user), "")


def _without_rank(target: Target) -> set[str]:
    """Nobody, and the roles that stand above none: the others may well have to know who the users are."""
    lowest = min((role.rank for role in target.roles), default=0)
    return {NOBODY.role, *(role.name for role in target.roles if role.rank == lowest)}


def _members_with(visit: Visit, addresses: Collection[str]) -> Iterator[str]:
    """The members (`days[].by`) that hold the address of an account which the request did not give; for a user those of lists."""
    sent = unquote_plus(visit.request.path).lower()
    for path, value in leaves(visit.answer.json):
        given = _ADDRESS.findall(value.lower()) if isinstance(value, str) else []
        is_in_list = "[" in path or visit.asker == NOBODY
        if is_in_list and any(address in addresses and address not in sent for address in given):
            yield re.sub(r"\[\d+\]", "[]", path)


def _say(report: Report, document: Document, visit: Visit, member: str) -> None:
    if _is_known(document, visit.operation, member):
        if visit.asker == NOBODY:
            text = f"{visit.operation} gives everybody addresses of accounts in {member}, as its document says"
            report.observations.append(Observation(_WEAKNESS.rule, text, STAGE, visit.operation))
        return
    report.findings.append(_finding(visit, member))


def _finding(visit: Visit, member: str) -> Finding:
    whom = "everybody" if visit.asker == NOBODY else f"every {visit.asker.role}"
    title = f"{visit.operation} tells {whom} the address of an account in {member}"
    observed = (
        f"As {visit.asker.title} it was answered {visit.answer.status}; {member}, which its document does not know, holds the"
        " e-mail address of another user."
    )
    name = member.rpartition(".")[2].replace("[]", "")
    symptom = Symptom(status=(visit.answer.status,), body_contains=f'"{name}"')
    place = Place(visit.operation, member, visit.asker.role)
    return finding_of(_WEAKNESS, place, title, observed, (visit.request,), symptom, Confidence.HIGH)


def _is_known(document: Document, operation: str, member: str) -> bool:
    """Whether the document of the operation's successful answers has the member, or leaves open what stands there."""
    parts = member.replace("[]", ".[]").strip(".").split(".")
    answers = [response for response in document.operation(operation).responses if response.status.upper().startswith("2")]
    return not answers or any(_has(document, response.schema, parts) for response in answers)


def _has(document: Document, schema: Any, parts: list[str]) -> bool:
    if not parts:
        return True
    return any(_has_here(document, each, parts[0], parts[1:]) for each in _unfolded(document, schema, DEPTH_MAX) or [{}])


def _has_here(document: Document, schema: Mapping[str, Any], name: str, rest: list[str]) -> bool:
    """Whether one schema admits the member; one without properties, or with further ones, says nothing against it."""
    types = types_of(schema)
    if types and ("array" if name == "[]" else "object") not in types:
        return False
    if name == "[]":
        return _has(document, schema.get("items", {}), rest)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and name in properties:
        return _has(document, properties[name], rest)
    further = schema.get("additionalProperties", not properties)
    return bool(further) if isinstance(further, bool) else _has(document, further, rest)


def _unfolded(document: Document, schema: Any, depth: int) -> list[Mapping[str, Any]]:
    """The schema and all that it admits in its place, at every level; those that only list alternatives left out."""
    first, *others = document.schemas.alternatives(schema) or [{}]
    deeper = [each for other in others for each in (_unfolded(document, other, depth - 1) if depth else [other])]
    return deeper if others and not first.get("properties") else [first, *deeper]
