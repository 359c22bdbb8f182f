"""The planted faults: those of `faults/<name>/fault.toml`, and those that `faults/operators.toml` generates."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.config.decode import decode, nearest
from harness.config.project import Project
from harness.config.targets import read_toml
from harness.faults.generate import load_generator
from harness.faults.results import FAULTS_FOLDER
from harness.model.errors import ConfigError
from harness.model.fault import Fault

FAULT_FILE = "fault.toml"


@dataclass(frozen=True)
class Choice:
    """Which faults are meant: by name (`drop-role@*` too), by operator, by stage, and how many of them at random (by `seed`)."""

    names: tuple[str, ...] = ()
    operator: str = ""
    stage: str = ""
    sample: int | None = None
    seed: int = 0


def load_faults(root: Path, project: Project) -> tuple[Fault, ...]:
    """Every fault: the written ones by name, then the generated ones by rule.

    Raises:
        ConfigError: a file that is wrong, names a gate or stage that does not exist, or has no place in the code any more.
    """
    written = [_load(path) for path in sorted((root / FAULTS_FOLDER).glob(f"*/{FAULT_FILE}"))]
    faults = (*written, *load_generator(root / FAULTS_FOLDER).faults(root))
    for fault in faults:
        where = f"{FAULTS_FOLDER}/{fault.name}"
        for gate in (*fault.must, *fault.may):
            _known(gate, tuple(project.gates), f"{where}: gates")
        for stage in fault.stages:
            _known(stage, tuple(stage.name for stage in project.stages), f"{where}: stages")
    return faults


def choose(faults: tuple[Fault, ...], choice: Choice) -> tuple[Fault, ...]:
    """The faults that are meant, in the order of the catalogue; a sample is drawn from those that can change anything.

    Raises:
        ConfigError: a name, operator or stage that no fault has.
    """
    for name in choice.names:
        if not any(fnmatchcase(fault.name, name) for fault in faults):
            _known(name, tuple(fault.name for fault in faults), "faults")
    found = [fault for fault in faults if not choice.names or any(fnmatchcase(fault.name, name) for name in choice.names)]
    if choice.operator:
        _known(choice.operator, tuple({fault.operator: 0 for fault in faults if fault.operator}), "operators")
        found = [fault for fault in found if fault.operator == choice.operator]
    if choice.stage:
        _known(choice.stage, tuple({stage: 0 for fault in faults for stage in fault.stages}), "stages")
        found = [fault for fault in found if choice.stage in fault.stages]
    if choice.sample is not None:
        able = [fault for fault in found if not fault.equivalent]
        drawn = random.Random(choice.seed).sample(able, min(choice.sample, len(able)))
        found = [fault for fault in able if fault in drawn]
    return tuple(found)


def _load(path: Path) -> Fault:
    where = f"{FAULTS_FOLDER}/{path.parent.name}/{FAULT_FILE}"
    fault = decode(Fault, {"name": path.parent.name, **read_toml(path)}, where, base=path.parent)
    if not (fault.edits or fault.delete or fault.config):
        raise ConfigError(f"{where}: plants nothing", hint="give edits, delete or config")
    return dataclasses.replace(fault, folder=path.parent)


def _known(name: str, valid: tuple[str, ...], where: str) -> None:
    if name not in valid:
        raise ConfigError(f'{where}: there is no "{name}"', hint=nearest(name, valid))
