"""Sends one request at a time and says which statements are its own.

The database's only client is the target. What it does between the sending of a request and a quiet interval after its answer
belongs to that request. What the target does by itself was learned while nobody asked, and is subtracted; whatever began before
the request was sent makes an overlap, and nothing is said of that request.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import psycopg
from psycopg import sql

from harness.databases.recorded import Recorded
from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.door import Credential, Door
from harness.probes.http.exchange import World
from harness.witness.log import Line, LogReader
from harness.witness.statements import Assembler, Statement

QUIET_S = 0.02  # without a new statement, after the answer
QUIET_TIMEOUT_S = 2.0
STUCK_S = 1.0  # a transaction that is open so long after the answer is not being ended any more
MARK_TIMEOUT_S = 5.0
IDLE_LEARNED_S = 1.2
_POLL_S = 0.001
_CLOCK_S = 0.002  # the log's times are whole milliseconds
_never = threading.Event()

_BACKENDS = sql.SQL(
    "SELECT pid, coalesce(state, ''),"
    " coalesce(extract(epoch FROM clock_timestamp() - coalesce(xact_start, state_change)), 0)::float8"
    " FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    " AND pid <> pg_backend_pid() /* {} */"
)


def pause(seconds: float) -> None:
    """Waits so long."""
    _never.wait(seconds)


class RecordedDoor(Door, Protocol):
    """A running target on a database whose statements are recorded."""

    @property
    def record(self) -> Recorded | None:
        """The database; None where there is no record."""


class Silent(HarnessError):
    """The server's log does not show what was written to it."""


@dataclass(frozen=True)
class Backend:
    """One connection of the target. `transaction_s` is how long its transaction has been open, or has been failed."""

    pid: int
    state: str
    transaction_s: float

    @property
    def is_stuck(self) -> bool:
        """Whether it holds a transaction open and does nothing in it."""
        return self.state.startswith("idle in transaction")

    @property
    def is_failed(self) -> bool:
        """Whether that transaction has failed: the server no longer tells when it began."""
        return self.state == "idle in transaction (aborted)"


@dataclass(frozen=True)
class Watched:
    """One request with its answer and its own statements, in the server's order.

    `overlap` says why they may be somebody else's, "" where they are its own. `answered` is the time of the answer, UTC.
    """

    request: Request
    answer: Answer
    statements: tuple[Statement, ...]
    sent: float
    answered: float
    overlap: str = ""
    backends: tuple[Backend, ...] = ()  # when it had become quiet
    stuck: tuple[Backend, ...] = ()  # whose transaction was still open `STUCK_S` later

    @property
    def queries(self) -> tuple[Statement, ...]:
        """The statements that read or write; not the words of transactions."""
        return tuple(statement for statement in self.statements if not statement.is_transaction_word)


