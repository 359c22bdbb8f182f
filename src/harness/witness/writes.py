"""Writes where there must be none, and writes that do not hold together: by a safe method, in a refused request, in pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Observation, Request, Severity
from harness.model.target import Target
from harness.model.weakness import Place, Weakness
from harness.probes.http.drafts import Draft
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import sender, valid_drafts
from harness.probes.scene.objects import unknown_like
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.witness.report import OracleReport
from harness.witness.statements import Statement
from harness.witness.survey import Sight, see
from harness.witness.watcher import Watched, Watcher
from harness.witness.wording import Said, finding_of, noticed, told

SAFE, REFUSED, TRANSACTIONS = "write-by-safe-method", "write-in-refused-request", "work-outside-transaction"
_SAFE = Weakness(
    f"database.{SAFE}",
    Severity.MEDIUM,
    650,
    "API8:2023",
    "A safe method (GET, HEAD) changes nothing but bookkeeping.",
    "Crawlers, prefetching browsers, caches and retries call it as often as they like, and a link on another page is enough.",
    "Move the write to a POST, or name the table under bookkeeping_tables where it is bookkeeping.",
)
_REFUSED = Weakness(
    f"database.{REFUSED}",
    Severity.HIGH,
    696,
    "API5:2023",
    "A request that is refused changes nothing but bookkeeping.",
    "Who is told no has changed the data all the same.",
    "Check right, object and input before the first write, or do all of it in one transaction that is rolled back.",
)
_TRANSACTIONS = Weakness(
    f"database.{TRANSACTIONS}",
    Severity.MEDIUM,
    460,
    "",
    "All writes of one request are one transaction.",
    "When the second write fails, the first one stays: the data contradicts itself, and nobody is told.",
    "Begin a transaction before the first write and commit it after the last.",
)
# Where a target file names no bookkeeping, such names are taken for it: said, and not judged.
_LIKE_BOOKKEEPING = re.compile(
    r"(^|_)(audit\w*|logs?|sessions?|tokens?|limits?|attempts?|throttl\w*|metrics?|outbox|idempotency\w*|cache|migrations?|queues?)"
    r"(_|$)"
)
_TOUCHED = re.compile(
    r"(^|_)(last|seen|viewed|accessed|visited|used|active|login|logins|views?|hits|visits)(_|$)|^updated_at$", re.I
)
_SET = re.compile(r"\bSET\s+(.*?)(?:\bWHERE\b|\bFROM\b|\bRETURNING\b|$)", re.I | re.S)
_REFUSALS = (400, 401, 403, 404, 405, 409, 410, 412, 422, 428)


@dataclass(frozen=True)
class Bookkeeping:
    """Which writes any request may do: those to declared tables, and those that only note that somebody was there."""

    target: Target

    def split(self, statements: tuple[Statement, ...]) -> tuple[list[Statement], list[Statement]]:
        """The committed writing statements: to the platform's data, and to what looks like bookkeeping that nobody declared."""
        real: list[Statement] = []
        doubtful: list[Statement] = []
        declared = self.target.bookkeeping
        for statement in statements:
            tables = {write.table for write in statement.writes} - declared
            if not statement.committed or not tables:
                continue
            alike = not declared and all(_LIKE_BOOKKEEPING.search(table) for table in tables)
            (doubtful if alike or only_touches(statement) else real).append(statement)
        return real, doubtful


def only_touches(statement: Statement) -> bool:
    """Whether an UPDATE sets nothing but columns that note that somebody was there (`last_seen`, `view_count`)."""
    found = _SET.search(statement.text) if statement.verb == "UPDATE" else None
    names = re.findall(r"(?:^|,)\s*\"?(\w+)\"?\s*=", found[1]) if found else []
    return bool(names) and all(_TOUCHED.search(name) for name in names) and set(names) != {"updated_at"}


