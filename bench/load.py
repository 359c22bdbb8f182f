"""How fast the load engine is: `python -m bench.load`.

A stub in a process of its own (`bench.stub`) says when each request truly came. Generator and stub share the machine's cores
with whatever else runs; the shares of others and the steal are printed beside each figure, because they make starts late.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.engines.locust import LoadJob, LoadTarget, run_load
from harness.engines.locust.schedule import US_PER_S, make_schedule
from harness.engines.process import Stop
from harness.model.load import Connections, LoadProfile, LoadResult, Phase
from harness.model.plan import LoadLimits
from harness.model.target import Login, User

ROOT = Path(__file__).resolve().parent.parent
Figure = tuple[str, float, str, str]  # name, value, unit, how it was measured
_STUB_START_S_MAX = 20.0


@dataclass(frozen=True)
class Case:
    """One measurement: a journey at a rate."""

    name: str
    journey: str
    arrivals_per_s: float
    connections: Connections
    processes: int = 1


CASES = (
    Case("one request, kept connections", "one_request", 1000, Connections.KEPT),
    Case("one request, kept connections", "one_request", 2000, Connections.KEPT),
    Case("two requests, kept connections", "log_in_and_view_leads", 400, Connections.KEPT),
    Case("two requests, a connection each", "log_in_and_view_leads", 400, Connections.OWN),
)


@contextmanager
def stub(password: str = "", *options: str) -> Iterator[str]:
    """Address of a stub that runs as long as the context.

    Raises:
        RuntimeError: it did not start.
    """
    environ = {**os.environ, "STUB_PASSWORD": password}
    command = [sys.executable, "-m", "bench.stub", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()  # ends with the process, should it not start
        if not address:
            raise RuntimeError("the stub did not start")
        yield address
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_STUB_START_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measure(case: Case, duration_s: float) -> list[Figure]:
    """Runs one case and says what came of it."""
    password = secrets.token_urlsafe(16)
    profile = LoadProfile(
        case.name, case.name, (Phase("bench", "", duration_s, case.arrivals_per_s),), connections=case.connections
    )
    with stub(password, "--first") as address, tempfile.TemporaryDirectory() as folder:
        login = Login("json", "/api/partner-auth/login", {"email": "{username}", "password": "{password}"}, "$.token")
        target = LoadTarget(address, "partner", login, (User("one", "one@example.test", password),))
        own = ROOT / "bench" / "journeys"
        job = LoadJob(
            target=target,
            profile=profile,
            journey=case.journey,
            seed=1,
            load_folder=ROOT / "load",
            output=Path(folder),
            timeout_s=duration_s + 120,
            limits=_NEVER_REPEAT,
            processes=case.processes,
            journeys_folder=own if (own / f"{case.journey}.py").is_file() else None,
        )
        result = run_load(job, stop=Stop(), progress=lambda progress: print(f"  {progress.line}", file=sys.stderr))  # noqa: T201
        came = _record(address) if case.journey == "one_request" else []
    return _figures(case, result, _lateness_ms(result, profile, came))


# One attempt is measured as it is, however late.
_NEVER_REPEAT = LoadLimits(achieved_percent_min=0, lateness_p99_ms_max=1e9, generator_cpu_percent_max=1e9)


def _record(address: str) -> list[tuple[float, str]]:
    with urllib.request.urlopen(f"{address}/_record", timeout=30) as answer:
        return [(came_s, path) for came_s, path in json.load(answer)]


def _lateness_ms(result: LoadResult, profile: LoadProfile, came: Sequence[tuple[float, str]]) -> list[float]:
    """How late each numbered request came to the stub, after its time in the schedule; ascending."""
    epoch_s = datetime.fromisoformat(result.started).timestamp()
    due_us = make_schedule(profile, result.seed).due_us
    numbered = ((came_s, int(path.partition("n=")[2])) for came_s, path in came if "n=" in path)
    return sorted(1000 * (came_s - epoch_s - due_us[number] / US_PER_S) for came_s, number in numbered)


def _figures(case: Case, result: LoadResult, seen_ms: list[float]) -> list[Figure]:
    phase = result.phases[0]
    machine = phase.machine
    how = f"{phase.duration_s:g} s; others {machine.others_percent:.0f} %, steal {machine.steal_percent:.1f} % of the machine"
    name = f"{case.name}, {case.arrivals_per_s:g}/s"
    cpu_ms = 10.0 * phase.generator_cpu_percent * phase.duration_s / max(1, phase.started)
    figures = [
        (f"{name}: began in time", phase.achieved_per_s, "1/s", how),
        (f"{name}: completed", float(phase.completed), f"of {phase.intended}", how),
        (f"{name}: start lateness p50, own clock", phase.lateness.p50_ms or 0.0, "ms", how),
        (f"{name}: start lateness p99, own clock", phase.lateness.p99_ms or 0.0, "ms", how),
        (f"{name}: processor time per arrival", cpu_ms, "ms", how),
    ]
    if seen_ms:
        figures.insert(3, (f"{name}: start lateness p50, at the stub", _percentile(seen_ms, 50), "ms", how))
        figures.insert(5, (f"{name}: start lateness p99, at the stub", _percentile(seen_ms, 99), "ms", how))
    return figures


def _percentile(ascending: Sequence[float], percent: int) -> float:
    return ascending[-(-len(ascending) * percent // 100) - 1]


def figures(duration_s: float = 10.0) -> list[Figure]:
    """Every figure of this benchmark: name, value, unit, how it was measured."""
    return [figure for case in CASES for figure in measure(case, duration_s)]


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=10.0, help="seconds per case")
    options = parser.parse_args()
    for name, value, unit, how in figures(options.duration):
        print(f"{name:<72} {value:>10.2f} {unit:<10} {how}")  # noqa: T201


if __name__ == "__main__":
    main()
