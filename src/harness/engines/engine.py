"""What an engine is given and what it gives back."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol

import harness.engines
from harness.engines.process import Stop
from harness.evidence.folder import RunFolder
from harness.model.errors import HarnessError
from harness.model.evidence import Evidence, Kind
from harness.model.plan import LoadLimits, Stage
from harness.model.run import StageState
from harness.model.target import Target
from harness.targets.arena import ArenaPlan


@dataclass(frozen=True)
class StageJob:
    """One stage to run. `arena` makes targets for it; `environment` tells a process of its own the same (it holds secrets)."""

    stage: Stage
    target: Target
    root: Path  # the project's folder
    folder: Path  # the stage's own
    run: RunFolder
    seed: int
    size: str
    timeout_s: float
    stop: Stop
    progress: Callable[[str], None]
    limits: LoadLimits
    arena: ArenaPlan = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    coverage_config: Path | None = None


@dataclass(frozen=True)
class StageOutcome:
    """How a stage ended. `engine_s` is the time of the engine itself; the rest of the stage is the harness's overhead."""

    state: StageState
    evidence: tuple[Evidence, ...]
    engine_s: float
    reason: str = ""


class Engine(Protocol):
    """Runs a stage."""

    name: ClassVar[str]
    about: ClassVar[str]
    kinds: ClassVar[tuple[Kind, ...]]

    def run(self, job: StageJob) -> StageOutcome:
        """Runs the stage within its time; a fault of engine or target is an outcome, not an exception."""
        ...


_MODULES_SUFFIX = "_engine"


@cache
def engines() -> dict[str, Engine]:
    """Every engine by its name: one class in each `*_engine.py` of this folder.

    Raises:
        HarnessError: a module holds no engine, or an engine lacks a member; both are named.
    """
    names = [m.name for m in pkgutil.iter_modules(harness.engines.__path__) if m.name.endswith(_MODULES_SUFFIX)]
    found = [_engine_of(name) for name in names]
    return {engine.name: engine for engine in found}


def _engine_of(module_name: str) -> Engine:
    module = importlib.import_module(f"harness.engines.{module_name}")
    classes = [value for key, value in vars(module).items() if key.endswith("Engine") and value.__module__ == module.__name__]
    if len(classes) != 1:
        raise HarnessError(f"{module.__file__}: {len(classes)} classes whose name ends with Engine, wanted one")
    missing = [member for member in ("name", "about", "kinds", "run") if not hasattr(classes[0], member)]
    if missing:
        raise HarnessError(f"{module.__file__}: {classes[0].__name__} lacks {', '.join(missing)}")
    engine: Engine = classes[0]()
    return engine
