"""What no answer may carry: passwords, their hashes, keys, and the traces of a fault. Pure: it reads the answers of the tour."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from harness.model.finding import Confidence, Finding, Severity, Symptom
from harness.model.target import Target
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.oracle import leaves
from harness.probes.tour import Tour, Visit

SECRET_LENGTH_MIN = 8
HASH_LENGTH_MIN = 16  # a `digest` may be that of the news, "weekly"
EVERYWHERE_MIN = 5  # operations that show their inside: one cause
NAMED_MAX = 5
_HASHES = re.compile(
    r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(?:id|i|d)\$v=|\$pbkdf2|pbkdf2_sha\d+\$|\$scrypt\$|\$6\$[^\s\"$]+\$"
)
_KEYS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bsk_live_[0-9A-Za-z]{16,}|\bAIza[0-9A-Za-z_-]{35}\b"
)
_SECRET_MEMBER = re.compile(
    r"(^|[._])(password|passwd|pwd|pass_?hash|pwd_?hash|(password|passwd|pwd)_?(hash|digest)|(hashed|encrypted)_?password|salt|ssn|cvv"
    r"|card_?number|(client|totp|otp|mfa|two_?factor|api|app)_?secret|private_?key|secret_?key|(password_?)?reset_?(token|code))$",
    re.I,
)
# A `hash` may be that of a file; beside the name by which somebody logs in it is that of a password.
_BARE_HASH = re.compile(r"(^|[._])(hash|digest)$", re.I)
_ACCOUNT_MEMBER = re.compile(r"^(e_?mail|login|user_?name)$", re.I)
INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\.py\", line \d+"
    r"|(?:\b|\\t)at [\w.$/@-]+\(\w+\.(?:java|kt|scala):\d+\)|\bat [\w.<>`\[\]]+\([^)]{0,200}\) in .{1,200}:line \d+"
    r"|\bat .{1,80}\(?/[^\s:]+\.[cm]?[jt]s:\d+:\d+\)?|goroutine \d+ \[|panic: runtime error|\.go:\d+ \+0x"
    r"|SQLSTATE\[|psycopg\d?\.errors?\.|sqlalchemy\.exc\.|sqlite3\.OperationalError|near \"[^\"]*\": syntax error"
    r"|syntax error at or near|ORA-\d{5}|You have an error in your SQL syntax|PG::\w+Error|System\.\w+Exception:"
    r"|<b>(?:Fatal error|Warning|Notice)</b>:|in <b>/[^<]+\.php</b> on line"
    r"|Werkzeug Debugger|DJANGO_SETTINGS_MODULE|Whoops, looks like"
)

_SECRET = Weakness(
    "exposure.secret",
    Severity.HIGH,
    200,
    "API3:2023",
    "No answer carries a password, its hash or a key.",
    "Whoever reads the answer, a log or a cache of it takes over accounts or breaks the hashes at leisure.",
    "List the members that an answer has, rather than giving the whole row; leave this one out.",
)
INTERNALS_RULE = "exposure.internals"
_INTERNALS = Weakness(
    INTERNALS_RULE,
    Severity.MEDIUM,
    209,
    "API8:2023",
    "An error says what the caller did wrong and nothing of the inside.",
    "It tells which software, files and statements there are, and what to try next.",
    "Answer unexpected errors with a fixed text, and write the details to the log.",
)


def examine_exposure(target: Target, tour: Tour, secrets: Mapping[str, Collection[str]] | None = None) -> Report:
    """Searches every answer of the tour.

    Args:
        secrets: texts that no answer may carry, by what they are (`"users.password_hash"`), where the harness has the database.
    """
    wanted = {"a user's password": [user.password for role in target.roles for user in role.users], **(secrets or {})}
    report = Report("exposure", tried=len(tour.visits))
    inside: list[Finding] = []
    for visit in tour.visits:
        report.findings += _secrets_in(visit, wanted)
        inside += internals_in(visit.operation or visit.request.method + " " + visit.route, visit)
    report.findings += _of_one_cause(inside)
    report.note = "" if tour.visits else "nothing answered"
    return report


def _of_one_cause(inside: list[Finding]) -> list[Finding]:
    """Those findings; one without a route where so many operations show their inside that one handler of errors does it."""
    operations = list(dict.fromkeys(finding.operation for finding in inside))
    if len(operations) < EVERYWHERE_MIN:
        return inside
    title = f"{len(operations)} operations show their inside in an error"
    some = f"{inside[0].observed} So it is with {', '.join(operations[:NAMED_MAX])} and others."
    return [replace(inside[0], title=title, observed=some, method="", route="")]


def given_away(visit: Visit, secrets: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """One finding for each of `secrets` (texts by what they are) that the answer holds; a short text may stand anywhere."""
    for what, texts in secrets.items():
        found = next((text for text in texts if len(text) >= SECRET_LENGTH_MIN and text in visit.answer.text), "")
        if found:
            member = _member_with(visit.answer, found)
            yield _secret(visit, member, f"it carries {what}", f'"{_last(member)}"' if member else "")


def _secrets_in(visit: Visit, wanted: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """At most one finding per member: a value that is secret, or a member whose name says so."""
    yield from given_away(visit, wanted)
    for pattern, what in ((_HASHES, "a password's hash"), (_KEYS, "a secret key")):
        found = pattern.search(visit.answer.text)
        if found:
            yield _secret(visit, _member_with(visit.answer, found.group()), f"it carries {what}", found.group()[:12])
    everything = list(leaves(visit.answer.json))
    accounts = {path.rpartition(".")[0] for path, _ in everything if _ACCOUNT_MEMBER.match(path.rpartition(".")[2])}
    for path, value in everything:
        name = re.sub(r"\[\d+\]", "[]", path)
        if not isinstance(value, str) or not value or _is_masked(value) or not 200 <= visit.answer.status < 300:
            continue
        is_hash = _BARE_HASH.search(path) and path.rpartition(".")[0] in accounts and len(value) >= HASH_LENGTH_MIN
        if _SECRET_MEMBER.search(path) or is_hash:
            yield _secret(visit, name, f"its member {name} is filled", f'"{_last(name)}"')


def _last(path: str) -> str:
    return path.rpartition(".")[2].partition("[")[0]


def _secret(visit: Visit, member: str, what: str, text: str) -> Finding:
    operation = visit.operation or f"{visit.request.method} {visit.route}"
    steps, symptom = (visit.request,), Symptom(status=(visit.answer.status,), body_contains=text)
    title = f"{operation} gives a secret away{f' in {member}' if member else ''}"
    observed = f"As {visit.asker.title} it was answered {visit.answer.status}; {what}."
    return finding_of(_SECRET, Place(operation, member), title, observed, steps, symptom, Confidence.HIGH)


def _member_with(answer: Answer, text: str) -> str:
    found = next((path for path, value in leaves(answer.json) if isinstance(value, str) and text in value), "")
    return re.sub(r"\[\d+\]", "[]", found)


def _is_masked(value: str) -> bool:
    return not value.strip("*•xX#. ")


def internals_in(operation: str, visit: Visit) -> Iterator[Finding]:
    """The trace of a fault in an answer."""
    found = INTERNALS.search(visit.answer.text) if visit.answer.status >= 400 or visit.answer.is_html else None
    if found:
        steps, symptom = (visit.request,), Symptom(status=(visit.answer.status,), body_contains=found.group()[:60])
        observed = f"It was answered {visit.answer.status} with {found.group()[:60]!r} in it."
        yield finding_of(_INTERNALS, Place(operation), f"{operation} shows its inside in an error", observed, steps, symptom)
