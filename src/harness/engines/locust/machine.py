"""Who uses the machine's processors: read from `/proc/stat`, so that a late start can be told from a slow target."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_IDLE, _IOWAIT, _STEAL, _KINDS = 3, 4, 7, 8  # proc(5): user nice system idle iowait irq softirq steal


@dataclass(frozen=True)
class CpuReading:
    """Processor seconds since some moment of the past: of this process, and of the machine's processors together.

    `machine_s` is 0 where the system does not tell (no `/proc/stat`): shares of the machine then read 0.
    """

    at_s: float
    own_s: float
    machine_s: float
    idle_s: float
    steal_s: float


@dataclass(frozen=True)
class CpuShares:
    """What happened between two readings. `own_core_percent` is of one core, the others of all cores together."""

    own_core_percent: float
    own_percent: float
    others_percent: float
    idle_percent: float
    steal_percent: float


def read_cpu() -> CpuReading:
    """The counters now; costs some 30 µs."""
    try:
        with _STAT.open("rb") as file:
            ticks = [int(field) for field in file.readline().split()[1 : 1 + _KINDS]]
    except OSError:
        ticks = [0] * _KINDS
    return CpuReading(
        at_s=time.perf_counter(),
        own_s=time.process_time(),
        machine_s=sum(ticks) / _TICKS_PER_S,
        idle_s=(ticks[_IDLE] + ticks[_IOWAIT]) / _TICKS_PER_S,
        steal_s=ticks[_STEAL] / _TICKS_PER_S,
    )


def shares(before: CpuReading, after: CpuReading) -> CpuShares:
    """The shares between two readings, in percent from 0 to 100 (`own_core_percent` may be above, with threads)."""
    wall_s = after.at_s - before.at_s
    own_s = after.own_s - before.own_s
    machine_s = after.machine_s - before.machine_s
    own_core = 100.0 * own_s / wall_s if wall_s > 0 else 0.0
    if machine_s <= 0:
        return CpuShares(own_core, 0.0, 0.0, 0.0, 0.0)
    own = min(100.0, 100.0 * own_s / machine_s)
    idle = 100.0 * (after.idle_s - before.idle_s) / machine_s
    steal = 100.0 * (after.steal_s - before.steal_s) / machine_s
    return CpuShares(own_core, own, max(0.0, 100.0 - own - idle - steal), idle, steal)
