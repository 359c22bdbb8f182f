"""The main job: prepare, run the stages, judge, report."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import shutil
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from harness import __version__
from harness.config.project import effective_toml
from harness.config.waivers import WAIVERS_FILE
from harness.engines.process import Stop
from harness.events import EventStream, Note, RunEnded, RunStarted
from harness.evidence.codec import to_json
from harness.evidence.folder import (
    CHECKS_FILE,
    CONFIG_FILE,
    EVENTS_FILE,
    FAULTS_FILE,
    KNOWN_COPY,
    LEDGER_FILE,
    WAIVERS_COPY,
    RunFolder,
    create_run_folder,
    now,
    point_latest,
)
from harness.evidence.known import KNOWN_FILE
from harness.evidence.stored import StoredRun
from harness.faults.results import FAULTS_FOLDER, RESULTS_FILE
from harness.model.errors import HarnessError
from harness.model.run import Manifest, RunStatus, VerdictRecord
from harness.runner.capabilities import gives
from harness.runner.execute import Execution
from harness.runner.finish import declared_checks, judge_and_report
from harness.runner.preflight import Standing, standing
from harness.runner.request import RunRequest

_TOOLS = ("schemathesis", "hypothesis", "playwright", "locust", "pytest", "coverage")
_GIT_TIMEOUT_S = 5


def verify(request: RunRequest, say: EventStream, stop: Stop) -> tuple[StoredRun, VerdictRecord]:
    """Runs the plan of a request and judges what happened.

    Returns:
        The stored run and its verdict; an interrupted run is judged by what it left.

    Raises:
        PreflightError, TargetError: no stage started; nothing is left running, and no run folder.
    """
    clock = time.monotonic()
    run = create_run_folder(request.runs)
    say(RunStarted(run.id, str(run.path), request.plan.name, request.target.name, request.seed, request.plan.stages))
    say.open_log(run.path / EVENTS_FILE)
    manifest = _write_plan(request, run)
    try:
        with standing(request, run.path / "preflight", say, stop) as ground:
            manifest = _run(request, run, manifest, ground, say, stop, clock)
    except HarnessError:
        if not manifest.stages:
            shutil.rmtree(run.path, ignore_errors=True)
        raise
    manifest = dataclasses.replace(manifest, status=RunStatus.JUDGED, ended=now(), interrupted=stop.signal)
    run.write_manifest(manifest)
    stored = StoredRun(run.path)
    verdict = judge_and_report(stored, say)
    point_latest(request.runs, run)
    report = run.path / "report" / "index.html"
    say(RunEnded(str(verdict.verdict), verdict.reason, str(report), time.monotonic() - clock))
    run.seal()  # again: what was said since is in events.ndjson
    return stored, verdict


def _run(
    request: RunRequest, run: RunFolder, manifest: Manifest, ground: Standing, say: EventStream, stop: Stop, clock: float
) -> Manifest:
    manifest = dataclasses.replace(
        manifest,
        status=RunStatus.RUNNING,
        database=ground.database,
        notes=ground.notes,
        target_build=ground.build or _own_build(request, manifest),
    )
    run.write_manifest(manifest)
    for note in ground.notes:
        say(Note(note))
    execution = Execution(request, run, manifest, ground.arena, say, stop, deadline=clock + request.plan.duration_s_max)
    return execution.run_stages()


def _own_build(request: RunRequest, manifest: Manifest) -> str:
    """The checkout's commit, for a target whose source is part of it."""
    inside = any(path.resolve().is_relative_to(request.root) for path in request.target.source)
    return f"commit {manifest.commit}" if inside and manifest.commit else ""


def _write_plan(request: RunRequest, run: RunFolder) -> Manifest:
    """The run's own copies of configuration, ledger and fault results, and the manifest of a planned run."""
    effective = effective_toml(request.project, request.plan)
    run.write(CONFIG_FILE, effective)
    run.write(LEDGER_FILE, (request.root / request.project.defaults.ledger).read_text(encoding="utf-8"))
    stages = [request.project.stage(name) for name in request.plan.stages]
    run.write(CHECKS_FILE, to_json(declared_checks(request.root, stages)))
    for source, copy in ((WAIVERS_FILE, WAIVERS_COPY), (KNOWN_FILE, KNOWN_COPY)):
        if (request.root / source).is_file():
            run.write(copy, (request.root / source).read_text(encoding="utf-8"))
    results = request.root / FAULTS_FOLDER / RESULTS_FILE
    if results.is_file():
        run.write(FAULTS_FILE, results.read_text(encoding="utf-8"))
    manifest = Manifest(
        id=run.id,
        status=RunStatus.PLANNED,
        plan=request.plan.name,
        narrowed_to=request.chosen,
        target=request.target.name,
        target_environment=str(request.target.environment),
        target_build="",
        target_gives=gives(request.target),
        command=request.command,
        seed=request.seed,
        started=now(),
        jobs=request.side_by_side,
        versions={"harness": __version__, "python": platform.python_version(), **{tool: version(tool) for tool in _TOOLS}},
        host=_host(),
        commit=commit_of(request.root),
        config_digest=hashlib.sha256(effective.encode()).hexdigest(),
    )
    run.write_manifest(manifest)
    return manifest


def _host() -> dict[str, str]:
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(os.cpu_count() or 0),
        "time": datetime.now(UTC).astimezone().tzname() or "",
    }


def commit_of(root: Path) -> str:
    """The commit of the checkout, with `+` where files differ from it; "" outside of git."""
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    return f"{head}+" if head and _git(root, "status", "--porcelain") else head


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
