"""A reader and a writer that arrive at a steady rate, whatever the database does, and a watcher of who waits for a lock."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, LiteralString

import psycopg

READ_EVERY_S = 0.010
WRITE_EVERY_S = 0.020
WATCH_EVERY_S = 0.010
STOP_TIMEOUT_S = 30

READ: LiteralString = (
    "SELECT m.id, m.match_score, c.name FROM contractor_partner_matches m JOIN contractors c ON c.id = m.contractor_id"
    " WHERE m.partner_id = 1 ORDER BY m.match_score DESC, m.id DESC LIMIT 20"
)
WRITE: LiteralString = "UPDATE contractor_partner_matches SET updated_at = now() WHERE id = 1 + (random() * 100)::int"
WAITING: LiteralString = (
    "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float8"
    " FROM pg_locks WHERE NOT granted AND pid = ANY (%s)"
)


@dataclass
class Seen:
    """What happened to the traffic since the last look."""

    statements: int = 0
    errors: list[str] = field(default_factory=list)
    blocked_s: float = 0.0
    """The longest that a statement waited for a lock, as the server says."""


class Traffic:
    """Runs in a `with` block. Statements use columns alone that the first revision has, so that they run at any revision."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._seen = Seen()
        self._pids: list[int] = []
        self._threads = [
            threading.Thread(target=self._arrive, args=(READ, READ_EVERY_S), daemon=True),
            threading.Thread(target=self._arrive, args=(WRITE, WRITE_EVERY_S), daemon=True),
            threading.Thread(target=self._watch, daemon=True),
        ]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_S)

    def look(self) -> Seen:
        """What happened since the last look."""
        with self._lock:
            seen, self._seen = self._seen, Seen()
        return seen

    def _arrive(self, statement: LiteralString, every_s: float) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            self._pids.append(connection.info.backend_pid)
            begun, number = time.monotonic(), 0
            while not self._over.is_set():
                number += 1
                self._over.wait(max(0.0, begun + number * every_s - time.monotonic()))
                self._once(connection, statement)

    def _once(self, connection: psycopg.Connection[Any], statement: LiteralString) -> None:
        try:
            connection.execute(statement).close()
        except psycopg.Error as error:
            with self._lock:
                self._seen.errors.append(f"{type(error).__name__}: {error}")
        with self._lock:
            self._seen.statements += 1

    def _watch(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._over.wait(WATCH_EVERY_S):
                row = connection.execute(WAITING, (list(self._pids),)).fetchone()
                waited = float(row[0]) if row else 0.0
                with self._lock:
                    self._seen.blocked_s = max(self._seen.blocked_s, waited)
