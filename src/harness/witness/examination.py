"""The whole examination of the stage `database`, oracle by oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from harness.model.errors import HarnessError
from harness.model.evidence import DatabasePayload, WatchedOperation
from harness.model.waiver import Examined
from harness.probes.document import Document
from harness.probes.exchange import World
from harness.probes.operations import Operation
from harness.probes.scene import Asker, Scene
from harness.witness.injection import ORACLE as INJECTION
from harness.witness.injection import InjectionOracle
from harness.witness.report import OracleReport
from harness.witness.survey import Sight, askers, destructive, in_order, see
from harness.witness.watcher import RecordedDoor, Watcher
from harness.witness.wording import ENGINE

NO_RECORD = "the server's record of statements cannot be read from here"


DESTRUCTIVE_MAX = 8  # operations that get a target of their own


class Grounds(Protocol):
    """Gives running targets on recorded databases."""

    def recorded(self, label: str) -> AbstractContextManager[RecordedDoor]:
        """A running target on fresh data whose statements are recorded; it is gone at the end."""


@dataclass
class Examination:
    """What was seen and found. `died` says what killed the target, `unwatched` why there is no record."""

    operations: list[WatchedOperation] = field(default_factory=list)
    oracles: dict[str, OracleReport] = field(default_factory=dict)
    requests: int = 0
    statements: int = 0
    overlaps: int = 0
    idle: tuple[str, ...] = ()
    died: str = ""
    unwatched: str = ""

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
            sizes=(),
            grown_by="",
            findings=tuple(finding for report in reports for finding in report.findings),
            observations=tuple(observation for report in reports for observation in report.observations),
            examined=(Examined(ENGINE, rules, names, roles),) if names else (),
        )


def examine(
    grounds: Grounds, document: Document, seed: int, say: Callable[[str], None] = lambda _text: None, only: str = ""
) -> Examination:
    """Examines a target whose database is recorded.

    Args:
        say: gets what is being done, for the progress line.
        only: the one operation to examine (`"GET /x"`); all where it is "".
    """
    work = _Work(grounds, document, seed, say, only)
    try:
        work.run()
    except _Died as error:
        work.done.died = str(error)
    work.conclude()
    return work.done


class _Died(Exception):
    """The target died; the text says after which request. Always caught where the examination began."""


@dataclass(frozen=True)
class Site:
    """One running target that is watched."""

    scene: Scene
    watcher: Watcher


@dataclass
class _Work:
    grounds: Grounds
    document: Document
    seed: int
    say: Callable[[str], None]
    only: str
    done: Examination = field(default_factory=Examination)
    sights: list[Sight] = field(default_factory=list)
    idle: frozenset[str] = frozenset()

    def run(self) -> None:
        """Everything on one target; what destroys credentials or data each on a target of its own."""
        with self._site("witness") as site:
            if site is None:
                self.done.unwatched = NO_RECORD
                return
            self.idle = site.watcher.learn_idle()
            self._survey(site)
            self._mark(site)
            last = destructive(site.scene)
        for operation in last[:DESTRUCTIVE_MAX]:
            if self._wanted(operation):
                self._destroy(operation)

    def conclude(self) -> None:
        """What was learned of the whole."""
        self.done.idle = tuple(sorted(self.idle))

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
                    yield Site(Scene(world, self.document, self.seed), watcher)
                except HarnessError as error:
                    if door.alive():
                        raise
                    raise _Died(str(error)) from error
                finally:
                    self.done.add(watcher)

    def _wanted(self, operation: Operation) -> bool:
        return self.only in ("", operation.name)

    def _survey(self, site: Site) -> None:
        for operation in filter(self._wanted, in_order(site.scene)):
            for asker in askers(site.scene, operation):
                self._see(site, operation, asker)
            self.say(f"watched {operation.name}")

    def _see(self, site: Site, operation: Operation, asker: Asker) -> None:
        sight = see(site.scene, site.watcher, operation, asker)
        self.sights.append(sight)
        self.done.operations.append(sight.record)

    def _mark(self, site: Site) -> None:
        """Markers in every place; then every read once more, for what was stored by then."""
        oracle = InjectionOracle(site.scene, site.watcher, self.done.report(INJECTION, "places"))
        for operation in filter(self._wanted, in_order(site.scene)):
            self._mark_one(site, oracle, operation, first=True)
        for sight in self.sights:
            if sight.watched is not None and sight.operation.is_safe:
                with oracle.during(sight.operation.name):
                    site.scene.world.send(sight.watched.request)
        oracle.conclude()

    def _mark_one(self, site: Site, oracle: InjectionOracle, operation: Operation, *, first: bool) -> None:
        asker = next(askers(site.scene, operation), None)
        if asker is None:
            oracle.report.untried[operation.name] = "no role may call it"
            return
        users = site.scene.world.target.role(asker.role).users if asker.role else ()
        oracle.examine(operation, asker if first or not users else Asker(asker.role, users[-1].name))
        self.say(f"marked {operation.name}")

    def _destroy(self, operation: Operation) -> None:
        """One success as the first user, markers as the last one: the first may not be able to log in any more."""
        with self._site("destructive") as site:
            if site is None:
                return
            for asker in islice(askers(site.scene, operation), 1):
                self._see(site, operation, asker)
            oracle = InjectionOracle(site.scene, site.watcher, self.done.report(INJECTION, "places"))
            self._mark_one(site, oracle, operation, first=False)
            oracle.conclude()
