"""Reads that show what was there before a write: the row has the new value, and the answer the old one, some time later too."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Request, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.access.row_changes import Rows, rows_about
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import leaves
from harness.probes.openapi.names import snake
from harness.probes.scene.calls import sender, valid_drafts
from harness.probes.scene.objects import Reference
from harness.probes.scene.scene import Scene, Untestable
from harness.witness.report import OracleReport
from harness.witness.rewinding import Kept
from harness.witness.survey import Sight
from harness.witness.wording import Said, finding_of

STALE = "stale-read"
LATER_S = 1.5  # what is done after the answer is done by then
WRITES_TRIED = 16  # for known objects in each state, and at last for new ones
_KEPT = re.compile(r"max-age=[1-9]|s-maxage=[1-9]|stale-while", re.I)
_STALE = Weakness(
    f"database.{STALE}",
    Severity.MEDIUM,
    1250,
    "",
    "Who reads an object after a write is shown what the write stored, unless the answer says how long it may be kept.",
    "People act on what is not so any more, and send the write again because it seems to be lost.",
    "Empty the cached answer where the row is written, in every operation that writes it; or keep none.",
)


@dataclass(frozen=True)
class _Moved:
    """A column that a write changed: what stood there before it and at first, and what stands there now."""

    before: tuple[Any, ...]
    now: Any

    def was(self, value: Any) -> bool:
        """Whether a value stood there, and does not now."""
        return value is not None and value in self.before and value != self.now


@dataclass(frozen=True)
class _Old:
    """A member that shows an old value: by which reader, in which column it stands, and both values."""

    reader: str
    member: str
    column: str
    before: Any
    now: Any


def examine_stale_reads(scene: Scene, sights: list[Sight], first: Kept, report: OracleReport) -> None:
    """Every write to an object whose row is known, by whoever succeeded with it first; what it shows then is looked at.

    Args:
        first: the tables before anything was sent: what is shown may be as old as that.
    """
    done: set[str] = set()
    for sight in sights:
        if sight.operation.is_safe or sight.watched is None or sight.operation.name in done | scene.destructive:
            continue
        done.add(sight.operation.name)
        reference = next((each for each in reversed(scene.references(sight.operation)) if each.place == "path"), None)
        if reference is None:
            continue
        try:
            _examine(scene, sight, reference, first, report)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            report.untried[sight.operation.name] = str(error)


def _examine(scene: Scene, sight: Sight, reference: Reference, first: Kept, report: OracleReport) -> None:
    for draft in islice(valid_drafts(scene, sight.operation, sight.asker), WRITES_TRIED):
        identity = draft.path[reference.name]
        look = _Look(scene, sight, reference, identity)
        before, rows = look.answers(), look.rows()
        request = draft.request(*sender(scene, sight.operation, sight.asker))
        if not _sent(scene, sight, request).is_success:
            continue
        moved = moved_columns(rows, look.rows(), first.row(reference.kind.table, identity))
        old = list(old_members(before, look.answers(), moved))
        report.tried += bool(moved)
        if old:
            time.sleep(LATER_S)
            later = look.answers()
            still = [each for each in old if each in list(old_members(before, later, moved))]
            _say(sight, draft, request, still, look, report)
        if moved:
            return


@dataclass(frozen=True)
class _Look:
    """One object as somebody sees it, and as its row is."""

    scene: Scene
    sight: Sight
    reference: Reference
    identity: Any

    def answers(self) -> dict[str, Answer]:
        """By reading operation."""
        return self.scene.looks.at(self.reference, self.identity, self.sight.asker)

    def rows(self) -> Rows:
        """Its row and those about it."""
        return rows_about(self.scene.world.door.dsn, self.identity, self.reference.kind.table)

    def request(self, reader: str) -> Request:
        """How a reader is asked."""
        return dict(self.scene.looks.requests(self.reference, self.identity, self.sight.asker))[reader]


def _sent(scene: Scene, sight: Sight, request: Request) -> Answer:
    return scene.world.send(request) if sight.asker.role else scene.world.send_as(request, scene.anonymous)


def moved_columns(before: Rows, after: Rows, first: Mapping[str, Any]) -> dict[str, _Moved]:
    """Old values and the new one of each column of the object's own row that the write changed."""
    return {
        column: _Moved((before.by_key[place].get(column), first.get(column)), value)
        for place in before.own & after.own
        for column, value in after.by_key[place].items()
        if value != before.by_key[place].get(column)
    }


def old_members(before: Mapping[str, Answer], after: Mapping[str, Answer], moved: Mapping[str, _Moved]) -> Iterator[_Old]:
    """The members that show a column's old value as they did before; not where the answer says how long it may be kept."""
    for reader, answer in after.items():
        first = before.get(reader)
        if first is None or not (first.is_success and answer.is_success) or _KEPT.search(answer.header("cache-control")):
            continue
        shown = dict(leaves(first.json))
        for name, column in moved.items():
            places = [(path, value) for path, value in leaves(answer.json) if snake(path.rpartition(".")[2]) == name]
            if len(places) != 1:
                continue  # of several members of a name, some tell of another object (`customer.status`)
            path, value = places[0]
            if "[" not in path and value == shown.get(path) and column.was(value):
                yield _Old(reader, path, name, value, column.now)


def _say(sight: Sight, draft: Draft, request: Request, old: list[_Old], look: _Look, report: OracleReport) -> None:
    if not old:
        return
    first, name = old[0], draft.operation.name
    read = look.request(first.reader)
    title = f"{first.reader} shows what was there before {name}"
    observed = (
        f"{name} succeeded and {first.column} of the row is {first.now!r}; {LATER_S} s later "
        f"{first.reader} still shows {first.member}: {first.before!r}."
    )
    proof = tuple(f"{each.column}: row {each.now!r}, {each.reader} {each.member} {each.before!r}" for each in old)
    said = Said(title, observed, proof, (read, request, read), Confidence.HIGH)
    report.findings.append(finding_of(_STALE, Place(name, first.reader, sight.asker.role), said))
