"""Whose account it is, told to everybody: addresses of accounts in answers that need no credential. Pure but for the addresses.

What the document declares is shown on purpose, and is said as an observation: a directory may well give the addresses of those in
it. A member that the document does not know is given away by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

from harness.model.finding import Confidence, Finding, Observation, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import STAGE, Report, finding_of
from harness.probes.document import Document
from harness.probes.oracle import leaves
from harness.probes.rows import CONNECT_TIMEOUT_S, columns_of
from harness.probes.scene import NOBODY
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
    "What needs no credential says nothing of who has an account.",
    "Everybody may collect the addresses of the platform's users, with what the answer says of them: for spam, for guessing"
    " passwords, for knowing who did what when.",
    "Leave the member out of what is public, or show what does not name a person.",
)


def account_addresses(dsn: str) -> frozenset[str]:
    """The e-mail addresses of tables that hold passwords, in small letters; none without a database, or where it refuses."""
    columns = columns_of(dsn) if dsn else ()
    with_passwords = {entry[:2] for entry in columns if _PASSWORD_COLUMN.search(entry[2])}
    wanted = [entry[:3] for entry in columns if entry[:2] in with_passwords and _ADDRESS_COLUMN.search(entry[2])]
    found: set[str] = set()
    with suppress(psycopg.Error), psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
        for schema, table, column in wanted:
            query = sql.SQL("SELECT lower({}::text) FROM {} LIMIT {}").format(
                sql.Identifier(column), sql.Identifier(schema, table), sql.Literal(ADDRESSES_MAX)
            )
            found |= {row[0] for row in connection.execute(query) if row[0]}
    return frozenset(found)


def examine_personal_data(document: Document, tour: Tour, addresses: Collection[str]) -> Report:
    """Searches what was answered to nobody for addresses of accounts.

    Args:
        addresses: as `account_addresses` gives them.
    """
    public = [visit for visit in tour.visits if _is_public(visit)]
    report = Report("personal data", tried=len(public) if addresses else 0)
    said: set[tuple[str, str]] = set()
    for visit in public:
        for member in _members_with(visit, addresses):
            if (visit.operation, member) not in said:
                said.add((visit.operation, member))
                _say(report, document, visit, member)
    if not report.tried:
        report.note = "no operation answered without a credential" if addresses else "no address of an account is known"
    return report


def _is_public(visit: Visit) -> bool:
    return visit.asker == NOBODY and visit.request.method == "GET" and bool(visit.operation) and visit.answer.is_success


def _members_with(visit: Visit, addresses: Collection[str]) -> Iterator[str]:
    """The members (`days[].by`) that hold the address of an account which the request did not give."""
    for path, value in leaves(visit.answer.json):
        given = _ADDRESS.findall(value.lower()) if isinstance(value, str) else []
        if any(address in addresses and address not in visit.request.path.lower() for address in given):
            yield re.sub(r"\[\d+\]", "[]", path)


def _say(report: Report, document: Document, visit: Visit, member: str) -> None:
    declared = _declared(document, visit.operation)
    if not declared or _last(member) in declared:
        text = f"{visit.operation} gives everybody addresses of accounts in {member}, as its document says"
        report.observations.append(Observation(_WEAKNESS.rule, text, STAGE, visit.operation))
        return
    report.findings.append(_finding(visit, member))


def _finding(visit: Visit, member: str) -> Finding:
    title = f"{visit.operation} tells everybody the address of an account in {member}"
    observed = (
        f"Without a credential it was answered {visit.answer.status}; {member}, which its document does not know, holds the"
        " e-mail address of a user."
    )
    symptom = Symptom(status=(visit.answer.status,), body_contains=f'"{_last(member)}"')
    return finding_of(_WEAKNESS, Place(visit.operation, member), title, observed, (visit.request,), symptom, Confidence.HIGH)


def _last(member: str) -> str:
    return member.rpartition(".")[2].replace("[]", "")


def _declared(document: Document, operation: str) -> frozenset[str]:
    """The names of all members that the operation's successful answers have by the document; none where it tells nothing."""
    names: set[str] = set()
    for response in document.operation(operation).responses:
        if response.status.upper().startswith("2"):
            _collect(document, response.schema, names, DEPTH_MAX)
    return frozenset(names)


def _collect(document: Document, schema: Any, names: set[str], depth: int) -> None:
    for each in document.schemas.alternatives(schema) if depth else ():
        properties = each.get("properties")
        for name, inner in properties.items() if isinstance(properties, Mapping) else ():
            names.add(name)
            _collect(document, inner, names, depth - 1)
        if isinstance(each.get("items"), Mapping):
            _collect(document, each["items"], names, depth - 1)
