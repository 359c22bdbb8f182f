"""Runs a load profile in a Locust process, follows it, and reads what it measured."""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from harness.engines.locust.follower import Follower, phases_of
from harness.engines.locust.footprint import Footprint
from harness.engines.locust.journeys import check_journey
from harness.engines.locust.order import ORDER_VARIABLE, SIGN_IN_VARIABLE, Order, SignIn, order_text, sign_in_text
from harness.engines.locust.schedule import make_schedule
from harness.engines.process import Ended, Stop, run_bounded
from harness.evidence.codec import from_json, to_json
from harness.evidence.files import write_atomic
from harness.evidence.folder import now
from harness.evidence.redaction import redact
from harness.model.errors import EvidenceError
from harness.model.load import LoadAttempt, LoadProfile, LoadProgress, LoadResult, LoadSecond
from harness.model.load_validity import disturbed, generator_faults
from harness.model.plan import LoadLimits
from harness.model.target import Login, User

RESULT_FILE = "load.json"
LOG_FILE = "locust.log"
LOCUSTFILE = "locustfile.py"
# Locust needs some 2 s to start on a free core, and to end; ten times that on a busy machine is no fault.
_STARTUP_S_MAX = 30.0
_LOG_LINES_QUOTED = 4
_LOG_LENGTH_QUOTED = 400


@dataclass(frozen=True)
class LoadTarget:
    """Whom the load is for: a running target, and the users that the visitors log in as, in turn.

    `seeded` says that the harness's own data is in it, so that an empty list is wrong. `pid` is its process where it was
    started here (0 where not), and `programs` are names of others that work for it: their processor time is the target's.
    """

    base_url: str
    role: str
    login: Login
    users: tuple[User, ...] = field(repr=False)
    seeded: bool = True
    pid: int = 0
    programs: tuple[str, ...] = ("postgres", "redis-server", "mysqld", "mariadbd")


@dataclass(frozen=True)
class LoadJob:
    """One load test. `load_folder` is the project's `load/`; the result and the raw files go to `output`.

    `timeout_s` bounds the whole, a repetition included.
    """

    target: LoadTarget
    profile: LoadProfile
    journey: str
    seed: int
    load_folder: Path
    output: Path
    timeout_s: float
    limits: LoadLimits
    processes: int = 1
    journeys_folder: Path | None = None  # where other journeys than the project's are

    @property
    def journeys(self) -> Path:
        """The folder of the journeys."""
        return (self.journeys_folder or self.load_folder / "journeys").resolve()


def run_load(job: LoadJob, *, stop: Stop, progress: Callable[[LoadProgress], None]) -> LoadResult:
    """Runs the profile, and once more where it was not valid for a reason of the generator's own or of its machine.

    Args:
        stop: ends the run early when it is set; what was measured is kept, as incomplete.
        progress: called once a second.

    Returns:
        The last attempt's result, which also lies in `output/load.json`; never raises for what target or generator do.

    Raises:
        ConfigError: the journey does not exist or cannot be read.
    """
    check_journey(job.journeys, job.journey)
    deadline_s = time.monotonic() + job.timeout_s
    result = _attempt(job, 1, stop, progress, job.timeout_s)
    reasons = (*generator_faults(result, job.limits), *disturbed(result, job.limits).values())
    left_s = deadline_s - time.monotonic()
    if reasons and not stop.signal and left_s >= least_duration_s(job.profile):
        earlier = LoadAttempt("load-1.json", reasons)
        write_atomic(job.output / earlier.file, to_json(result))
        result = dataclasses.replace(_attempt(job, 2, stop, progress, left_s), attempts=(earlier,))
    write_atomic(job.output / RESULT_FILE, to_json(result))
    return result


def least_duration_s(profile: LoadProfile) -> float:
    """The longest that one attempt takes while all goes as it should: start, phases, the wait for the last visitors."""
    return _STARTUP_S_MAX + profile.duration_s + profile.journey_timeout_s


def load_result_from_json(path: Path) -> LoadResult:
    """Reads a result back.

    Raises:
        EvidenceError: the file is not one, or was cut.
    """
    try:
        return from_json(LoadResult, path.read_bytes(), where=path.name)
    except OSError as error:
        raise EvidenceError(f"{path.name}: cannot be read: {error.strerror}") from None


