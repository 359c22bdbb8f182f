"""Gate `database`: what the server's own record of statements says of the platform."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from harness.gates.common import files, judged, suite_failures, suite_gaps
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import DatabasePayload, Kind
from harness.model.gate import GateResult, Measure

WATCHED_PERCENT_MIN = 90.0


class DatabaseGate:
    """The database as a witness."""

    name: ClassVar[str] = "database"
    question: ClassVar[str] = "Does the platform use its database safely: statements, transactions, connections, plans?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.DATABASE, Kind.TESTS)
    minimum: ClassVar[str] = (
        "90 % of the operations watched while they succeeded, statements seen, and every oracle tried something"
    )
    advice: ClassVar[str] = "the finding holds the statement and its plan; see one again: harness replay <id>"

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a finding, UNKNOWN where too little was watched."""
        items = view.of(Kind.DATABASE)
        payloads: list[DatabasePayload] = [item.payload for item in items]
        found = judged((finding for payload in payloads for finding in payload.findings), view)
        judgement = Judgement(
            failures=(*found.failures, *suite_failures(view)),
            gaps=(
                *view.gaps(Kind.DATABASE),
                *suite_gaps(view),
                *(line for payload in payloads for line in _gaps(payload)),
            ),
            measures=tuple(_measure(payload) for payload in payloads),
            findings=found.fingerprints,
            details=(*found.excused, *_untried(payloads)),
            passed=_passed(payloads),
            evidence=files(items),
        )
        return conclude(self, judgement)


def _operations(payload: DatabasePayload) -> tuple[dict[str, str], set[str]]:
    """Every operation with the reason why it was not watched, and those that were."""
    notes: dict[str, str] = {}
    for seen in payload.operations:
        notes.setdefault(seen.operation, seen.note)
    return notes, {seen.operation for seen in payload.operations if seen.watched}


def _measure(payload: DatabasePayload) -> Measure:
    notes, watched = _operations(payload)
    percent = 100.0 * len(watched) / len(notes) if notes else None
    return Measure("operations watched", percent, WATCHED_PERCENT_MIN, "≥", "%", len(notes))


def _gaps(payload: DatabasePayload) -> list[str]:
    notes, watched = _operations(payload)
    missing = [f"{name}: not watched: {notes[name] or 'no reason was given'}" for name in notes if name not in watched]
    lines = missing if not notes or len(watched) < len(notes) * WATCHED_PERCENT_MIN / 100 else []
    if not notes:
        lines.append("no operation was watched")
    elif not payload.statements:
        lines.append("no statement was seen: the target does not use this database, or the record is not on")
    lines.extend(
        f"{record.oracle}: tried nothing: {'; '.join(record.untried.values())}"
        for record in payload.oracles
        if not record.tried and record.untried
    )
    return lines


def _untried(payloads: Iterable[DatabasePayload]) -> tuple[str, ...]:
    return tuple(
        f"{record.oracle}: not tried: {what}: {why}"
        for payload in payloads
        for record in payload.oracles
        if record.tried
        for what, why in record.untried.items()
    )


def _passed(payloads: Iterable[DatabasePayload]) -> str:
    counts = [(payload.requests, payload.statements, len(payload.oracles)) for payload in payloads]
    requests, statements, oracles = (sum(numbers) for numbers in zip(*counts, strict=True)) if counts else (0, 0, 0)
    return f"{statements} statements of {requests} watched requests, {oracles} oracles: nothing to say"
