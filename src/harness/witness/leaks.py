"""What a request leaves behind in the server: a transaction that stays open, a connection that nobody gives back, a lock."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.finding import Confidence, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Asker, Scene
from harness.witness.report import OracleReport
from harness.witness.survey import Sight
from harness.witness.watcher import Watched, Watcher
from harness.witness.wording import Said, finding_of

ORACLE = "leaks"
GROWN_MIN = 2  # connections more, where the target serves nobody any more
REPEATED = 6
SUSPECTS_MAX = 6
_CONNECTION = Weakness(
    "database.leaks.connection",
    Severity.HIGH,
    772,
    "API4:2023",
    "A request gives back the connections that it took.",
    "After as many requests as the server or the pool has connections nobody is served any more.",
    "Take the connection in a block that gives it back however it ends (with, defer, finally, try-with-resources).",
)
_TRANSACTION = Weakness(
    "database.leaks.transaction",
    Severity.HIGH,
    772,
    "API4:2023",
    "When the answer is given, its transaction is over.",
    "Its locks and its old rows stay: writers wait for it, and the table cannot be cleaned up.",
    "End the transaction in a block that commits or rolls back however it ends.",
)
_LOCK = Weakness(
    "database.leaks.lock",
    Severity.HIGH,
    667,
    "API4:2023",
    "When the answer is given, its locks are released.",
    "The next request that needs the lock waits until the connection is closed.",
    "Take the lock for the transaction (pg_advisory_xact_lock), or release it in a block that always runs.",
)


@dataclass(frozen=True)
class Suspect:
    """A request after which there was one connection more."""

    operation: Operation
    asker: Asker
    watched: Watched


class LeakOracle:
    """Is told of every watched request in turn; suspects are confirmed at the end."""

    def __init__(self, scene: Scene, watcher: Watcher, report: OracleReport) -> None:
        self._scene, self._watcher, self._report = scene, watcher, report
        self._last = len(watcher.catch_up()[1])
        self._locks = self._held()
        self._suspects: dict[str, Suspect] = {}

    def note(self, operation: Operation, asker: Asker, watched: Watched) -> None:
        """One request that was just watched."""
        self._report.tried += 1
        count = len(watched.backends)
        if count > self._last:
            self._suspects[operation.name] = Suspect(operation, asker, watched)
        self._last = count
        if watched.stuck:
            self._open_transaction(Suspect(operation, asker, watched))
        locks = self._held()
        if locks > self._locks:
            self._held_lock(Suspect(operation, asker, watched), locks - self._locks)
        self._locks = locks

    def conclude(self, sights: list[Sight]) -> None:
        """Sends each read some times more, one after the other: a connection more for each is a leak.

        Comes late: who loses connections serves nobody in the end.
        """
        first = {sight.operation.name: sight for sight in reversed(sights) if sight.operation.is_safe and sight.watched}
        for sight in first.values():
            if sight.watched is not None:
                self._repeat(Suspect(sight.operation, sight.asker, sight.watched))
        for suspect in list(self._suspects.values())[:SUSPECTS_MAX]:
            if suspect.operation.name not in first:
                self._repeat(suspect)

    def _repeat(self, suspect: Suspect) -> None:
        request = suspect.watched.request
        before = self._connections()
        for _ in range(REPEATED // 2):
            if request.role:
                self._scene.world.send(request)
            else:
                self._scene.world.send_as(request, self._scene.anonymous)
        if self._connections() <= before:
            return
        again = [self._again(suspect) for _ in range(REPEATED)]
        counts = [before, *(len(watched.backends) for watched in again)]
        grown, starved = counts[-1] - before, again[-1].answer.status in (0, 500, 503, 504)
        if grown < GROWN_MIN or (grown < REPEATED - 2 and not starved):
            return
        end = f", and the last one was answered {again[-1].answer.status}" if starved else ""
        title = f"{suspect.operation.name} does not give its connection back"
        observed = f"Sent {REPEATED + REPEATED // 2} times, one after the other, it left {grown} connections more open{end}."
        proof = (f"connections of the target before, and after each of the last: {', '.join(map(str, counts))}",)
        said = Said(title, observed, proof, (request,), Confidence.HIGH, suspect.watched.answer.status)
        self._report.findings.append(finding_of(_CONNECTION, self._place(suspect), said))

    @property
    def lossy(self) -> frozenset[str]:
        """Operations that lose connections."""
        return frozenset(finding.operation for finding in self._report.findings if finding.rule == _CONNECTION.rule)

    def _connections(self) -> int:
        return len(self._watcher.catch_up()[1])

    def _again(self, suspect: Suspect) -> Watched:
        return self._watcher.exchange(suspect.watched.request, None if suspect.watched.request.role else self._scene.anonymous)

    def _place(self, suspect: Suspect) -> Place:
        return Place(suspect.operation.name, "", suspect.asker.role)

    def _open_transaction(self, suspect: Suspect) -> None:
        stuck = suspect.watched.stuck
        title = f"{suspect.operation.name} leaves its transaction open"
        observed = f"{stuck[0].transaction_s:.1f} s after its answer a transaction is still open and nothing happens in it."
        proof = tuple(f"connection {backend.pid}: {backend.state} for {backend.transaction_s:.1f} s" for backend in stuck)
        said = Said(title, observed, proof, (suspect.watched.request,), Confidence.HIGH, suspect.watched.answer.status)
        self._report.findings.append(finding_of(_TRANSACTION, self._place(suspect), said))

    def _held(self) -> int:
        """Advisory locks that idle connections of the target hold."""
        row = self._watcher.connection.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted"
            " AND a.datname = current_database() AND a.state = 'idle' AND pid <> pg_backend_pid()"
        ).fetchone()
        return int(row[0]) if row else 0

    def _held_lock(self, suspect: Suspect, count: int) -> None:
        title = f"{suspect.operation.name} keeps a lock"
        observed = f"After its answer the idle connections of the target hold {count} advisory locks more than before."
        said = Said(title, observed, (observed,), (suspect.watched.request,), Confidence.MEDIUM, suspect.watched.answer.status)
        self._report.findings.append(finding_of(_LOCK, self._place(suspect), said))
