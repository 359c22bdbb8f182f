"""A project in a folder of its own, with the suites of this one and short limits, that verifies any target."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.evidence.stored import StoredRun

ROOT = Path(__file__).resolve().parents[2]
_LOOK_EVERY_S = 0.1

PLAN = """
[defaults]
target = "{target}"
plan = "short"
seed = 7
runs = "runs"
ledger = "ledger/phase4.toml"

[plans.short]
asks = "What can be said of it?"
stages = ["contract", "authorization", "sessions", "database", "security"]
gates = ["contract", "authorization", "database", "findings"]
duration_s_max = {total_s}

[stages.contract]
engine = "schemathesis"
suite = "suites/contract"
needs = ["document", "users"]
tests_min = 1
duration_s_max = {seconds}
options = {{ seconds = {campaign_s}, request_seconds = {request_s} }}

[stages.authorization]
engine = "probes"
suite = "suites/authorization"
needs = ["document", "users"]
tests_min = 1
duration_s_max = {seconds}

[stages.sessions]
engine = "probes"
suite = "suites/sessions"
needs = ["document", "users"]
tests_min = 1
duration_s_max = {seconds}

[stages.database]
engine = "witness"
suite = "suites/database"
needs = ["document", "users", "database"]
tests_min = 1
duration_s_max = {seconds}

[stages.security]
engine = "probes"
suite = "suites/security"
needs = ["document"]
tests_min = 1
duration_s_max = {seconds}

[gates]
contract = ["contract"]
authorization = ["authorization"]
database = ["database"]
findings = ["sessions", "security"]
"""


@dataclass(frozen=True)
class Verified:
    """How a run ended: exit code, what was printed, its run folder (none where the pre-flight failed), and what it cost."""

    code: int
    output: str
    run: StoredRun | None
    seconds: float
    peak_mb: float  # resident memory of the harness and all that it started, but the target


def make(folder: Path, target: str, *, seconds: int = 20, total_s: int = 240) -> None:
    """Writes the project: a plan of its own, everything else from this checkout."""
    for name in ("suites", "fixtures", "conftest.py", "ledger", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "targets").mkdir()
    campaign_s = max(5, seconds // 2)
    plan = PLAN.format(
        target=target, seconds=seconds, total_s=total_s, campaign_s=campaign_s, request_s=min(10, 1 + campaign_s // 15)
    )
    (folder / "harness.toml").write_text(plan, encoding="utf-8")


def verify(
    folder: Path, *stages: str, environ: dict[str, str] | None = None, target_script: str = "", within_s: float = 240.0
) -> Verified:
    """Runs `harness verify` on the stages in a folder that holds a project.

    Args:
        within_s: after that it is taken to hang.
        target_script: what the command line of the target's own process holds, so that its memory is not counted.
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "NO_COLOR": "1", **(environ or {})}
    command = [sys.executable, "-m", "harness", "verify", *stages]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    peak = _Peak(process.pid, target_script)
    output, _ = process.communicate(timeout=within_s)
    peak.stop.set()
    runs = sorted(folder.glob("runs/*/manifest.json"))
    run = StoredRun(runs[-1].parent) if runs else None
    return Verified(process.returncode, output, run, time.monotonic() - started, peak.bytes / 2**20)


class _Peak:
    def __init__(self, pid: int, but: str) -> None:
        self.bytes, self.stop, self._pid, self._but = 0, threading.Event(), pid, but
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self.stop.wait(_LOOK_EVERY_S):
            self.bytes = max(self.bytes, self._now())

    def _now(self) -> int:
        try:
            root = psutil.Process(self._pid)
            return sum(self._of(process) for process in (root, *root.children(recursive=True)))
        except psutil.NoSuchProcess:
            return 0

    def _of(self, process: psutil.Process) -> int:
        try:
            ours = not self._but or not any(self._but in word for word in process.cmdline())
            return int(process.memory_info().rss) if ours else 0
        except psutil.NoSuchProcess:
            return 0
