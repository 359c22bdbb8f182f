"""Writes from one read of which one is lost."""

from __future__ import annotations

from itertools import islice

import psycopg

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import member
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.objects import Reference
from harness.probes.scene.preconditions import carries_version
from harness.probes.scene.scene import Scene, Untestable
from harness.witness.pairs import LOST, Pair, Pairs
from harness.witness.report import OracleReport
from harness.witness.rewinding import Kept, brought_back
from harness.witness.submissions import SubmissionReports, Submissions
from harness.witness.survey import Sight
from harness.witness.watcher import Watcher
from harness.witness.wording import Said, finding_of, noticed
from harness.witness.writes import Bookkeeping

RACES_MAX = 6  # pairs of writes that are sent until two were lost, or one was refused as it should be
LOST_MIN = 2
_LOST = Weakness(
    f"database.{LOST}",
    Severity.HIGH,
    362,
    "",
    "Of two writes from one read both are kept, or one is refused (409, 412).",
    "What one user wrote is gone, and the platform told both that it was saved.",
    "Compare the version in the statement itself (`UPDATE … WHERE id = … AND version = …`) and answer 409 or 412 when no row was "
    "written; or lock the row (`SELECT … FOR UPDATE`) before it is read.",
)


def _answered(pair: Pair) -> str:
    return f"the last were answered {pair.answers[0].status} and {pair.answers[1].status}"


class Races:
    """Sends pairs of requests to one target. `first`: its tables before anything was sent; what a race wrote is taken back."""

    def __init__(self, scene: Scene, watcher: Watcher, first: Kept) -> None:
        self._scene, self._watcher, self._first = scene, watcher, first
        self._pairs = Pairs(scene, watcher)
        self._submissions = Submissions(self._pairs, watcher, first)

    def examine(self, sights: list[Sight], reports: SubmissionReports) -> None:
        """Every write that succeeded before."""
        for sight in sights:
            if sight.operation.is_safe or sight.operation.method == "DELETE" or sight.watched is None:
                continue
            if sight.operation.name in self._scene.destructive or self._begins_session(sight.operation):
                continue
            tables = self._tables(sight)
            if not tables:
                continue
            try:
                kept = Kept(self._watcher.connection, tables)
                try:
                    self._one(sight, tables, reports)
                finally:  # a race leaves its rows as it needs them: nobody else is to meet them
                    kept.bring_back(tables)
                    kept.forget()
            except (Untestable, HarnessError, psycopg.Error) as error:
                if not self._scene.world.door.alive():
                    raise
                reports.lost.untried[sight.operation.name] = str(error)

    def _tables(self, sight: Sight) -> tuple[str, ...]:
        wrote, _ = Bookkeeping(self._scene.world.target).split(sight.watched.queries if sight.watched else ())
        return tuple(sorted({write.table for statement in wrote for write in statement.writes}))

    def _one(self, sight: Sight, tables: tuple[str, ...], reports: SubmissionReports) -> None:
        draft = next(valid_drafts(self._scene, sight.operation, sight.asker))
        if carries_version(draft):
            if not self._versioned(sight, tables, reports.lost) and brought_back(self._first, tables):
                self._versioned(sight, tables, reports.lost)
        elif sight.operation.method in ("PATCH", "PUT") and self._object(draft) is not None:
            self._members(sight, tables, reports.lost)
        if sight.operation.method == "POST":
            self._submissions.examine(sight, tables, reports)

    def _begins_session(self, operation: Operation) -> bool:
        return bool(self._scene.login_role(operation)) or self._scene.refreshes(operation)

    def _versioned(self, sight: Sight, tables: tuple[str, ...], report: OracleReport) -> bool:
        """Two different writes that carry the same version: one of them is late. Whether it can be said.

        A write can be refused for another reason than its version (the object's state does not allow it), before it comes to the
        lock: such a pair never met, and others are sent, to another object, until one did. Where none did, nothing is known.
        """
        pairs: list[Pair] = []
        refused = 0
        for number in range(RACES_MAX):
            first = self._draft(sight, refused)
            pair = self._pairs.race(sight, (first, self._pairs.unlike(first, number)), tables)
            if pair.both:
                pairs.append(pair)
            elif pair.waited >= len(pair.requests):
                break
            else:
                refused += 1
            if len(pairs) == LOST_MIN:
                break
        else:
            report.untried[sight.operation.name] = f"of {RACES_MAX} pairs of writes none met at the row: {_answered(pair)}"
            return False
        report.untried.pop(sight.operation.name, None)
        report.tried += 1
        if len(pairs) < LOST_MIN:
            return True
        title = f"{sight.operation.name} takes two writes from one version"
        observed = "Two different writes that carried the same version were both answered with success, twice."
        said = Said(title, observed, pairs[-1].proof, pairs[-1].requests, Confidence.HIGH, pairs[-1].answers[1].status)
        report.findings.append(finding_of(_LOST, Place(sight.operation.name, "", sight.asker.role), said))
        return True

    def _draft(self, sight: Sight, number: int) -> Draft:
        """Another one each time."""
        return next(islice(self._pairs.drafts(sight), number, None), None) or next(self._pairs.drafts(sight))

    def _members(self, sight: Sight, tables: tuple[str, ...], report: OracleReport) -> None:
        """Two writes of different members without a version: both members must stand afterwards."""
        draft = next(valid_drafts(self._scene, sight.operation, sight.asker))
        place = self._object(draft)
        if not isinstance(draft.body, dict) or place is None:
            return
        names = self._free_members(sight, draft)
        if len(names) < 2:
            text = f"{sight.operation.name} asks for no version: of two writes the last one wins"
            report.observations.append(noticed(f"database.{LOST}", text, sight.operation.name))
            return
        report.tried += 1
        gone: list[Pair] = []
        for number in range(2):
            bodies = [{name: f"zq{number}{position} {name}"} for position, name in enumerate(names[:2])]
            pair = self._pairs.race(sight, (draft.with_body(bodies[0]), draft.with_body(bodies[1])), tables)
            looks = self._scene.looks.at(place, draft.path[place.name], sight.asker).values()
            kept = [any(member(look.json, name) == value for look in looks) for body in bodies for name, value in body.items()]
            if not pair.both or all(kept) or not any(kept):
                return
            gone.append(pair)
        title = f"{sight.operation.name} loses one of two writes"
        observed = (
            f"{names[0]} and {names[1]} were written at the same moment, both with success, and only one of them stands: twice."
        )
        said = Said(title, observed, gone[-1].proof, gone[-1].requests, Confidence.HIGH, gone[-1].answers[1].status)
        report.findings.append(finding_of(_LOST, Place(sight.operation.name, "", sight.asker.role), said))

    def _object(self, draft: Draft) -> Reference | None:
        return next((found for found in self._scene.references(draft.operation) if found.place == "path"), None)

    def _free_members(self, sight: Sight, draft: Draft) -> list[str]:
        """Members that take any text, each of which is accepted alone."""
        found = []
        for name, value in draft.body.items():
            if isinstance(value, str):
                answer = self._scene.world.send(draft.with_body({name: f"zq {name}"}).request(*self._pairs.sender(sight)))
                if answer.is_success:
                    found.append(name)
            if len(found) == 2:
                break
        return found
