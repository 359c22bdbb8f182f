"""Runs a suite in a pytest process of its own and reads back what it recorded: the base of four engines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.engines.engine import StageJob, StageOutcome
from harness.engines.process import Ended, run_bounded
from harness.evidence.folder import EvidenceDraft, now
from harness.evidence.records import Records, read_records
from harness.evidence.redaction import redact
from harness.model.evidence import Counts, Kind, Outcome, State, TestsPayload
from harness.model.run import StageState

RECORDS_FILE = "raw/records.ndjson"
LOG_FILE = "log.txt"
CUT_OFF = "cut off after"
_PROGRESS_EVERY_S = 1.0
_EXIT_WITH_RESULTS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_LOG_LINES_QUOTED = 4


@dataclass(frozen=True)
class Payload:
    """One payload that an engine made of the records."""

    kind: Kind
    data: Any
    counts: Counts


PayloadsOf = Callable[[StageJob, Records], Sequence[Payload]]


def run_suite(job: StageJob, payloads_of: PayloadsOf, *, tool: str, version: str, extra: Sequence[str] = ()) -> StageOutcome:
    """Runs the stage's suite and writes its evidence.

    Args:
        payloads_of: what the engine makes of the records, besides the tests themselves.
        tool: the tool that the evidence names, with its `version`.
        extra: further arguments for pytest.
    """
    started, clock = now(), time.monotonic()
    records_file = job.folder / RECORDS_FILE
    ended = run_bounded(
        _command(job, records_file, extra),
        cwd=job.root,
        env=_environment(job),
        log=job.folder / LOG_FILE,
        timeout_s=job.timeout_s,
        stop=job.stop,
        poll=_Progress(records_file, job.progress),
    )
    records = read_records(records_file)
    state, reason = _state(job, ended, records)
    payloads = [_tests(job, records), *payloads_of(job, records)]
    evidence = [
        job.run.add_payload(EvidenceDraft(job.stage.name, p.kind, state, started, tool, version, p.counts, reason), p.data)
        for p in payloads
    ]
    _redact_log(job.folder / LOG_FILE)
    return StageOutcome(_stage_state(state), tuple(evidence), min(ended.duration_s, time.monotonic() - clock), reason)


def _command(job: StageJob, records: Path, extra: Sequence[str]) -> list[str]:
    return [
        sys.executable,
        "-m",
        "pytest",
        job.stage.suite,
        "-q",
        "-p",
        "no:cacheprovider",
        f"--harness-records={records}",
        f"--harness-artifacts={job.folder / 'artefacts'}",
        f"--harness-target={job.arena.target_file}",
        f"--harness-seed={job.seed}",
        f"--harness-size={job.size}",
        *(f"--harness-option={name}={value}" for name, value in job.stage.options.items()),
        f"--junitxml={job.folder / 'raw' / 'junit.xml'}",
        *(["-m", job.stage.marks] if job.stage.marks else []),
        *extra,
    ]


def _environment(job: StageJob) -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", **job.environment}


class _Progress:
    """Turns what the suite has recorded so far into the text of the progress line."""

    def __init__(self, records: Path, say: Callable[[str], None]) -> None:
        self._records, self._say, self._next_s = records, say, _PROGRESS_EVERY_S

    def __call__(self, elapsed_s: float) -> None:
        if elapsed_s < self._next_s or not self._records.is_file():
            return
        self._next_s = elapsed_s + _PROGRESS_EVERY_S
        records = read_records(self._records)
        found = f"  findings {len(records.findings)}" if records.findings else ""
        doing = f"  {records.progress}" if records.progress else ""
        self._say(f"{len(records.tests)}/{records.collected} tests{found}{doing}")


def _state(job: StageJob, ended: Ended, records: Records) -> tuple[State, str]:
    if ended.interrupted:
        return State.PARTIAL, f"stopped by {job.stop.signal}"
    if ended.timed_out:
        return State.PARTIAL, f"{CUT_OFF} {job.timeout_s:.0f} s, the stage's longest duration"
    if ended.code not in _EXIT_WITH_RESULTS:
        return State.FAILED, f"pytest ended with {ended.code}: {_tail(job.folder / LOG_FILE)}"
    if records.target_alive is False:
        return State.PARTIAL, f"the target died: {records.target_note}"
    if records.broken_lines:
        return State.PARTIAL, f"{records.broken_lines} records could not be read"
    return State.RAN, ""


def _stage_state(state: State) -> StageState:
    return StageState(str(state))


def _tests(job: StageJob, records: Records) -> Payload:
    results = tuple(records.tests)
    payload = TestsPayload(job.stage.suite, records.collected, job.stage.tests_min, results)
    failed = payload.count(Outcome.FAILED) + payload.count(Outcome.ERROR)
    return Payload(Kind.TESTS, payload, Counts(records.collected, len(results), failed, payload.count(Outcome.SKIPPED)))


def _tail(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return redact(" | ".join(lines[-_LOG_LINES_QUOTED:]))[:600]


def _redact_log(log: Path) -> None:
    log.write_text(redact(log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")
