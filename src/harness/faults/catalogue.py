"""Reads the planted faults: `faults/<name>/fault.toml`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from harness.config.decode import decode, nearest
from harness.config.project import Project
from harness.config.targets import read_toml
from harness.model.errors import ConfigError
from harness.model.fault import Fault

FAULTS_FOLDER = "faults"
FAULT_FILE = "fault.toml"
RESULTS_FILE = "results.json"


def load_faults(root: Path, project: Project) -> tuple[Fault, ...]:
    """Every fault, by name.

    Raises:
        ConfigError: a file that is wrong, or names a gate or stage that does not exist.
    """
    faults = [_load(path) for path in sorted((root / FAULTS_FOLDER).glob(f"*/{FAULT_FILE}"))]
    for fault in faults:
        where = f"{FAULTS_FOLDER}/{fault.name}/{FAULT_FILE}"
        for gate in (*fault.must, *fault.may):
            _known(gate, tuple(project.gates), f"{where}: gates")
        for stage in fault.stages:
            _known(stage, tuple(stage.name for stage in project.stages), f"{where}: stages")
    return tuple(faults)


def choose(faults: tuple[Fault, ...], names: tuple[str, ...]) -> tuple[Fault, ...]:
    """The faults of these names, all of them where there are no names."""
    by_name = {fault.name: fault for fault in faults}
    for name in names:
        _known(name, tuple(by_name), "faults")
    return tuple(by_name[name] for name in names) or faults


def _load(path: Path) -> Fault:
    where = f"{FAULTS_FOLDER}/{path.parent.name}/{FAULT_FILE}"
    fault = decode(Fault, {"name": path.parent.name, **read_toml(path)}, where, base=path.parent)
    if not (fault.edits or fault.delete or fault.config):
        raise ConfigError(f"{where}: plants nothing", hint="give edits, delete or config")
    return dataclasses.replace(fault, folder=path.parent)


def _known(name: str, valid: tuple[str, ...], where: str) -> None:
    if name not in valid:
        raise ConfigError(f'{where}: there is no "{name}"', hint=nearest(name, valid))
