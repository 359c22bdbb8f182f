"""`harness list WHAT`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from harness.cli.common import runs_folder
from harness.cli.exits import Exit
from harness.engines.engine import engines
from harness.gates.registry import gates
from harness.runner.request import open_project, target_names

Rows = list[tuple[str, str]]


def run(args: argparse.Namespace) -> Exit:
    """Prints one line each: the name and what it is."""
    root, project = open_project()
    listings: dict[str, Callable[[], Rows]] = {
        "engines": lambda: [(name, engine.about) for name, engine in engines().items()],
        "gates": lambda: [(name, gate.question) for name, gate in gates().items()],
        "stages": lambda: [(stage.name, f"{stage.engine}  {stage.suite or stage.profile}") for stage in project.stages],
        "plans": lambda: [(plan.name, f"{plan.asks}  {', '.join(plan.stages)}") for plan in project.plans],
        "targets": lambda: [(name, f"targets/{name}.toml") for name in target_names(root)],
        "profiles": lambda: [
            (path.stem, str(path.relative_to(root))) for path in sorted((root / "load/profiles").glob("*.toml"))
        ],
        "runs": lambda: _runs(runs_folder(None)),
    }
    rows = listings[args.what]()
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        print(f"{name:<{width}}  {text}")
    return Exit.OK


def _runs(folder: Path) -> Rows:
    from harness.evidence.stored import StoredRun

    found = [StoredRun(path.parent) for path in sorted(folder.glob("*/manifest.json"))]
    return [(run.folder.name, f"{run.manifest.plan} on {run.manifest.target}: {_verdict(run.folder)}") for run in found]


def _verdict(folder: Path) -> str:
    from harness.evidence.folder import VERDICT_FILE
    from harness.evidence.stored import StoredRun

    return str(StoredRun(folder).verdict.verdict) if (folder / VERDICT_FILE).is_file() else "not judged"
