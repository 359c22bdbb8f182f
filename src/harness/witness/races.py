"""Two requests at the same moment: writes from one read of which one is lost, and one submission that is taken twice.

The moment is made, not awaited: the harness holds a lock on the tables that the request writes to, sends both, and lets go when
both wait. What each read before it wrote, it read before the other wrote.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg import sql

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.answers import Answer
from harness.probes.borrowed import is_reference
from harness.probes.calls import on_a_new_object, sender, valid_drafts
from harness.probes.drafts import Draft, File, body_schema
from harness.probes.exchange import World
from harness.probes.objects import Reference
from harness.probes.operations import Operation
from harness.probes.oracle import member
from harness.probes.preconditions import carries_version
from harness.probes.scene import Scene, Untestable
from harness.witness.report import OracleReport
from harness.witness.survey import Sight
from harness.witness.watcher import Watcher, pause
from harness.witness.wording import Said, finding_of, noticed
from harness.witness.writes import Bookkeeping

LOST, DOUBLE = "lost-update", "double-submission"
RACES_MAX = 6  # pairs of writes that are sent until two were lost, or one was refused as it should be
RACES_ON_KNOWN_MAX = 12  # of them for objects that were there before: some in each state
LOST_MIN = 2
_WAIT_S = 1.0  # until both wait for the lock
_LOCK_S = 2.0
_ANSWER_S = 25.0  # longer than any answer is waited for
_POLL_S = 0.005
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
_DOUBLE = Weakness(
    f"database.{DOUBLE}",
    Severity.HIGH,
    837,
    "API6:2023",
    "A submission that is refused the second time is refused too when both come at the same moment.",
    "A double click, a retry or two tabs do twice what may be done once.",
    "Let the database decide: a unique constraint, or a lock that is taken before the check.",
)


_KEY_HEADER = "Idempotency-Key"
_KEY = Weakness(
    f"database.{DOUBLE}",
    Severity.HIGH,
    837,
    "API6:2023",
    "A request that is sent again with the same key is answered as the first time, and does nothing.",
    "A client that lost the answer sends the request again, as the key invites it to, and pays twice.",
    "Keep the key with what it did, under a unique constraint and in the same transaction, and answer a repetition from there.",
)


@dataclass(frozen=True)
class Pair:
    """Two requests that were sent at the same moment, and their answers. `waited` is how many waited for the lock together."""

    requests: tuple[Request, Request]
    answers: tuple[Answer, Answer]
    waited: int

    @property
    def both(self) -> bool:
        """Whether both were told that it was done."""
        return all(answer.is_success for answer in self.answers)

    @property
    def proof(self) -> tuple[str, ...]:
        """Lines for a finding."""
        lines = [
            f"{request.method} {request.path} {request.body or ''} → {answer.status}"
            for request, answer in zip(self.requests, self.answers, strict=True)
        ]
        return (*lines, f"{self.waited} of the two waited for the table at the same moment")


def _answered(pair: Pair) -> str:
    return f"the last were answered {pair.answers[0].status} and {pair.answers[1].status}"


def _with_new_key(draft: Draft) -> Draft:
    """With a key that no request before had, where the operation takes one."""
    name = _key_name(draft)
    return replace(draft, headers={**draft.headers, name: f"zq{secrets.token_hex(8)}"}) if name else draft


def _key_name(draft: Draft) -> str:
    names = [parameter.name for parameter in draft.operation.placed("header")]
    return next((name for name in names if name.lower() == _KEY_HEADER.lower()), "")


def _grown_alike(before: dict[str, int], between: dict[str, int], after: dict[str, int]) -> list[str]:
    """The tables with new rows, where the second request added to each one that the first had added to."""
    first, second = ([name for name in one if two[name] > one[name]] for one, two in ((before, between), (between, after)))
    return second if first and set(first) <= set(second) else []


class Races:
    """Sends pairs of requests to one target."""

    def __init__(self, scene: Scene, watcher: Watcher) -> None:
        self._scene, self._watcher = scene, watcher

    def examine(self, sights: list[Sight], lost: OracleReport, double: OracleReport) -> None:
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
                self._one(sight, tables, lost, double)
            except (Untestable, HarnessError, psycopg.Error) as error:
                if not self._scene.world.door.alive():
                    raise
                lost.untried[sight.operation.name] = str(error)

    def _tables(self, sight: Sight) -> tuple[str, ...]:
        wrote, _ = Bookkeeping(self._scene.world.target).split(sight.watched.queries if sight.watched else ())
        return tuple(sorted({write.table for statement in wrote for write in statement.writes}))

    def _one(self, sight: Sight, tables: tuple[str, ...], lost: OracleReport, double: OracleReport) -> None:
        draft = next(valid_drafts(self._scene, sight.operation, sight.asker))
        if carries_version(draft):
            self._versioned(sight, tables, lost)
        elif sight.operation.method in ("PATCH", "PUT") and self._object(draft) is not None:
            self._members(sight, tables, lost)
        if sight.operation.method == "POST":
            self._twice(sight, tables, double)

    # -- lost updates

    def _versioned(self, sight: Sight, tables: tuple[str, ...], report: OracleReport) -> None:
        """Two different writes that carry the same version: one of them is late.

        A write can be refused for another reason than its version (the object's state does not allow it), before it comes to the
        lock: such a pair never met, and others are sent, to another object, until one did. Where none did, nothing is known.
        """
        pairs: list[Pair] = []
        refused = 0
        for number in range(RACES_MAX):
            first = self._draft(sight, refused)
            pair = self._race(sight, (first, self._unlike(first, number)), tables)
            if pair.both:
                pairs.append(pair)
            elif pair.waited >= len(pair.requests):
                report.tried += 1
                return
            else:
                refused += 1
            if len(pairs) == LOST_MIN:
                break
        else:
            report.untried[sight.operation.name] = f"of {RACES_MAX} pairs of writes none met at the row: {_answered(pair)}"
            return
        report.tried += 1
        title = f"{sight.operation.name} takes two writes from one version"
        observed = "Two different writes that carried the same version were both answered with success, twice."
        said = Said(title, observed, pairs[-1].proof, pairs[-1].requests, Confidence.HIGH, pairs[-1].answers[1].status)
        report.findings.append(finding_of(_LOST, Place(sight.operation.name, "", sight.asker.role), said))

    def _drafts(self, sight: Sight) -> Iterator[Draft]:
        """Valid drafts, at last for new objects: the state of those that were there before may refuse every write by now."""
        asked = (self._scene, sight.operation, sight.asker)
        return chain(islice(valid_drafts(*asked), RACES_ON_KNOWN_MAX), on_a_new_object(*asked))

    def _draft(self, sight: Sight, number: int) -> Draft:
        """Another one each time."""
        return next(islice(self._drafts(sight), number, None), None) or next(self._drafts(sight))

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
            pair = self._race(sight, (draft.with_body(bodies[0]), draft.with_body(bodies[1])), tables)
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
                answer = self._scene.world.send(draft.with_body({name: f"zq {name}"}).request(*self._sender(sight)))
                if answer.is_success:
                    found.append(name)
            if len(found) == 2:
                break
        return found

    # -- double submission

    def _twice(self, sight: Sight, tables: tuple[str, ...], report: OracleReport) -> None:
        """What is refused the second time in turn, sent twice at once."""
        first, in_turn, counted = self._in_turn(sight, tables)
        if not in_turn[0].is_success:
            report.untried[sight.operation.name] = f"another submission was answered {in_turn[0].status}"
            return
        if in_turn[1].is_success or in_turn[1].status >= 500:
            report.tried += 1
            if in_turn[1].is_success and _key_name(first) and (again := _grown_alike(*counted)):
                report.findings.append(self._key_ignored(sight, first, in_turn, again))
                return
            text = f"{sight.operation.name} takes the same submission twice: it promises nothing else"
            report.observations.append(noticed(f"database.{DOUBLE}", text, sight.operation.name))
            return
        pairs = []
        for number in (11, 12):
            pair = self._submitted_twice(sight, number, tables)
            if pair is None:
                report.untried[sight.operation.name] = "none of two submissions at the same moment was taken, whatever the object"
                return
            if not pair.both:
                report.tried += 1
                return
            third = self._scene.world.send_as(pair.requests[0], self._credential(sight))
            if third.is_success or third.status >= 500:
                report.untried[sight.operation.name] = (
                    f"what was taken twice at the same moment was answered {third.status} in turn"
                )
                return
            pairs.append(pair)
        report.tried += 1
        title = f"{sight.operation.name} takes the same submission twice at once"
        observed = (
            f"In turn the second one is refused with {in_turn[1].status}; at the same moment both were taken, twice in a row."
        )
        said = Said(title, observed, pairs[-1].proof, pairs[-1].requests, Confidence.HIGH, pairs[-1].answers[1].status)
        report.findings.append(finding_of(_DOUBLE, Place(sight.operation.name, "", sight.asker.role), said))

    def _in_turn(self, sight: Sight, tables: tuple[str, ...]) -> tuple[Draft, list[Answer], list[dict[str, int]]]:
        """A submission and the same once more, with the rows before, between and after: the first one that is taken at all."""
        tried = None
        for sent in self._drafts(sight):
            tried = self._once_more(sight, _with_new_key(self._unlike(sent, 10)), tables)
            if tried[1][0].is_success:
                break
        if tried is None:
            raise Untestable("no valid request could be made")
        return tried

    def _once_more(self, sight: Sight, draft: Draft, tables: tuple[str, ...]) -> tuple[Draft, list[Answer], list[dict[str, int]]]:
        answers: list[Answer] = []
        counted = [self._counted(tables)]
        while len(answers) < 2 and all(answer.is_success for answer in answers):
            answers.append(self._scene.world.send_as(draft.request(*self._sender(sight)), self._credential(sight)))
            counted.append(self._counted(tables))
        return draft, answers, counted

    def _submitted_twice(self, sight: Sight, number: int, tables: tuple[str, ...]) -> Pair | None:
        """The same submission twice at once: the first one that is taken at all, None where none is."""
        for sent in self._drafts(sight):
            draft = self._unlike(sent, number)
            pair = self._race(sight, (draft, draft), tables)
            if any(answer.is_success for answer in pair.answers):
                return pair
        return None

    def _counted(self, tables: tuple[str, ...]) -> dict[str, int]:
        """Rows of each table."""
        found = {}
        for table in tables:
            row = self._watcher.connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            found[table] = int(row[0]) if row else 0
        return found

    def _key_ignored(self, sight: Sight, draft: Draft, answers: list[Answer], tables: list[str]) -> Finding:
        request = draft.request(*self._sender(sight))
        title = f"{sight.operation.name} does again what it did for the same Idempotency-Key"
        observed = f"The same request with the same key was sent twice; each time there was a new row in {', '.join(tables)}."
        proof = tuple(f"{request.method} {request.path} {request.body or ''} → {answer.status}" for answer in answers)
        said = Said(title, observed, proof, (request, request), Confidence.HIGH, answers[1].status)
        return finding_of(_KEY, Place(sight.operation.name, _KEY_HEADER, sight.asker.role), said)

    # -- sending

    def _unlike(self, draft: Draft, number: int) -> Draft:
        """The same request with other values where the schema leaves a choice; the version it carries stays."""
        if not isinstance(draft.body, dict):
            return draft
        place = f"{draft.operation.name} race {number}"
        current = {
            name: value
            for name, value in draft.body.items()
            if not isinstance(value, dict | list | File) and not is_reference(name)
        }
        changed = self._scene.drafter.values.unlike(body_schema(draft.operation.body), place, draft.body, current)
        versions = {name: value for name, value in draft.body.items() if isinstance(value, int) and not isinstance(value, bool)}
        return draft.with_body({**changed, **versions} if isinstance(changed, dict) else changed)

    def _begins_session(self, operation: Operation) -> bool:
        return bool(self._scene.login_role(operation)) or self._scene.refreshes(operation)

    def _sender(self, sight: Sight) -> tuple[str, str]:
        return sender(self._scene, sight.operation, sight.asker)

    def _credential(self, sight: Sight) -> Any:
        return self._scene.world.credential(*self._sender(sight)) if sight.asker.role else self._scene.anonymous

    def _race(self, sight: Sight, drafts: tuple[Draft, Draft], tables: tuple[str, ...]) -> Pair:
        requests = (drafts[0].request(*self._sender(sight)), drafts[1].request(*self._sender(sight)))
        credential = self._credential(sight)
        world: World = self._scene.world
        with ThreadPoolExecutor(2) as pool, self._held(tables) as release:
            futures = [pool.submit(world.send_as, request, credential) for request in requests]
            waited = self._await_both(futures)
            release()
            answers = [future.result(_ANSWER_S) for future in futures]
        return Pair(requests, (answers[0], answers[1]), waited)

    def _await_both(self, futures: list[Any]) -> int:
        """How many of the target's connections wait for a lock, when both do or time is over."""
        deadline, most = time.monotonic() + _WAIT_S, 0
        while time.monotonic() < deadline and not all(future.done() for future in futures):
            row = self._watcher.connection.execute(
                "SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE NOT l.granted AND a.datname = current_database()"
            ).fetchone()
            most = max(most, int(row[0]) if row else 0)
            if most >= 2:
                break
            pause(_POLL_S)
        return most

    @contextmanager
    def _held(self, tables: tuple[str, ...]) -> Iterator[Any]:
        """Holds the tables against writers, not against readers, until it is told to let go."""
        with self._watcher.record.connect() as connection:
            connection.execute(f"SET lock_timeout = {int(_LOCK_S * 1000)}")
            connection.execute("BEGIN")
            names = sql.SQL(", ").join(sql.Identifier(name) for name in tables)
            try:
                connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(names))
            except psycopg.Error as error:
                raise HarnessError(f"the tables could not be held: {str(error).strip().splitlines()[0]}") from error
            yield lambda: connection.execute("ROLLBACK")
