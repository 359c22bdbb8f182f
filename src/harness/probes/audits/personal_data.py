"""Whose accounts there are, told to whom that is no business: e-mail addresses and telephone numbers of accounts in answers to
nobody, and in lists for users.

Pure but for the reading of the accounts.

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
from harness.probes.http.oracle import leaves
from harness.probes.openapi.document import Document
from harness.probes.openapi.schemas import types_of
from harness.probes.scene.rows import CONNECT_TIMEOUT_S, columns_of
from harness.probes.scene.scene import NOBODY
from harness.probes.tour import Tour, Visit

ACCOUNTS_MAX = 10_000  # of one table
DEPTH_MAX = 6
_CONTACT_COLUMN = re.compile(r"(^|_)(e_?mail(_?address)?|(tele)?phone(_?(number|no|digits))?|mobile(_?(number|no))?)$", re.I)
_PASSWORD_COLUMN = re.compile(r"passw(or)?d|pwd|pass_?hash", re.I)
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\.\w+")
_TELEPHONE = re.compile(r"\+?[\d ()./-]{8,24}")
_DIGITS_MIN = 8  # of a telephone number that names one account
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


def account_contacts(dsn: str) -> tuple[frozenset[str], ...]:
    """For each account how it is reached: of the rows of tables that hold passwords the e-mail addresses and telephone numbers.

    None without a database, or where it refuses.
    """
    found: list[frozenset[str]] = []
    if not dsn:
        return ()
    with suppress(psycopg.Error), psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
        for (schema, table), columns in _contact_columns(dsn).items():
            query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns),
                sql.Identifier(schema, table),
                sql.Literal(ACCOUNTS_MAX),
            )
            rows = connection.execute(query)
            found += [frozenset(contact for value in row for contact in contacts_in(value or "")) for row in rows]
    return tuple(found)


def _contact_columns(dsn: str) -> dict[tuple[str, str], list[str]]:
    columns = columns_of(dsn)
    with_passwords = {entry[:2] for entry in columns if _PASSWORD_COLUMN.search(entry[2])}
    found: dict[tuple[str, str], list[str]] = {}
    for schema, table, column, *_ in columns:
        if (schema, table) in with_passwords and _CONTACT_COLUMN.search(column):
            found.setdefault((schema, table), []).append(column)
    return found


def contacts_in(text: str) -> list[str]:
    """The e-mail addresses in a text, in small letters; of a text that is a telephone number its digits."""
    digits = re.sub(r"\D", "", text) if _TELEPHONE.fullmatch(text.strip()) else ""
    return [digits] if len(digits) >= _DIGITS_MIN else _ADDRESS.findall(text.lower())


def examine_personal_data(document: Document, target: Target, tour: Tour, accounts: Collection[frozenset[str]]) -> Report:
    """Searches what was answered to nobody, and what users of the lowest rank were shown in lists, for contacts of others.

    Args:
        accounts: as `account_contacts` gives them.
    """
    visits = [visit for visit in tour.visits if _is_read(visit) and visit.asker.role in _without_rank(target)]
    report = Report("personal data", tried=len(visits) if any(accounts) else 0)
    said: set[tuple[str, str]] = set()
    for visit in visits:
        own = _own_name(target, visit)
        for member in _members_with(visit, frozenset().union(*(contacts for contacts in accounts if own not in contacts))):
            if (visit.operation, member) not in said:
                said.add((visit.operation, member))
                _say(report, document, visit, member)
    if not report.tried:
        report.note = "nothing was answered that could name an account" if any(accounts) else "no address of an account is known"
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


def _members_with(visit: Visit, contacts: Collection[str]) -> Iterator[str]:
    """The members (`days[].by`) that hold a contact of an account which the request did not give; for a user those of lists."""
    sent = unquote_plus(visit.request.path).lower()
    for path, value in leaves(visit.answer.json):
        given = contacts_in(value) if isinstance(value, str) else []
        is_in_list = "[" in path or visit.asker == NOBODY
        if is_in_list and any(contact in contacts and contact not in sent for contact in given):
            yield re.sub(r"\[\d+\]", "[]", path)


def _say(report: Report, document: Document, visit: Visit, member: str) -> None:
    if _is_known(document, visit.operation, member):
        if visit.asker == NOBODY:
            text = f"{visit.operation} gives everybody contacts of accounts in {member}, as its document says"
            report.observations.append(Observation(_WEAKNESS.rule, text, STAGE, visit.operation))
        return
    report.findings.append(_finding(visit, member))


def _finding(visit: Visit, member: str) -> Finding:
    whom = "everybody" if visit.asker == NOBODY else f"every {visit.asker.role}"
    title = f"{visit.operation} tells {whom} how the user of an account is reached, in {member}"
    observed = (
        f"As {visit.asker.title} it was answered {visit.answer.status}; {member}, which its document does not know, holds the"
        " e-mail address or telephone number of another user."
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
