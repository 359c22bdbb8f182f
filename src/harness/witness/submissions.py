"""One submission that is taken twice, and two of which only one counts.

What one submission used up is brought back in the database (`rewinding.py`) before the next is sent: few objects are in a state
that lets them be submitted, and the examinations before have met most of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from harness.model.finding import Confidence, Finding, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.scene.scene import Untestable
from harness.witness.pairs import DOUBLE, KEY_HEADER, LOST, Pair, Pairs, key_name, with_new_key
from harness.witness.report import OracleReport
from harness.witness.rewinding import Kept, added, brought_back, counted
from harness.witness.rooms import Rooms
from harness.witness.survey import Sight
from harness.witness.watcher import Watcher
from harness.witness.wording import Said, finding_of, noticed

OTHERS_MAX = 3

_DOUBLE = Weakness(
    f"database.{DOUBLE}",
    Severity.HIGH,
    837,
    "API6:2023",
    "A submission that is refused the second time is refused too when both come at the same moment.",
    "A double click, a retry or two tabs do twice what may be done once.",
    "Let the database decide: a unique constraint, or a lock that is taken before the check.",
)
_KEY = Weakness(
    f"database.{DOUBLE}",
    Severity.HIGH,
    837,
    "API6:2023",
    "A request that is sent again with the same key is answered as the first time, and does nothing.",
    "A client that lost the answer sends the request again, as the key invites it to, and pays twice.",
    "Keep the key with what it did, under a unique constraint and in the same transaction, and answer a repetition from there.",
)
_SUM = Weakness(
    f"database.{LOST}",
    Severity.HIGH,
    362,
    "",
    "Two submissions at the same moment add up as two in turn do.",
    "A sum, a count or a balance is wrong from then on, and both callers were told that theirs was taken.",
    "Let the statement add (`SET paid = paid + …`), or lock the row (`SELECT … FOR UPDATE`) before it is read.",
)


@dataclass(frozen=True)
class _Turn:
    """A submission and the same once more, with the rows before, between and after. `kept` are the tables as they were before."""

    draft: Draft
    answers: list[Answer]
    counted: list[dict[str, int]]
    kept: Kept

    @property
    def is_taken(self) -> bool:
        """Whether the first one was."""
        return self.answers[0].is_success


@dataclass(frozen=True)
class SubmissionReports:
    """What is said of submissions: done twice, counted once, taken beyond a limit."""

    double: OracleReport
    lost: OracleReport
    limit: OracleReport


class Submissions:
    """Sends submissions once more, to one target."""

    def __init__(self, pairs: Pairs, watcher: Watcher, first: Kept) -> None:
        self._pairs, self._watcher, self._first = pairs, watcher, first
        self._rooms = Rooms(pairs, watcher)

    def examine(self, sight: Sight, tables: tuple[str, ...], reports: SubmissionReports) -> None:
        """What is refused the second time in turn, sent twice at once; else whether two at once add up. Then what is limited.

        Raises:
            Untestable: no valid request could be made.
            psycopg.Error: the tables could not be read.
        """
        turn = self._in_turn(sight, tables)
        if not turn.is_taken and brought_back(self._first, tables):
            turn = self._in_turn(sight, tables)
        try:
            self._judge(sight, tables, turn, reports)
        finally:
            turn.kept.forget()

    def _judge(self, sight: Sight, tables: tuple[str, ...], turn: _Turn, reports: SubmissionReports) -> None:
        name, second, double = sight.operation.name, turn.answers[-1], reports.double
        if not turn.is_taken:
            double.untried[name] = f"another submission was answered {second.status}"
        elif not second.is_success and second.status < 500:
            self._refused(sight, tables, turn, double)
            self._rooms.examine(
                sight, tables, turn.kept, [(turn.draft, other) for other in self._others(sight, turn)], reports.limit
            )
        else:
            double.tried += 1
            self._taken(sight, tables, turn, double, reports.lost)
            self._rooms.examine(sight, tables, turn.kept, [(turn.draft, turn.draft)], reports.limit)

    def _others(self, sight: Sight, turn: _Turn) -> list[Draft]:
        """Submissions for other objects: of what a single object takes only once, two may still share a limit."""
        unlike = (draft for draft in self._pairs.drafts(sight) if (draft.path, draft.body) != (turn.draft.path, turn.draft.body))
        return list(islice(unlike, OTHERS_MAX))

    def _taken(self, sight: Sight, tables: tuple[str, ...], turn: _Turn, double: OracleReport, lost: OracleReport) -> None:
        """The second one was taken too."""
        name = sight.operation.name
        if turn.answers[1].is_success and key_name(turn.draft) and (again := _grown_alike(*turn.counted)):
            double.findings.append(self._key_ignored(sight, turn, again))
            return
        text = f"{name} takes the same submission twice: it promises nothing else"
        double.observations.append(noticed(f"database.{DOUBLE}", text, name))
        if finding := self._miscounted(sight, tables, turn):
            lost.findings.append(finding)

    def _refused(self, sight: Sight, tables: tuple[str, ...], turn: _Turn, report: OracleReport) -> None:
        """The second one was refused."""
        name, pairs = sight.operation.name, list[Pair]()
        for number in (11, 12):
            pair = self._once_more_at_once(sight, tables, turn) or self._others_at_once(sight, number, tables)
            if pair is None:
                report.untried[name] = "none of two submissions at the same moment was taken, whatever the object"
                return
            if not pair.both:
                report.tried += 1
                return
            third = self._pairs.send_again(sight, pair.requests[0])
            if third.is_success or third.status >= 500:
                report.untried[name] = f"what was taken twice at the same moment was answered {third.status} in turn"
                return
            pairs.append(pair)
        report.tried += 1
        title = f"{name} takes the same submission twice at once"
        observed = (
            f"In turn the second one is refused with {turn.answers[1].status}; "
            "at the same moment both were taken, twice in a row."
        )
        said = Said(title, observed, pairs[-1].proof, pairs[-1].requests, Confidence.HIGH, pairs[-1].answers[1].status)
        report.findings.append(finding_of(_DOUBLE, Place(name, "", sight.asker.role), said))

    # -- in turn

    def _in_turn(self, sight: Sight, tables: tuple[str, ...]) -> _Turn:
        """The first submission that is taken at all, else the last one that was tried."""
        turn = None
        for sent in self._pairs.drafts(sight):
            if turn is not None:
                turn.kept.forget()
            turn = self._twice(sight, with_new_key(self._pairs.unlike(sent, 10)), tables)
            if turn.is_taken:
                break
        if turn is None:
            raise Untestable("no valid request could be made")
        return turn

    def _twice(self, sight: Sight, draft: Draft, tables: tuple[str, ...]) -> _Turn:
        kept = Kept(self._watcher.connection, tables)
        answers: list[Answer] = []
        rows = [counted(self._watcher.connection, tables)]
        while len(answers) < 2 and all(answer.is_success for answer in answers):
            answers.append(self._pairs.send(sight, draft))
            rows.append(counted(self._watcher.connection, tables))
        return _Turn(draft, answers, rows, kept)

    def _key_ignored(self, sight: Sight, turn: _Turn, tables: list[str]) -> Finding:
        request = turn.draft.request(*self._pairs.sender(sight))
        title = f"{sight.operation.name} does again what it did for the same Idempotency-Key"
        observed = f"The same request with the same key was sent twice; each time there was a new row in {', '.join(tables)}."
        proof = tuple(f"{request.method} {request.path} {request.body or ''} → {answer.status}" for answer in turn.answers)
        said = Said(title, observed, proof, (request, request), Confidence.HIGH, turn.answers[1].status)
        return finding_of(_KEY, Place(sight.operation.name, KEY_HEADER, sight.asker.role), said)

    # -- at once

    def _once_more_at_once(self, sight: Sight, tables: tuple[str, ...], turn: _Turn) -> Pair | None:
        """What was taken in turn, twice at once on the rows as they were; None where it is not taken now, or they are gone."""
        if not brought_back(turn.kept, tables):
            return None
        draft = with_new_key(turn.draft)
        pair = self._pairs.race(sight, (draft, draft), tables)
        return pair if any(answer.is_success for answer in pair.answers) else None

    def _others_at_once(self, sight: Sight, number: int, tables: tuple[str, ...]) -> Pair | None:
        """The same submission twice at once: the first one that is taken at all, None where none is."""
        for sent in self._pairs.drafts(sight):
            draft = self._pairs.unlike(sent, number)
            pair = self._pairs.race(sight, (draft, draft), tables)
            if any(answer.is_success for answer in pair.answers):
                return pair
        return None

    # -- sums

    def _miscounted(self, sight: Sight, tables: tuple[str, ...], turn: _Turn) -> Finding | None:
        """A finding where a number grows by each of two submissions in turn, and by one of two at once: twice in a row.

        Where two at once leave fewer rows behind, they were taken for one, as a double click may be.
        """
        steady, rows_added = self._grown_by_each(sight, tables, turn)
        pair = None
        for _ in range(2):
            if not steady or not brought_back(turn.kept, tables):
                return None
            before, rows = turn.kept.sums(), counted(self._watcher.connection, tables)
            pair = self._pairs.race(sight, (with_new_key(turn.draft), with_new_key(turn.draft)), tables)
            now = turn.kept.sums()
            if not pair.both or added(rows, counted(self._watcher.connection, tables)) != rows_added:
                return None
            steady = {place: by for place, by in steady.items() if now[place] - before[place] == by}
        if not steady or pair is None:
            return None
        (table, column), by = next(iter(steady.items()))
        title = f"{sight.operation.name} counts one of two submissions"
        observed = (
            f"Two in turn move {column} of {table} by {by} each; two at the same moment were both taken and moved it by {by} "
            "in all, twice in a row."
        )
        said = Said(title, observed, pair.proof, pair.requests, Confidence.HIGH, pair.answers[1].status)
        return finding_of(_SUM, Place(sight.operation.name, "", sight.asker.role), said)

    def _grown_by_each(
        self, sight: Sight, tables: tuple[str, ...], turn: _Turn
    ) -> tuple[Mapping[tuple[str, str], Decimal], Mapping[str, int]]:
        """By how much each of two submissions in turn moved the numbers that both moved alike, and the rows that both added."""
        if not brought_back(turn.kept, tables):
            return {}, {}
        sums, rows = [turn.kept.sums()], counted(self._watcher.connection, tables)
        for _ in range(2):
            if not self._pairs.send(sight, with_new_key(turn.draft)).is_success:
                return {}, {}
            sums.append(turn.kept.sums())
        before, between, after = sums
        moved = {place: between[place] - before[place] for place in before}
        steady = {place: by for place, by in moved.items() if by and after[place] - between[place] == by}
        return steady, added(rows, counted(self._watcher.connection, tables))


def _grown_alike(before: dict[str, int], between: dict[str, int], after: dict[str, int]) -> list[str]:
    """The tables with new rows, where the second request added to each one that the first had added to."""
    first, second = ([name for name in one if two[name] > one[name]] for one, two in ((before, between), (between, after)))
    return second if first and set(first) <= set(second) else []
