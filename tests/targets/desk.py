"""The order desk: a platform in Node with its own PostgreSQL, and the defects that can be planted in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.stored import StoredRun
from tests.targets.project import ROOT, make

FOLDER = Path(__file__).with_name("orderdesk")
TARGET = FOLDER / "orderdesk.toml"
NODE_MIN = 20
_INSTALL_S = 120
_STAGE_S_MAX = 300  # far more than a stage needs; a busy machine shall not make a defect look missed
_RUN_S = 1500


@dataclass(frozen=True)
class Defect:
    """One defect that can be planted: what it is, the stage that is to notice it, and the findings that name it."""

    name: str
    what: str
    stage: str
    found: tuple[str, ...]  # "rule METHOD /path"; any of them will do; empty: no stage notices it yet
    alone: bool = False  # cannot be planted together with the others


def defects() -> tuple[Defect, ...]:
    """All of them, in the file's order."""
    read = tomllib.loads((FOLDER / "defects.toml").read_text(encoding="utf-8"))
    return tuple(
        Defect(name, each["what"], each["stage"], tuple(each["found"]), each.get("alone", False)) for name, each in read.items()
    )


def unavailable() -> str:
    """Why the order desk cannot be run here, "" where it can; its packages are installed at the first call."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return "no node or no npm on this machine"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    if not version.startswith("v") or int(version[1:].partition(".")[0]) < NODE_MIN:
        return f"node is {version or 'silent'}, and the order desk needs {NODE_MIN} or newer"
    if (FOLDER / "node_modules" / ".package-lock.json").is_file():
        return ""
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        return f"npm did not install its packages in {_INSTALL_S} s"
    return "" if done.returncode == 0 else f"npm could not install its packages: {done.stderr.strip()[-200:]}"


def start(folder: Path, stages: tuple[str, ...], planted: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Starts a verification of the order desk with these defects, in an empty folder."""
    make(folder, str(TARGET), seconds=_STAGE_S_MAX, total_s=len(stages) * _STAGE_S_MAX)
    return harness(folder, "verify", *stages, planted=planted)


def harness(folder: Path, *arguments: str, planted: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Starts a command of the harness in a folder that holds a project, with these defects in the order desk."""
    environment = {**os.environ, "DEFECTS": ",".join(planted), "NO_COLOR": "1", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "harness", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str], folder: Path) -> StoredRun:
    """The run that was started, once it is over.

    Raises:
        AssertionError: there is none; with what was printed.
    """
    output, _ = process.communicate(timeout=_RUN_S)
    done = sorted(folder.glob("runs/*/verdict.json"))
    assert done, output
    return StoredRun(done[-1].parent)


def names(run: StoredRun) -> set[str]:
    """What a run found: the rule and the operation of each finding."""
    return {f"{finding.rule} {finding.operation}".strip() for finding in run.findings}
