"""How much processor time the target itself uses, so that a slow target is told from a machine that others keep busy."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# proc(5), /proc/<pid>/stat, counted after the name's closing bracket: state ppid pgrp session … utime stime … starttime
_PARENT, _SESSION, _USER, _SYSTEM, _STARTED = 1, 3, 11, 12, 19

_Key = tuple[int, int]  # process id and start time: ids are used again


class Footprint:
    """The target's processes: one by its id, with its session and descendants, and programs that work for it by their names.

    Args:
        pid: the target's process; 0 where it is not ours, and then nothing is measured.
        programs: names of further programs that count as the target, such as `postgres`.
    """

    def __init__(self, pid: int, programs: Collection[str]) -> None:
        self._pid, self._programs = pid, frozenset(programs)
        self._known_s: dict[_Key, float] = {}
        self._last_at_s, self._last_s = time.monotonic(), self._total_s()

    def share_percent(self) -> float | None:
        """Its share of the machine's processors since the last call, in percent; `None` where it cannot be told."""
        if not self._pid or not self._known_s:
            return None
        at_s, total_s = time.monotonic(), self._total_s()
        span_s = (at_s - self._last_at_s) * (os.cpu_count() or 1)
        share = 100.0 * (total_s - self._last_s) / span_s if span_s > 0 else 0.0
        self._last_at_s, self._last_s = at_s, total_s
        return round(min(100.0, share), 1)

    def _total_s(self) -> float:
        """Processor seconds of all that belong to it; of those that have ended, what was seen last."""
        if self._pid:
            rows = dict(_rows())
            for pid in self._members(rows):
                _, fields = rows[pid]
                self._known_s[pid, int(fields[_STARTED])] = (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_PER_S
        return sum(self._known_s.values())

    def _members(self, rows: dict[int, tuple[str, list[bytes]]]) -> Iterator[int]:
        for pid, (name, fields) in rows.items():
            if name in self._programs or int(fields[_SESSION]) == self._pid or self._descends(pid, rows):
                yield pid

    def _descends(self, pid: int, rows: dict[int, tuple[str, list[bytes]]]) -> bool:
        seen: set[int] = set()
        while pid in rows and pid not in seen:
            if pid == self._pid:
                return True
            seen.add(pid)
            pid = int(rows[pid][1][_PARENT])
        return False


def _rows() -> Iterator[tuple[int, tuple[str, list[bytes]]]]:
    """Name and fields of every process; one that ends meanwhile is left out, and so are all where there is no `/proc`."""
    if not _PROC.is_dir():
        return
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/stat", "rb") as file:  # noqa: PTH123 (hundreds a second)
                    head, _, rest = file.read().rpartition(b")")
            except OSError:
                continue
            yield int(entry.name), (head.partition(b"(")[2].decode("utf-8", "replace"), rest.split())