def examine_safe(scene: Scene, watcher: Watcher, sights: list[Sight], report: OracleReport) -> None:
    """Reads that wrote are sent once more: what is made lazily at the first time is no defect."""
    books = Bookkeeping(scene.world.target)
    for sight in sights:
        if not sight.operation.is_safe or sight.watched is None:
            continue
        report.tried += 1
        wrote, doubtful = books.split(sight.watched.queries)
        if doubtful and not wrote:
            report.observations.append(_doubt(SAFE, sight.operation, doubtful))
        if not wrote:
            continue
        again = watcher.exchange(sight.watched.request, None if sight.asker.role else scene.anonymous)
        second, _ = books.split(again.queries)
        if not second:
            text = f"{sight.operation.name} wrote to {_tables(wrote)} the first time only"
            report.observations.append(noticed(f"database.{SAFE}", text, sight.operation.name))
            continue
        title = f"{sight.operation.name} writes to {_tables(second)}"
        observed = f"It was sent twice and wrote to {_tables(second)} each time."
        said = Said(title, observed, told(second), (again.request,), Confidence.HIGH, again.answer.status)
        report.findings.append(finding_of(_SAFE, Place(sight.operation.name, _tables(second), sight.asker.role), said))


def examine_transactions(scene: Scene, watcher: Watcher, sights: list[Sight], report: OracleReport) -> None:
    """Writing requests whose writes stood in several transactions; each is seen a second time before it is said."""
    books = Bookkeeping(scene.world.target)
    for sight in sights:
        if sight.operation.is_safe or sight.watched is None:
            continue
        pieces = _pieces(books, sight.watched)
        report.tried += bool(pieces)
        if len(pieces) < 2 or sight.operation.name in scene.destructive:
            continue
        again = see(scene, watcher, sight.operation, sight.asker)
        second = _pieces(books, again.watched) if again.watched else {}
        seen = again.watched if len(second) > 1 and again.watched else sight.watched
        shown = [statement for piece in (second if len(second) > 1 else pieces).values() for statement in piece]
        confidence = Confidence.HIGH if len(second) > 1 else Confidence.MEDIUM
        title = f"{sight.operation.name} writes in {len(_pieces(books, seen))} transactions"
        observed = (
            f"Its writes to {_tables(shown)} stood in transactions of their own: each is kept even when the next one fails."
        )
        proof = tuple(f"{statement.transaction}: {line}" for statement, line in zip(shown, told(shown), strict=True))
        said = Said(title, observed, proof, (seen.request,), confidence, seen.answer.status)
        report.findings.append(finding_of(_TRANSACTIONS, Place(sight.operation.name, "", sight.asker.role), said))


def _pieces(books: Bookkeeping, watched: Watched) -> dict[str, list[Statement]]:
    """The writes before the answer, by transaction; what comes after it (a mail that is queued) may be a work of its own."""
    wrote, _ = books.split(watched.queries)
    found: dict[str, list[Statement]] = {}
    for statement in wrote:
        if statement.started <= watched.answered:
            found.setdefault(statement.transaction, []).append(statement)
    return found


Change = Callable[[Draft, Request], Request]


@dataclass(frozen=True)
class Refusal:
    """A way to make a good request one that must be refused: by whom it is sent, in words, and what is changed."""

    asker: Asker
    why: str
    change: Change


Note = Callable[[Operation, Asker, Watched], None]


def examine_refused(scene: Scene, watcher: Watcher, operations: list[Operation], report: OracleReport, note: Note) -> None:
    """Each writing operation, sent so that it must be refused: by whom it must, of an object that is not there, malformed.

    Args:
        note: is told of every request.
    """
    for operation in operations:
        if operation.is_safe or not scene.world.target.allow.writes:
            continue
        if scene.login_role(operation):
            continue  # counts attempts
        try:
            _examine_refused(scene, watcher, operation, report, note)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            report.untried[operation.name] = str(error)


