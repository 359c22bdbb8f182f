"""Runs Schemathesis on one job, in a process of its own: it may hang, grow or die without taking the stage along.

Started by `harness.engines.contract.legs` as `python -m harness.engines.contract.worker FD`, with a socket on that descriptor.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from uuid import UUID

import schemathesis
from schemathesis.engine import StopReason, events, from_schema
from schemathesis.engine.run import PhaseName
from schemathesis.schemas import BaseSchema

from harness.engines.contract import bounded
from harness.engines.contract.feeding_hooks import Feeder
from harness.engines.contract.job import Ended, Job, Said, Trouble
from harness.engines.contract.line import Line
from harness.engines.contract.reading import Reader
from harness.engines.contract.settings import settings_of

_HANG_SECONDS = 15.0  # beyond the job's own time: the engine looks at the clock between two requests only
_WATCH_EACH_SECONDS = 0.5
MEMORY_BYTES_MAX = 6 * 1024**3  # address space: far above what a campaign needs (0.4 GB), far below what hurts a machine


def hang_seconds(job: Job) -> float:
    """How long after its own time a job is taken to hang."""
    return min(_HANG_SECONDS, job.request_seconds + job.seconds / 4)


def main() -> int:
    """Takes a job from the socket, says what happens, ends with `Ended`."""
    line = Line(Connection(int(sys.argv[1])))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    job = line.job()
    threading.Thread(target=_watch, args=(os.getppid(), time.monotonic() + job.seconds + hang_seconds(job)), daemon=True).start()
    try:
        run(job, line)
    except (BrokenPipeError, ConnectionResetError):
        return 1  # whoever asked is gone
    return 0


def _watch(parent: int, deadline: float) -> None:
    """Ends this process when nobody waits for it any more, or when the engine hangs (a pattern that takes for ever to match)."""
    while os.getppid() == parent and time.monotonic() < deadline:
        time.sleep(_WATCH_EACH_SECONDS)
    os._exit(3)


def run(job: Job, line: Line) -> None:
    """Runs the phases of a job on the engine and says on the line what happens."""
    started = time.monotonic()
    disguise = bounded.Disguise(dict(job.secrets.headers), dict(job.secrets.texts))
    limits = bounded.Limits(job.answer_bytes_max, job.request_seconds)
    bounded.install(limits, disguise, job.base_url, is_fixed=job.is_forwarded)
    schema = schemathesis.openapi.from_dict(job.document, config=settings_of(job))
    feeder = Feeder(job, line, disguise)
    feeder.hook_into(schema)
    reader = Reader(job)
    reason, done, begun = "", [], _Begun()
    for event in _events(schema, deadline=started + job.seconds):
        for said in _said(event, reader):
            line.say(said)
        if isinstance(event, events.PhaseFinished) and event.phase.name.value in job.phases:
            done.append(event.phase.name.value)
        if isinstance(event, events.ScenarioFinished) and (lost := feeder.take_lost_session()):
            line.say(lost)
        reason = _reason(event) or reason
        for trouble in begun.given_up(event, stopped=bool(reason)):
            line.say(trouble)
            reason = reason or f"the engine gave {trouble.operation} up without a word, and what came after it"
    phases = tuple(dict.fromkeys(done)) if not reason else tuple(dict.fromkeys(done[:-1]))
    line.say(Ended(reason, phases, time.monotonic() - started, time.process_time()))


class _Begun:
    """What the engine began and did not end: a thread of it that dies takes the rest of its phase along, and nobody says so."""

    def __init__(self) -> None:
        self._labels: dict[UUID, str] = {}

    def given_up(self, event: events.EngineEvent, *, stopped: bool) -> Iterator[Trouble]:
        """At the end of a suite that was not stopped: the scenarios of operations that have no end."""
        if isinstance(event, events.ScenarioStarted) and event.label:
            self._labels[event.id] = event.label
        elif isinstance(event, events.ScenarioFinished):
            self._labels.pop(event.id, None)
        elif isinstance(event, events.SuiteFinished):
            lost, self._labels = self._labels, {}
            for label in () if stopped else lost.values():
                yield Trouble(label, event.phase.value, "engine", "the engine could not read what came back")


def _events(schema: BaseSchema, *, deadline: float) -> Iterator[events.EngineEvent]:
    """The engine's events; at the deadline it is asked to stop, and what it still says is passed on."""
    stream = from_schema(schema).execute()
    for event in stream:
        yield event
        if time.monotonic() > deadline:
            stream.stop()


def _said(event: events.EngineEvent, reader: Reader) -> Iterator[Said]:
    if isinstance(event, events.ScenarioFinished) and event.phase is not PhaseName.AUTH_BOOTSTRAP:
        yield reader.scenario(event)
    elif isinstance(event, events.NonFatalError):
        phase = event.phase.value if event.phase else ""
        yield reader.trouble(event.label, phase, event.value)
    elif isinstance(event, events.FatalError):
        yield Trouble("", "", "engine", f"{type(event.exception).__name__}: {event.exception}"[:2000])


_STOPS: dict[StopReason, str] = {
    StopReason.INTERRUPTED: "stopped at its time limit",
    StopReason.SERVER_UNAVAILABLE: "the target stopped answering",
    StopReason.MAX_TIME: "stopped at its time limit",
    StopReason.FAILURE_LIMIT: "stopped at its failure limit",
}


def _reason(event: events.EngineEvent) -> str:
    if isinstance(event, events.FatalError):
        return f"the engine failed: {type(event.exception).__name__}"
    if isinstance(event, events.EngineFinished):
        return _STOPS.get(event.stop_reason, "")
    return ""


if __name__ == "__main__":
    sys.exit(main())
