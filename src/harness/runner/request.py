"""What a run was asked to do: everything that the command line and the files determine before anything starts."""

from __future__ import annotations

import dataclasses
import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from harness.config.load_profiles import LOAD_FOLDER, load_profile
from harness.config.project import Project, find_root, load_project, narrowed
from harness.config.targets import read_target
from harness.config.waivers import load_waivers
from harness.engines.engine import engines
from harness.engines.zap.alerts import ENGINE as SCANNER
from harness.engines.zap.profiles import DEFAULT_PROFILE, load_scan_profile
from harness.evidence.known import load_known
from harness.gates.registry import gates
from harness.model.errors import ConfigError
from harness.model.plan import Plan
from harness.model.target import Target

TARGETS_FOLDER = "targets"
LOAD_ENGINE = "locust"
PORT_MAX = 65_535


@dataclass(frozen=True)
class RunRequest:
    """One run to make."""

    root: Path
    project: Project
    plan: Plan
    target: Target
    target_file: Path
    seed: int
    size: str
    database: str
    runs: Path
    command: tuple[str, ...]
    chosen: tuple[str, ...] = ()  # stages picked by hand
    port: int | None = None
    jobs: int = 1

    @property
    def target_option(self) -> str:
        """What names this target on a command line (see `target_option`)."""
        return target_option(self.root, self.target_file)

    @property
    def side_by_side(self) -> int:
        """How many stages may run at once: one where they would share the target, its port or its data."""
        apart = self.target.takes_database and not self.target.base_url and self.port is None
        return min(self.jobs, os.cpu_count() or 1) if apart else 1


def open_project(start: Path | None = None) -> tuple[Path, Project]:
    """The project that the working directory is in, with every name in it checked.

    Raises:
        ConfigError: a file is wrong, or names an engine or gate that does not exist.
    """
    root = find_root((start or Path.cwd()).resolve())
    project = load_project(root)
    for stage in project.stages:
        _known(stage.engine, engines(), f"harness.toml: stages.{stage.name}.engine")
    for gate in project.gates:
        _known(gate, gates(), "harness.toml: gates")
    return root, project


def _known(name: str, valid: object, where: str) -> None:
    names = list(valid)  # type: ignore[call-overload]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise ConfigError(
            f'{where}: there is no "{name}"', hint=f'did you mean "{near[0]}"?' if near else f"valid: {', '.join(names)}"
        )


def target_file(root: Path, name: str) -> Path:
    """The file of a target.

    Raises:
        ConfigError: there is none, naming the nearest.
    """
    path = Path(name) if name.endswith(".toml") else root / TARGETS_FOLDER / f"{name}.toml"
    if not path.is_file():
        known = target_names(root)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(known)}"
        raise ConfigError(f'there is no target "{name}"', hint=hint)
    return path.resolve()


def target_option(root: Path, file: Path) -> str:
    """What names a target on a command line: ` --target NAME`, or its path where it does not stand in `targets/`."""
    return f" --target {file.stem if file.parent == (root / TARGETS_FOLDER).resolve() else file}"


def target_names(root: Path) -> list[str]:
    """The targets that have a file."""
    return sorted(path.stem for path in (root / TARGETS_FOLDER).glob("*.toml"))


def _with_scan_profile(root: Path, project: Project, plan: Plan, name: str) -> Project:
    """The project with another scan profile for the plan's scans; each one's template is read, so that a wrong one stops here."""
    scans = [stage for stage in project.stages if stage.name in plan.stages and stage.engine == SCANNER]
    if name and not scans:
        raise ConfigError(f"--scan-profile {name}: no stage of the plan {plan.name} scans", hint="--plan security has one")
    chosen = {stage.name: dataclasses.replace(stage, profile=name or stage.profile or DEFAULT_PROFILE) for stage in scans}
    for stage in chosen.values():
        load_scan_profile(root, stage.profile)
    return dataclasses.replace(project, stages=tuple(chosen.get(stage.name, stage) for stage in project.stages))


@dataclass(frozen=True)
class Chosen:
    """What the command line chose; "" and `None` take the default of `harness.toml`."""

    plan: str = ""
    stages: tuple[str, ...] = ()
    target: str = ""
    seed: int | None = None
    size: str = ""
    database: str = ""
    runs: str = ""
    port: int | None = None
    scan_profile: str = ""
    jobs: int | None = None


def request_of(chosen: Chosen, command: tuple[str, ...], start: Path | None = None) -> RunRequest:
    """The run that was asked for.

    Raises:
        ConfigError: a name that does not exist; nothing has been started.
    """
    root, project = open_project(start)
    plan = narrowed(project, project.plan(chosen.plan or project.defaults.plan), chosen.stages)
    project = _with_scan_profile(root, project, plan, chosen.scan_profile)
    for stage in (stage for stage in project.stages if stage.name in plan.stages and stage.engine == LOAD_ENGINE):
        load_profile(root / LOAD_FOLDER, stage.profile, scale=stage.scale)
    load_waivers(root)  # read again by the run from its own copy; a wrong one stops here, before anything starts
    load_known(root)
    jobs = plan.jobs if chosen.jobs is None else chosen.jobs
    if jobs < 1:
        raise ConfigError(f"--jobs {jobs}: wanted at least 1")
    if chosen.port is not None and not 1 <= chosen.port <= PORT_MAX:
        raise ConfigError(f"--port {chosen.port}: wanted 1 to {PORT_MAX}")
    file = target_file(root, chosen.target or project.defaults.target)
    return RunRequest(
        root=root,
        project=project,
        plan=plan,
        target=read_target(file),
        target_file=file,
        seed=project.defaults.seed if chosen.seed is None else chosen.seed,
        size=chosen.size or plan.size,
        database=chosen.database or project.defaults.database,
        runs=(root / (chosen.runs or project.defaults.runs)).resolve(),
        command=command,
        chosen=chosen.stages,
        port=chosen.port,
        jobs=jobs,
    )