def _examine_refused(scene: Scene, watcher: Watcher, operation: Operation, report: OracleReport, note: Note) -> None:
    books = Bookkeeping(scene.world.target)
    for refusal in refusals(scene, operation):
        watched = _send(scene, watcher, operation, refusal)
        note(operation, refusal.asker, watched)
        if not _is_refused(watched):
            continue
        report.tried += 1
        wrote, doubtful = books.split(watched.queries)
        if doubtful and not wrote:
            report.observations.append(_doubt(REFUSED, operation, doubtful))
        if not wrote:
            continue
        again = _send(scene, watcher, operation, refusal)
        second = books.split(again.queries)[0] if _is_refused(again) else []
        shown, seen = (second, again) if second else (wrote, watched)
        title = f"{operation.name} writes to {_tables(shown)} and then refuses"
        observed = f"{refusal.why} it was answered {seen.answer.status}, and the write was committed."
        confidence = Confidence.HIGH if second else Confidence.MEDIUM
        said = Said(title, observed, told(shown), (seen.request,), confidence, seen.answer.status)
        report.findings.append(finding_of(_REFUSED, Place(operation.name, _tables(shown), refusal.asker.role), said))


def _is_refused(watched: Watched) -> bool:
    """Whether it was refused, and what was seen is its own."""
    return not watched.overlap and (watched.answer.status in _REFUSALS or watched.answer.is_soft_refusal)


def _send(scene: Scene, watcher: Watcher, operation: Operation, refusal: Refusal) -> Watched:
    """The request, made anew from a good one."""
    asker = _permitted(scene, operation)
    draft = next(valid_drafts(scene, operation, asker), None)
    if draft is None:
        raise Untestable("no valid request could be made")
    request = refusal.change(draft, draft.request(*sender(scene, operation, asker)))
    return watcher.exchange(request, None if refusal.asker.role else scene.anonymous)


def refusals(scene: Scene, operation: Operation) -> Iterator[Refusal]:
    """The ways in which a request of the operation must be refused.

    Raises:
        Untestable: nobody may call it.
    """
    asker = _permitted(scene, operation)
    if operation.is_secured:
        yield Refusal(Asker(), "Sent without a credential", _by(Asker()))
    for role in scene.roles:
        if operation.is_secured and scene.permissions.of(operation, role).permitted is False:
            other = Asker.first_of(role)
            yield Refusal(other, f"Sent as {role.name}", _by(other))
    yield from _of_objects(scene, operation, asker)
    if operation.body is not None and operation.body.is_json:
        yield Refusal(asker, "Sent without the members of its body", lambda _draft, request: replace(request, body="{}"))
        yield Refusal(asker, "Sent with members of a wrong type", _with_wrong_types)


def _by(asker: Asker) -> Change:
    return lambda _draft, request: replace(request, role=asker.role, user=asker.user)


def _of_objects(scene: Scene, operation: Operation, asker: Asker) -> Iterator[Refusal]:
    place = next((found for found in scene.references(operation) if found.place == "path"), None)
    if place is None or asker.role != place.kind.role:
        return
    peers = [user for user in scene.world.target.role(asker.role).users if user.name != asker.user]
    for peer in peers[:1]:
        other = Asker(asker.role, peer.name)
        yield Refusal(other, "Sent for an object of somebody else", _by(other))
    parameter = operation.parameter(place.name, "path")
    if parameter is not None:

        def nobodys(draft: Draft, request: Request) -> Request:
            return draft.with_value(parameter, unknown_like(draft.path[place.name])).request(request.role, request.user)

        yield Refusal(asker, "Sent for an object that is not there", nobodys)


def _with_wrong_types(draft: Draft, request: Request) -> Request:
    return draft.with_body(_wrong(draft.body)).request(request.role, request.user)


def _wrong(body: object) -> object:
    """Each member in a type that it does not have."""
    if not isinstance(body, dict):
        return [[]]
    return {name: {"x": []} if isinstance(value, str | int | float | bool) else "x" for name, value in body.items()}


def _permitted(scene: Scene, operation: Operation) -> Asker:
    if not operation.is_secured:
        return Asker()
    for role in scene.roles:
        if scene.permissions.of(operation, role).permitted is not False:
            return Asker.first_of(role)
    raise Untestable("no role may call it")


def _tables(statements: list[Statement]) -> str:
    return ", ".join(sorted({write.table for statement in statements for write in statement.writes}))


def _doubt(oracle: str, operation: Operation, statements: list[Statement]) -> Observation:
    text = f"it writes to {_tables(statements)}, which looks like bookkeeping: name it under bookkeeping_tables, or mend it"
    return noticed(f"database.{oracle}", text, operation.name)