class Watcher:
    """Watches one database while requests are sent to the target that uses it. Close it at the end."""

    def __init__(self, world: World, record: Recorded) -> None:
        self.world = world
        self.record = record
        self.connection = record.connect()
        self.idle: frozenset[str] = frozenset()
        self._reader = LogReader(record.log, record.name)
        self._assembler = Assembler()
        self._marks = itertools.count(1)
        self._listeners: list[Callable[[Statement], None]] = []
        self._failed: frozenset[int] = frozenset()  # connections that some request before left in a failed transaction
        self.requests = self.attributed = self.overlaps = 0

    def close(self) -> None:
        """Closes the harness's own connection."""
        self.connection.close()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def listen(self, listener: Callable[[Statement], None]) -> None:
        """Calls the listener with every statement of the target from now on, whoever it belongs to."""
        self._listeners.append(listener)

    def learn_idle(self, seconds: float = IDLE_LEARNED_S) -> frozenset[str]:
        """Learns the shapes of what the target does while nobody asks."""
        self.catch_up()
        pause(seconds)
        statements, _ = self.catch_up()
        self.idle = self.idle | {statement.shape for statement in statements if not statement.is_transaction_word}
        return self.idle

    def catch_up(self) -> tuple[list[Statement], tuple[Backend, ...]]:
        """All statements that ended since the last call, and the target's connections now.

        The harness's own statement marks the end: every line that was written before it stands before it.

        Raises:
            Silent: the mark does not come.
        """
        mark = f"mark {next(self._marks)}"
        try:
            rows = self.connection.execute(_BACKENDS.format(sql.SQL(mark))).fetchall()
        except psycopg.Error as error:
            raise Silent(f"the recorded database does not answer: {str(error).strip()}") from error
        lines: list[Line] = []
        deadline = time.monotonic() + MARK_TIMEOUT_S
        while time.monotonic() < deadline:
            new = self._reader.read()
            lines += [line for line in new if line.user == self.record.role]
            if any(line.user == self.record.admin and mark + " */" in line.message for line in new):
                statements = self._assembler.feed(lines)
                for statement in statements:
                    for listener in self._listeners:
                        listener(statement)
                return statements, tuple(Backend(*row) for row in rows)
            pause(_POLL_S)
        raise Silent(f"the log {self.record.log} does not show the harness's own statement after {MARK_TIMEOUT_S:g} s")

    def exchange(self, request: Request, credential: Credential | None = None) -> Watched:
        """Sends a request when the database is quiet, and waits until it is quiet again.

        Args:
            credential: exactly this one; by default the session of the request's user, renewed once where it is over.

        Raises:
            TargetError, Silent: the target is dead, or the record is.
        """
        chosen = credential or self.world.credential(request.role, request.user)
        watched = self._exchange(request, chosen)
        if watched.answer.status == 401 and request.role and credential is None:
            self.world.forget(request.role, request.user)
            watched = self._exchange(request, self.world.credential(request.role, request.user))
        return watched

    def _exchange(self, request: Request, credential: Credential) -> Watched:
        busy = not self._is_quiet()
        sent = time.time()
        answer = self.world.send_as(request, credential)
        answered = time.time()
        statements, quiet, backends = self._until_quiet()
        own = tuple(statement for statement in statements if statement.shape not in self.idle)
        early = next((statement for statement in own if statement.started < sent - _CLOCK_S and not statement.error), None)
        overlap = (
            "the database was not quiet before it" if busy else "" if quiet else "the database did not become quiet after it"
        )
        if early is not None:
            overlap = f"a statement of somebody else ran at the same time: {early.shape[:120]}"
        self.requests += 1
        self.overlaps += bool(overlap)
        self.attributed += 0 if overlap else len(own)
        stuck = self._stuck(backends, sent)
        self._failed |= {backend.pid for backend in stuck if backend.is_failed}
        return Watched(request, answer, own, sent, answered, overlap, backends, stuck)

    def _stuck(self, backends: tuple[Backend, ...], sent: float) -> tuple[Backend, ...]:
        """Transactions that began with this request, are open and stay so; the next one is not sent before that is known."""
        open_, deadline = self._left_open(backends, sent), time.monotonic() + STUCK_S
        while open_ and time.monotonic() < deadline:
            pause(QUIET_S)
            known = {backend.pid for backend in open_}
            open_ = tuple(backend for backend in self._left_open(self.catch_up()[1], sent) if backend.pid in known)
        return open_

    def _left_open(self, backends: tuple[Backend, ...], sent: float) -> tuple[Backend, ...]:
        now = time.time()
        stuck = (backend for backend in backends if backend.is_stuck and now - backend.transaction_s >= sent - _CLOCK_S)
        return tuple(backend for backend in stuck if not (backend.is_failed and backend.pid in self._failed))

    def _is_quiet(self) -> bool:
        """Whether the target rests, or came to rest in time."""
        statements, backends = self.catch_up()
        others = [statement for statement in statements if statement.shape not in self.idle]
        return (not others and not _any_active(backends)) or self._until_quiet()[1]

    def _until_quiet(self) -> tuple[list[Statement], bool, tuple[Backend, ...]]:
        """Statements until nothing was done for `QUIET_S`; False where that did not come about in time."""
        found, backends = self.catch_up()
        deadline = time.monotonic() + QUIET_TIMEOUT_S
        while time.monotonic() < deadline:
            pause(QUIET_S)
            new, backends = self.catch_up()
            found += new
            others = [statement for statement in new if statement.shape not in self.idle]
            if not others and not _any_active(backends):
                return found, True, backends
        return found, False, backends


def _any_active(backends: tuple[Backend, ...]) -> bool:
    return any(backend.state == "active" for backend in backends)