def _attempt(job: LoadJob, number: int, stop: Stop, progress: Callable[[LoadProgress], None], timeout_s: float) -> LoadResult:
    folder = job.output / f"attempt-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    order = _order(job, folder)
    order_file = write_atomic(folder / "order.json", order_text(order))
    started = now()
    follower = Follower(job.profile, Path(order.seconds), progress, Footprint(job.target.pid, job.target.programs))
    log = folder / LOG_FILE
    ended = run_bounded(
        _command(job),
        cwd=folder,
        env=_environment(job, order_file, folder),
        log=log,
        timeout_s=timeout_s,
        stop=stop,
        poll=lambda _elapsed_s: follower.look(),
    )
    follower.look()
    log.write_text(redact(log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")
    return follower.with_target(_read_result(job, order, started, _why_early(ended, stop), ended, tuple(follower.seconds)))


def _order(job: LoadJob, folder: Path) -> Order:
    return Order(
        profile=job.profile,
        seed=job.seed,
        base_url=job.target.base_url,
        journeys=str(job.journeys),
        journey=job.journey,
        role=job.target.role,
        seeded=job.target.seeded,
        processes=job.processes,
        result=str(folder.resolve() / "result.json"),
        seconds=str(folder.resolve() / "seconds.ndjson"),
    )


def _command(job: LoadJob) -> list[str]:
    users = str(job.processes)
    command = [sys.executable, "-m", "locust", "-f", str((job.load_folder / LOCUSTFILE).resolve())]
    command += ["--headless", "--only-summary", "--loglevel", "WARNING", "--host", job.target.base_url]
    command += ["--users", users, "--spawn-rate", users, "--stop-timeout", "0"]
    return command + (_several(job.processes) if job.processes > 1 else [])


def _several(processes: int) -> list[str]:
    """Options for several processes, which talk over a free port of the loopback (Locust's own choice is a fixed one)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    address = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-host", "127.0.0.1", "--master-port", port]
    return ["--processes", str(processes), *address]


def _environment(job: LoadJob, order_file: Path, folder: Path) -> dict[str, str]:
    """Ours, without anything that Locust would take an option from: its variables, and the file in the home directory."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
    sign_in = sign_in_text(SignIn(job.target.login, job.target.users))
    ours = {"HOME": str(folder), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    return {**kept, **ours, ORDER_VARIABLE: str(order_file.resolve()), SIGN_IN_VARIABLE: sign_in}


def _why_early(ended: Ended, stop: Stop) -> str:
    if ended.timed_out:
        return f"cut off after {ended.duration_s:.0f} s, the longest that it may take"
    return f"stopped by {stop.signal}" if ended.interrupted else ""


def _read_result(
    job: LoadJob, order: Order, started: str, early: str, ended: Ended, seconds: tuple[LoadSecond, ...]
) -> LoadResult:
    path = Path(order.result)
    if not path.is_file():
        reason = early or f"the generator ended with {ended.code}: {_tail(path.parent / LOG_FILE)}"
        return _left_over(job, order, started, ended.duration_s, reason, seconds)
    result = load_result_from_json(path)
    path.unlink()  # it goes on as load.json
    return result if result.complete else dataclasses.replace(result, reason=early or result.reason)


def _left_over(
    job: LoadJob, order: Order, started: str, duration_s: float, reason: str, seconds: tuple[LoadSecond, ...]
) -> LoadResult:
    return LoadResult(
        profile=job.profile.name,
        scale=job.profile.scale,
        seed=job.seed,
        spacing=job.profile.spacing,
        connections=job.profile.connections,
        journey=job.journey,
        role=job.target.role,
        base_url=job.target.base_url,
        started=started,
        duration_s=round(duration_s, 3),
        complete=False,
        reason=reason,
        schedule_digest=make_schedule(job.profile, job.seed).digest,
        processes=order.processes,
        tool="locust",
        tool_version=version("locust"),
        phases=phases_of(job.profile, seconds),
        seconds=seconds,
    )


def _tail(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return redact(" | ".join(lines[-_LOG_LINES_QUOTED:]))[-_LOG_LENGTH_QUOTED:] or "it said nothing"
