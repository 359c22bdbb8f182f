"""The last one of what is limited: a seat of a capacity, a use of a coupon, a piece of a stock.

A number that submissions move in one row is brought, in the database, to where one more is taken and the next one refused: just
below another number of its row, or just above nothing. Of two at the same moment one must be refused there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import psycopg
from psycopg import sql

from harness.model.finding import Confidence, Finding, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.witness.pairs import LIMIT, Pair, Pairs, with_new_key
from harness.witness.report import OracleReport
from harness.witness.rewinding import Kept, Moved, added, brought_back, counted
from harness.witness.survey import Sight
from harness.witness.watcher import Watcher
from harness.witness.wording import Said, finding_of

ROOMS_MAX = 6  # that are tried for one operation
TIMES = 2
REFUSALS = (400, 402, 403, 404, 409, 410, 412, 422)  # for what is asked for, not for who asks or how often
DONE = (200, 201, 204)  # a 202 says that it may still be refused
_OWN_COUNT = re.compile(r"version|revision|views|hits", re.I)
Two = tuple[Draft, Draft]
_EXCEEDED = Weakness(
    f"database.{LIMIT}",
    Severity.HIGH,
    362,
    "API6:2023",
    "The last one is given once, however many ask for it at the same moment.",
    "More is sold than there is, or a coupon is worth more than it says: by chance, or to whoever sends many requests at once.",
    "Ask in the statement that takes it (`UPDATE … SET taken = taken + 1 WHERE … AND taken < capacity`), or lock the row "
    "(`SELECT … FOR UPDATE`) before the limit is looked at.",
)


@dataclass(frozen=True)
class _Room:
    """A number and where it is to stand so that one more is taken. `bound` is the column that it may not pass, "" for nothing."""

    moved: Moved
    bound: str
    one: Decimal  # with room for one
    two: Decimal  # with room for two

    @property
    def limit(self) -> str:
        """What bounds it, in words."""
        return f"{self.bound} is {self.moved.row[self.bound]}" if self.bound else "there is nothing below 0"


class Rooms:
    """Looks for limits of submissions on one target, and sends two at once where one more is free."""

    def __init__(self, pairs: Pairs, watcher: Watcher) -> None:
        self._pairs, self._watcher = pairs, watcher

    def examine(self, sight: Sight, tables: tuple[str, ...], kept: Kept, twos: Iterable[Two], report: OracleReport) -> None:
        """Two submissions that are both taken in turn, the first such of `twos`: the first limit that they meet.

        Raises:
            psycopg.Error: the tables could not be read.
        """
        for two in twos:
            trial = _Trial(self._pairs, self._watcher.connection, sight, tables, kept, two)
            moved, rows = trial.moved_by_each()
            for room in islice(_rooms(moved), ROOMS_MAX):
                if status := trial.refused_in_turn(room):
                    report.tried += 1
                    report.findings += trial.at_once(room, rows, status)
                    return
            if moved:
                return


@dataclass(frozen=True)
class _Trial:
    """Two submissions, and the tables as they were before them."""

    pairs: Pairs
    connection: psycopg.Connection
    sight: Sight
    tables: tuple[str, ...]
    kept: Kept
    two: Two

    def moved_by_each(self) -> tuple[list[Moved], dict[str, int]]:
        """The numbers that both in turn moved by as much, and the rows that both added."""
        if not brought_back(self.kept, self.tables):
            return [], {}
        before, seen = counted(self.connection, self.tables), list[dict[tuple[object, ...], Moved]]()
        for draft in self.two:
            if not self._send(draft).is_success:
                return [], {}
            seen.append({moved.place: moved for moved in self.kept.moved()})
        first, both = seen
        steady = [moved for place, moved in first.items() if place in both and both[place].by == 2 * moved.by]
        return steady, added(before, counted(self.connection, self.tables))

    def refused_in_turn(self, room: _Room) -> int:
        """The status with which the second is refused where there is room for one, and taken for two; 0 where it is no limit."""
        status = self._second(room, room.one)
        return status if status in REFUSALS and 200 <= self._second(room, room.two) < 300 else 0

    def at_once(self, room: _Room, rows: dict[str, int], status: int) -> Iterator[Finding]:
        """Both at once with room for one: said where both are taken and counted, twice, and the second refused in turn again."""
        pair: Pair | None = None
        stood: Decimal | None = None
        for _ in range(TIMES):
            if not self._make(room.moved, room.one):
                return
            before = counted(self.connection, self.tables)
            pair = self.pairs.race(self.sight, (with_new_key(self.two[0]), with_new_key(self.two[1])), self.tables)
            stood, more = self._now(room.moved), added(before, counted(self.connection, self.tables))
            is_passed = stood == room.one + 2 * room.moved.by or (any(rows.values()) and more == rows)
            if not is_passed or any(answer.status not in DONE for answer in pair.answers):
                return
        if pair is None or self._second(room, room.one) != status:
            return
        moved = room.moved
        row = ", ".join(f"{name} {value}" for name, value in moved.key.items())
        title = f"{self.sight.operation.name} gives the last one twice"
        observed = (
            f"With {moved.column} of {moved.table} ({row}) set to {room.one} ({room.limit}) one more is taken and the next one "
            f"refused with {status}. Two at the same moment were both taken, twice in a row, after which it stood at {stood}."
        )
        said = Said(title, observed, pair.proof, pair.requests, Confidence.HIGH, pair.answers[1].status)
        yield finding_of(_EXCEEDED, Place(self.sight.operation.name, "", self.sight.asker.role), said)

    def _send(self, draft: Draft) -> Answer:
        return self.pairs.send(self.sight, with_new_key(draft))

    def _second(self, room: _Room, stands: Decimal) -> int:
        """The status of the second one after the first was taken, the number standing there before; 0 where it was not."""
        if not self._make(room.moved, stands):
            return 0
        first, second = (self._send(draft) for draft in self.two)
        return second.status if first.is_success else 0

    def _make(self, moved: Moved, stands: Decimal) -> bool:
        """Whether the tables are as they were, but for the number; the schema may not let it stand there."""
        if not brought_back(self.kept, self.tables):
            return False
        statement = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(
            sql.SQL(moved.table), sql.Identifier(moved.column), _is_row(moved)
        )
        try:
            with self.connection.transaction():
                self.connection.execute("SET LOCAL session_replication_role = replica")  # no trigger of the platform's
                return self.connection.execute(statement, [stands, *moved.key.values()]).rowcount == 1
        except psycopg.Error:
            return False

    def _now(self, moved: Moved) -> Decimal | None:
        statement = sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.Identifier(moved.column), sql.SQL(moved.table), _is_row(moved)
        )
        row = self.connection.execute(statement, list(moved.key.values())).fetchone()
        return row[0] if row else None


def _is_row(moved: Moved) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in moved.key)


def _rooms(moved: Iterable[Moved]) -> Iterator[_Room]:
    """For each number that shrinks, nothing at all; for each that grows, the others of its row that it may not pass.

    What is counted of a row's own writes (a version) comes last: nothing bounds it.
    """
    for each in sorted(moved, key=lambda each: (each.by > 0, bool(_OWN_COUNT.search(each.column)))):
        if each.by < 0:
            yield _Room(each, "", -each.by, -2 * each.by)
            continue
        for name, value in each.row.items():
            if name != each.column and value >= each.now + each.by:
                yield _Room(each, name, value - each.by, value - 2 * each.by)
