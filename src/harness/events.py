"""What happens in a run, as typed events: written as NDJSON, and shown by whoever listens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.codec import to_plain
from harness.evidence.folder import now
from harness.evidence.redaction import redact


@dataclass(frozen=True)
class RunStarted:
    """The plan is known and the run folder made."""

    run: str
    folder: str
    plan: str
    target: str
    seed: int
    stages: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """One step of the preparation is done: the database, its template, the first start of the target."""

    what: str
    duration_s: float


@dataclass(frozen=True)
class StageStarted:
    """A stage began."""

    stage: str
    number: int
    of: int


@dataclass(frozen=True)
class StageProgress:
    """A stage is under way: `text` is what a person reads (`sustained 120/300 s  50.0 of 50/s  p95 182 ms`)."""

    stage: str
    text: str


@dataclass(frozen=True)
class StageEnded:
    """A stage ended."""

    stage: str
    state: str
    duration_s: float
    reason: str = ""


@dataclass(frozen=True)
class GateJudged:
    """A gate was judged."""

    gate: str
    verdict: str
    reason: str


@dataclass(frozen=True)
class RunEnded:
    """The run is judged and reported."""

    verdict: str
    reason: str
    report: str
    duration_s: float


@dataclass(frozen=True)
class Note:
    """Something that the reader should know."""

    text: str


Event = RunStarted | Prepared | StageStarted | StageProgress | StageEnded | GateJudged | RunEnded | Note
Listener = Callable[[Event], None]


@dataclass
class EventStream:
    """Hands each event to the listeners, one at a time whoever says it; `open_log` adds the run's own file."""

    listeners: list[Listener] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __call__(self, event: Event) -> None:
        """Hands one event to every listener, in their order."""
        with self._lock:
            for listener in self.listeners:
                listener(event)

    def open_log(self, path: Path) -> None:
        """From now on every event is a line of that file."""
        self.listeners.append(lambda event: _append(path, event))


def _append(path: Path, event: Event) -> None:
    entry = {"at": now(), "event": type(event).__name__, **to_plain(event)}
    with path.open("a", encoding="utf-8") as file:
        file.write(redact(json.dumps(entry, ensure_ascii=False)) + "\n")
