"""Gathers what the generator processes say, second by second and at the end, and writes it where the harness reads it."""

from __future__ import annotations

import bisect
import json
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from harness.engines.locust.order import Order
from harness.engines.locust.reports import Tick, WorkerReport, merge_phases, merge_ticks
from harness.engines.locust.schedule import US_PER_S, make_schedule
from harness.evidence.codec import to_json, to_plain
from harness.evidence.files import write_atomic
from harness.model.load import LoadResult, LoadSecond


class Collector:
    """One run of all processes together; `finish` writes the result, once."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._schedule = make_schedule(order.profile, order.seed)
        self._ends_s = _running_total([phase.duration_s for phase in order.profile.phases])
        self._ticks: dict[int, list[Tick]] = {}
        self._seconds: list[LoadSecond] = []
        self._reports: dict[int, WorkerReport] = {}
        self._epoch_unix_s = time.time()
        self.finished = False

    @property
    def digest(self) -> str:
        """The digest of the schedule that all must walk."""
        return self._schedule.digest

    @property
    def complete(self) -> bool:
        """Whether every process has reported."""
        return len(self._reports) == self._order.processes

    def start(self, epoch_unix_s: float) -> None:
        """The schedule starts at that time."""
        self._epoch_unix_s = epoch_unix_s

    def tick(self, tick: Tick) -> None:
        """One second of one process; once all have told of it, the second is written."""
        ticks = self._ticks.setdefault(tick.second, [])
        ticks.append(tick)
        if len(ticks) == self._order.processes:
            self._write(tick.second)

    def report(self, report: WorkerReport) -> None:
        """The last word of one process."""
        self._reports[report.worker] = report

    def finish(self, reason: str = "") -> None:
        """Writes the result. `reason` says why the run was broken off, "" for one that was not."""
        if self.finished:
            return
        self.finished = True
        for second in sorted(self._ticks):
            self._write(second)
        write_atomic(Path(self._order.result), to_json(self._result(reason or self._fault())))

    def _fault(self) -> str:
        reports = self._reports.values()
        missing = self._order.processes - len(reports)
        if missing:
            return f"{missing} of {self._order.processes} generator processes did not report"
        if any(report.digest != self.digest for report in reports):
            return "the generator processes did not walk the same schedule"
        return next((report.reason for report in reports if report.reason), "")

    def _result(self, reason: str) -> LoadResult:
        order = self._order
        return LoadResult(
            profile=order.profile.name,
            scale=order.profile.scale,
            seed=order.seed,
            spacing=order.profile.spacing,
            connections=order.profile.connections,
            journey=order.journey,
            role=order.role,
            base_url=order.base_url,
            started=_iso(self._epoch_unix_s),
            duration_s=round(max(0.0, time.time() - self._epoch_unix_s), 3),
            complete=not reason,
            reason=reason,
            schedule_digest=self.digest,
            processes=order.processes,
            tool="locust",
            tool_version=version("locust"),
            phases=merge_phases(order.profile.phases, list(self._reports.values())),
            seconds=tuple(self._seconds),
        )

    def _write(self, second: int) -> None:
        ticks = self._ticks.pop(second)
        row = merge_ticks(ticks, self._phase_of(second), self._due_in(second))
        self._seconds.append(row)
        with Path(self._order.seconds).open("a", encoding="utf-8") as file:
            file.write(json.dumps(to_plain(row)) + "\n")

    def _phase_of(self, second: int) -> str:
        phases = self._order.profile.phases
        return phases[min(bisect.bisect_right(self._ends_s, second), len(phases) - 1)].name

    def _due_in(self, second: int) -> int:
        times = self._schedule.due_us
        return bisect.bisect_left(times, (second + 1) * US_PER_S) - bisect.bisect_left(times, second * US_PER_S)


def _running_total(values: list[float]) -> list[float]:
    total, totals = 0.0, []
    for value in values:
        total += value
        totals.append(total)
    return totals


def _iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
