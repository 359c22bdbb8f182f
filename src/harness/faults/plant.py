"""Makes a copy of the project and plants one fault in it."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli_w

from harness.config.project import PROJECT_FILE
from harness.model.errors import HarnessError
from harness.model.fault import Edit, Fault

_GIT_TIMEOUT_S = 30


class PlantError(HarnessError):
    """A fault does not fit the code any more: its text is not where it was."""


def copy_project(root: Path, to: Path) -> None:
    """Copies what the working tree holds, without what git ignores, so that a fault never touches the original."""
    for name in _project_files(root):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)


def _project_files(root: Path) -> Iterable[str]:
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False, timeout=_GIT_TIMEOUT_S)
    if listed.returncode:
        raise HarnessError(f"{root}: git cannot list its files", hint="faults are planted in a copy of a git checkout")
    return (name for name in listed.stdout.decode().split("\0") if name)


def plant(fault: Fault, copy: Path) -> None:
    """Applies a fault's edits, deletions and configuration to a copy.

    Raises:
        PlantError: a text that an edit replaces is not there as often as it says.
    """
    for edit in fault.edits:
        _edit(fault, edit, copy)
    for name in fault.delete:
        _delete(fault, copy, name)
    if fault.config:
        _configure(fault, copy / PROJECT_FILE)


def _edit(fault: Fault, edit: Edit, copy: Path) -> None:
    path = copy / edit.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    new = edit.new if edit.repeat == 1 else "".join(edit.new.replace("{n}", str(n)) for n in range(1, edit.repeat + 1))
    if not edit.old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + new, encoding="utf-8")
        return
    if text.count(edit.old) != edit.count:
        raise PlantError(
            f"faults/{fault.name}: {edit.file}: its text stands there {text.count(edit.old)} times, wanted {edit.count}",
            hint="the code has changed; write the fault anew for it",
        )
    path.write_text(text.replace(edit.old, new), encoding="utf-8")


def _delete(fault: Fault, copy: Path, pattern: str) -> None:
    found = list(copy.glob(pattern))
    if not found:
        raise PlantError(f"faults/{fault.name}: delete: nothing is called {pattern}")
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _configure(fault: Fault, path: Path) -> None:
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    for dotted, value in fault.config.items():
        *tables, key = dotted.split(".")
        table = data
        for name in tables:
            table = table.setdefault(name, {})
        table[key] = tomllib.loads(f"v = {value}")["v"]
    path.write_text(tomli_w.dumps(data), encoding="utf-8")
