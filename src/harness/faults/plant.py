"""Copies of the project, and the planting of one fault at a time in one of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from harness.config.project import PROJECT_FILE
from harness.faults.generate import parses
from harness.model.errors import HarnessError
from harness.model.fault import Edit, Fault

_GIT_TIMEOUT_S = 30


class PlantError(HarnessError):
    """A fault does not fit the code any more: its text is not where it was."""


@dataclass(frozen=True)
class Workbench:
    """A copy of the project that faults are planted in, one after the other; what is compiled in it serves all of them."""

    copy: Path

    @classmethod
    def make(cls, root: Path, copy: Path) -> Workbench:
        """Copies what the working tree holds, without what git ignores, so that a fault never touches the original."""
        copy_project(root, copy)
        return cls(copy)

    @contextmanager
    def planted(self, fault: Fault) -> Iterator[Path]:
        """The copy with the fault in it; at the end it is as it was.

        Raises:
            PlantError: the fault does not fit the code.
        """
        before = [_Kept.of(self.copy / name) for name in sorted(_touched(fault, self.copy))]
        try:
            plant(fault, self.copy)
            yield self.copy
        finally:
            for kept in before:
                kept.restore()


@dataclass(frozen=True)
class _Kept:
    """A file as it was: its bytes (None where there was none) and its time, by which Python knows what it compiled of it."""

    path: Path
    data: bytes | None
    modified_ns: int = 0

    @classmethod
    def of(cls, path: Path) -> _Kept:
        return cls(path, path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else cls(path, None)

    def restore(self) -> None:
        if self.data is None:
            self.path.unlink(missing_ok=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.data)
        os.utime(self.path, ns=(self.modified_ns, self.modified_ns))


def copy_project(root: Path, to: Path) -> None:
    """Copies what the working tree holds, without what git ignores."""
    for name in project_files(root):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, to / name)


def project_files(root: Path) -> list[str]:
    """The files of the working tree that git does not ignore, by name.

    Raises:
        HarnessError: `root` is no git checkout.
    """
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False, timeout=_GIT_TIMEOUT_S)
    if listed.returncode:
        raise HarnessError(f"{root}: git cannot list its files", hint="faults are planted in a copy of a git checkout")
    return sorted(name for name in set(listed.stdout.decode().split("\0")) if name and (root / name).is_file())


def plant(fault: Fault, copy: Path) -> None:
    """Applies a fault's edits, deletions and configuration to a copy.

    Raises:
        PlantError: a text that an edit replaces is not there as often as it says, or what was Python is none any more.
    """
    for edit in fault.edits:
        _edit(fault, edit, copy)
    for name in fault.delete:
        _delete(fault, copy, name)
    if fault.config:
        _configure(fault, copy / PROJECT_FILE)
    for name in {edit.file for edit in fault.edits if edit.file.endswith(".py")}:
        if not parses((copy / name).read_text(encoding="utf-8")):
            raise PlantError(f"faults/{fault.name}: {name} is not Python any more")


def _touched(fault: Fault, copy: Path) -> set[str]:
    deleted = {
        path.relative_to(copy).as_posix()
        for pattern in fault.delete
        for found in copy.glob(pattern)
        for path in ([found] if found.is_file() else found.rglob("*"))
        if path.is_file()
    }
    return {edit.file for edit in fault.edits} | deleted | ({PROJECT_FILE} if fault.config else set())


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
