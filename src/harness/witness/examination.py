"""The whole examination of the stage `database`, oracle by oracle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

from harness.model.errors import HarnessError
from harness.model.evidence import DatabasePayload, TableSize, WatchedOperation
from harness.model.finding import Confidence
from harness.model.waiver import Examined
from harness.probes.deaths import Death, death_by
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.destruction import logs_out
from harness.probes.scene.scene import Asker, Scene
from harness.witness.indexes import examine_plans
from harness.witness.injection import ORACLE as INJECTION
from harness.witness.injection import InjectionOracle
from harness.witness.leaks import ORACLE as LEAKS
from harness.witness.leaks import LeakOracle
from harness.witness.page_reads import PageReads
from harness.witness.pairs import DOUBLE, LIMIT, LOST
from harness.witness.races import Races
from harness.witness.report import OracleReport, said_once
from harness.witness.rereads import Rereads
from harness.witness.rewinding import Kept
from harness.witness.scale import INDEX, Scaling
from harness.witness.stale import STALE, examine_stale_reads
from harness.witness.submissions import SubmissionReports
from harness.witness.survey import Sight, askers, deletions, destructive, in_order, see
from harness.witness.watcher import RecordedDoor, Watcher
from harness.witness.wording import ENGINE
from harness.witness.writes import REFUSED, SAFE, TRANSACTIONS, examine_refused, examine_safe, examine_transactions

NO_RECORD = "the server's record of statements cannot be read from here"


GROWN_BY = "grown by SQL: rows like those that were there, spread over all owners, and more of the user's own"
DESTRUCTIVE_SITES_MAX = 6  # targets for operations that destroy credentials or data


class Grounds(Protocol):
    """Gives running targets on recorded databases."""

    def recorded(self, label: str) -> AbstractContextManager[RecordedDoor]:
        """A running target on fresh data whose statements are recorded; it is gone at the end."""


@dataclass
class Examination:
    """What was seen and found. `death` says what killed the target, `unwatched` why there is no record."""

    operations: list[WatchedOperation] = field(default_factory=list)
    oracles: dict[str, OracleReport] = field(default_factory=dict)
    requests: int = 0
    statements: int = 0
    overlaps: int = 0
    idle: tuple[str, ...] = ()
    sizes: tuple[TableSize, ...] = ()
    death: Death | None = None
    unwatched: str = ""

    @property
    def died(self) -> str:
        """How the target ended; "" where it did not."""
        return self.death.note if self.death else ""

    def report(self, oracle: str, unit: str) -> OracleReport:
        """Where an oracle writes down what it comes to."""
        return self.oracles.setdefault(oracle, OracleReport(oracle, unit))

    def add(self, watcher: Watcher) -> None:
        """Counts what a watcher saw."""
        self.requests += watcher.requests
        self.statements += watcher.attributed
        self.overlaps += watcher.overlaps

    def of(self, oracle: str) -> OracleReport:
        """What an oracle came to; one that did not come to its turn tried nothing."""
        return self.oracles.get(
            oracle, OracleReport(oracle, "nothing", untried={"": self.died or self.unwatched or "not reached"})
        )

    def so_far(self) -> DatabasePayload:
        """For the evidence of an examination that is not at its end: nothing was seen twice, and no rule was tried everywhere."""
        payload = self.payload()
        found = tuple(replace(finding, confidence=Confidence.MEDIUM) for finding in said_once(payload.findings))
        return replace(payload, findings=found, examined=())

    def payload(self) -> DatabasePayload:
        """For the evidence."""
        reports = tuple(self.oracles.values())
        names = tuple(dict.fromkeys(seen.operation for seen in self.operations if seen.watched))
        roles = tuple(dict.fromkeys(seen.role for seen in self.operations if seen.watched))
        rules = ("database.*", "injection.sql", "injection.sql-second-order")
        return DatabasePayload(
            operations=tuple(self.operations),
            oracles=tuple(report.record for report in reports),
            requests=self.requests,
            statements=self.statements,
            overlaps=self.overlaps,
            idle=self.idle,
            sizes=self.sizes,
            grown_by=GROWN_BY if self.sizes else "",
            findings=tuple(finding for report in reports for finding in report.findings),
            observations=tuple(dict.fromkeys(each for report in reports for each in report.observations)),  # once for all roles
            examined=(Examined(ENGINE, rules, names, roles),) if names else (),
        )


def examine(
    grounds: Grounds,
    document: Document,
    seed: int,
    say: Callable[[str], None] = lambda _text: None,
    only: Collection[str] = (),
    keep: Callable[[DatabasePayload], None] = lambda _so_far: None,
) -> Examination:
    """Examines a target whose database is recorded.

    Args:
        say: gets what is being done, for the progress line.
        only: the operations to examine (`"GET /x"`); all where none is named.
        keep: gets what was seen so far after each step, as it stands where the examination is ended before its end.
    """
    work = _Work(grounds, document, seed, say, only, keep)
    try:
        work.run()
    except _Died as error:
        work.done.death = error.death
    work.conclude()
    return work.done


class _Died(Exception):
    """The target died. Always caught where the examination began."""

    def __init__(self, death: Death) -> None:
        super().__init__(death.note)
        self.death = death


@dataclass(frozen=True)
class Site:
    """One running target that is watched."""

    scene: Scene
    watcher: Watcher
    first: Kept  # its tables before anything was sent


@dataclass
class _Work:
    grounds: Grounds
    document: Document
    seed: int
    say: Callable[[str], None]
    only: Collection[str]
    keep: Callable[[DatabasePayload], None]
    done: Examination = field(default_factory=Examination)
    sights: list[Sight] = field(default_factory=list)
    idle: frozenset[str] = frozenset()
    avoided: frozenset[str] = frozenset()  # operations that lose connections

    def run(self) -> None:
        """Everything on one target; what destroys credentials or data each on a target of its own."""
        with self._site("witness") as site:
            if site is None:
                self.done.unwatched = NO_RECORD
                return
            self.idle = site.watcher.learn_idle()
            leaks = LeakOracle(site.scene, site.watcher, self.done.report(LEAKS, "requests"))
            self._survey(site, leaks, in_order(site.scene))
            self._keep("watched every operation")
            self._writes(site, leaks, in_order(site.scene))
            leaks.conclude(self.sights)
            self._keep("looked at writes")
            last, self.avoided = destructive(site.scene), leaks.lossy
            if not self.avoided:
                self._rest(site, leaks)
        if self.avoided:  # who loses connections soon serves nobody: the others are examined without it
            with self._site("without-leaks") as site:
                if site is not None:
                    self._rest(site, LeakOracle(site.scene, site.watcher, self.done.report(LEAKS, "requests")))
        self._destroy([operation for operation in last if self._wanted(operation)])

    def _rest(self, site: Site, leaks: LeakOracle) -> None:
        """What needs the survey."""
        marked = self._mark(site, in_order(site.scene))
        self._look_again(marked)
        marked.conclude()
        self._keep("looked at pages")
        examine_stale_reads(site.scene, self._usable(), site.first, self.done.report(STALE, "writes"))
        reports = SubmissionReports(*(self.done.report(oracle, "operations") for oracle in (DOUBLE, LOST, LIMIT)))
        Races(site.scene, site.watcher, site.first).examine(self._usable(), reports)
        self._keep("raced writes")
        self._scale(site)
        self._keep("looked at grown data")
        self._delete(site, leaks)
        self._keep("deleted")

    def _keep(self, step: str) -> None:
        """At the end of a step."""
        self.say(step)
        self.keep(self.done.so_far())

    def _usable(self) -> list[Sight]:
        return [sight for sight in self.sights if sight.operation.name not in self.avoided]

    def conclude(self) -> None:
        """What was learned of the whole."""
        self.done.idle = tuple(sorted(self.idle))
        for report in self.done.oracles.values():
            report.findings = said_once(report.findings)

    @contextmanager
    def _site(self, label: str) -> Iterator[Site | None]:
        """A running target with its watcher; None where there is no record."""
        with self.grounds.recorded(label) as door:
            if door.record is None:
                yield None
                return
            with World(door) as world, Watcher(world, door.record) as watcher:
                watcher.idle = self.idle
                try:
                    yield Site(Scene(world, self.document, self.seed), watcher, Kept.everything(watcher.connection))
                except HarnessError as error:
                    if door.alive():
                        raise
                    raise _Died(death_by(error)) from error
                finally:
                    self.done.add(watcher)

    def _wanted(self, operation: Operation) -> bool:
        return not self.only or operation.name in self.only

    def _survey(self, site: Site, leaks: LeakOracle, operations: list[Operation]) -> None:
        for operation in filter(self._wanted, operations):
            for asker in askers(site.scene, operation):
                watched = self._see(site, operation, asker).watched
                if watched is not None:
                    leaks.note(operation, asker, watched)
            self.say(f"watched {operation.name}")

    def _see(self, site: Site, operation: Operation, asker: Asker) -> Sight:
        sight = see(site.scene, site.watcher, operation, asker)
        self.sights.append(sight)
        self.done.operations.append(sight.record)
        return sight

    def _writes(self, site: Site, leaks: LeakOracle, operations: list[Operation]) -> None:
        """Writes where there must be none, and writes that do not hold together."""
        wanted = [operation for operation in operations if self._wanted(operation)]
        examine_safe(site.scene, site.watcher, self.sights, self.done.report(SAFE, "reads"))
        examine_transactions(site.scene, site.watcher, self.sights, self.done.report(TRANSACTIONS, "writes"))
        examine_refused(site.scene, site.watcher, wanted, self.done.report(REFUSED, "refusals"), leaks.note)

    def _delete(self, site: Site, leaks: LeakOracle) -> None:
        """What takes objects away, when nothing else needs them any more."""
        operations = deletions(site.scene)
        wanted = [operation for operation in operations if self._wanted(operation)]
        examine_refused(site.scene, site.watcher, wanted, self.done.report(REFUSED, "refusals"), leaks.note)
        self._survey(site, leaks, operations)
        sights = [sight for sight in self.sights if sight.operation in operations]
        examine_transactions(site.scene, site.watcher, sights, self.done.report(TRANSACTIONS, "writes"))
        for sight in sights:
            if sight.watched is not None and self.done.sizes:  # on data that had grown
                examine_plans(site.watcher, sight, sight.watched, self.done.report(INDEX, "statements"))
        self._mark(site, operations, "x").conclude()

    def _scale(self, site: Site) -> None:
        """The same reads when the data has grown."""
        scaling = Scaling(site.scene, site.watcher, self._usable(), self.done.report, self.say)
        scaling.run()
        self.done.sizes = tuple(scaling.sizes)

    def _mark(self, site: Site, operations: list[Operation], label: str = "") -> InjectionOracle:
        """Markers in every place."""
        oracle = InjectionOracle(site.scene, site.watcher, self.done.report(INJECTION, "places"), label)
        for operation in (each for each in operations if each.name not in self.avoided):  # all: what one stores another may use
            self._mark_one(site, oracle, operation, first=True)
        return oracle

    def _look_again(self, oracle: InjectionOracle) -> None:
        """Every read and every page once more, for what was stored by now."""
        rereads = Rereads(oracle)
        for sight in self._usable():
            if sight.operation.is_safe:
                rereads.look(sight)
        PageReads(oracle).look()

    def _mark_one(self, site: Site, oracle: InjectionOracle, operation: Operation, *, first: bool) -> None:
        asker = next(askers(site.scene, operation), None)
        if asker is None:
            oracle.report.untried[operation.name] = "no role may call it"
            return
        users = site.scene.world.target.role(asker.role).users if asker.role else ()
        oracle.examine(operation, asker if first or not users else Asker(asker.role, users[-1].name))
        self.say(f"marked {operation.name}")

    def _destroy(self, operations: list[Operation]) -> None:
        """As many on one target as can be: a new one where the user of the next cannot log in any more."""
        waiting = sorted(operations, key=lambda operation: not logs_out(operation))
        for _ in range(DESTRUCTIVE_SITES_MAX):
            if not waiting:
                return
            with self._site("destructive") as site:
                if site is None:
                    return
                waiting = self._destroy_here(site, waiting)
        for operation in waiting:
            self.done.report(INJECTION, "places").untried[operation.name] = "too many operations destroy credentials or data"

    def _destroy_here(self, site: Site, operations: list[Operation]) -> list[Operation]:
        """One success as the first user, markers as the last one: the first may not be able to log in any more. What is left."""
        oracle = InjectionOracle(site.scene, site.watcher, self.done.report(INJECTION, "places"))
        for number, operation in enumerate(operations):
            for asker in islice(askers(site.scene, operation), 1):
                if number and not _logs_in(site, asker):
                    oracle.conclude()
                    return operations[number:]
                self._see(site, operation, asker)
            self._mark_one(site, oracle, operation, first=False)
        oracle.conclude()
        return []


def _logs_in(site: Site, asker: Asker) -> bool:
    """Whether a user can still begin a session."""
    if not asker.role:
        return True
    users = site.scene.world.target.role(asker.role).users
    try:
        for user in (asker.user, users[-1].name):
            site.scene.world.forget(asker.role, user)
            site.scene.world.credential(asker.role, user)
    except HarnessError:
        return False
    return True
