"""How long a verification of the reference platform takes, and how much of that is not the engines' own work."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from harness.evidence.stored import StoredRun
from harness.report.text import seconds_between
from harness.report.views.run import engines_work_s

Figure = tuple[str, float, str, str]

_ROOT = Path(__file__).resolve().parents[1]
_TIMEOUT_S = 1200
_ATTACKS = ("contract", "authorization", "sessions", "database", "security")


def figures() -> list[Figure]:
    """Seconds and overhead of the merge plan, and of the stages that attack any target, each by one run."""
    return [*_run("merge plan"), *_run("five attacking stages", *_ATTACKS)]


def _run(what: str, *stages: str) -> list[Figure]:
    command = [str(Path(sys.executable).parent / "harness"), "verify", *stages, "--database", "embedded"]
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        done = subprocess.run(
            [*command, "--runs", folder], cwd=_ROOT, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
        runs = [path.parent for path in Path(folder).glob("*/manifest.json")]
        if not runs:
            raise SystemExit(done.stderr[-800:])
        run = StoredRun(runs[0])
        whole_s = seconds_between(run.manifest.started, run.manifest.ended) or 0.0
        work_s = engines_work_s(run.manifest)
        how = f"one run, {run.manifest.jobs} stages side by side, verdict {run.verdict.verdict}"
    return [
        (f"verify, {what}", whole_s, "s", how),
        (f"verify, {what}: preparation and the harness's own", 100 * (whole_s - work_s) / whole_s, "%", "of that time"),
    ]
