"""`harness.toml`: the plans, their stages, the stages that feed each gate, and the limits."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args

import tomli_w

from harness.config.decode import decode, nearest
from harness.evidence.codec import to_plain
from harness.model.errors import ConfigError
from harness.model.plan import DatabaseProvider, Limits, Plan, Stage

PROJECT_FILE = "harness.toml"
VARIABLES = {f"HARNESS_{key.upper()}": key for key in ("target", "plan", "seed", "database", "runs")}
"""Environment variable → the key of `[defaults]` that it replaces."""


@dataclass(frozen=True)
class Defaults:
    """What is taken where the command line says nothing."""

    target: str = "reference"
    plan: str = "merge"
    seed: int = 1
    database: DatabaseProvider = "auto"
    runs: str = "reports/runs"
    ledger: str = "ledger/phase4.toml"


@dataclass(frozen=True)
class Project:
    """All of `harness.toml`."""

    defaults: Defaults
    plans: tuple[Plan, ...]
    stages: tuple[Stage, ...]
    gates: dict[str, tuple[str, ...]]  # gate → the stages that feed it
    limits: Limits = field(default_factory=Limits)

    def plan(self, name: str) -> Plan:
        """The plan of that name; `ConfigError` naming the nearest one otherwise."""
        return _named(self.plans, name, "plan")

    def stage(self, name: str) -> Stage:
        """The stage of that name; `ConfigError` naming the nearest one otherwise."""
        return _named(self.stages, name, "stage")


def find_root(start: Path) -> Path:
    """The folder that holds `harness.toml`, from `start` upwards.

    Raises:
        ConfigError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    hint = "go to a clone of the harness: its plans and suites are used for every target"
    raise ConfigError(f"no {PROJECT_FILE} in {start} or above it", hint=hint)


def load_project(root: Path, environ: Mapping[str, str] | None = None) -> Project:
    """Reads and checks `harness.toml`; `HARNESS_TARGET`, `_PLAN`, `_SEED`, `_DATABASE`, `_RUNS` replace its defaults.

    Raises:
        ConfigError: naming the file or variable and each key that is wrong.
    """
    project = parse_project((root / PROJECT_FILE).read_text(encoding="utf-8"), PROJECT_FILE, root)
    values = environment_defaults(os.environ if environ is None else environ)
    source = "HARNESS_PLAN" if "plan" in values else f"{PROJECT_FILE}: defaults.plan"
    _must_be(values.get("plan", project.defaults.plan), tuple(plan.name for plan in project.plans), source)
    return dataclasses.replace(project, defaults=dataclasses.replace(project.defaults, **values))


def environment_defaults(environ: Mapping[str, str]) -> dict[str, Any]:
    """The defaults that the environment sets, by key.

    Raises:
        ConfigError: the seed is no whole number, or nothing provides databases under that name.
    """
    values: dict[str, Any] = {key: environ[name] for name, key in VARIABLES.items() if environ.get(name)}
    if "seed" in values:
        try:
            values["seed"] = int(values["seed"])
        except ValueError:
            raise ConfigError(f'HARNESS_SEED: got "{values["seed"]}", wanted a whole number') from None
    if "database" in values:
        _must_be(values["database"], get_args(DatabaseProvider), "HARNESS_DATABASE")
    return values


def parse_project(text: str, where: str, root: Path) -> Project:
    """Checks the text of a `harness.toml`; `where` is what errors call it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not TOML: {error}") from error
    project = decode(Project, data, where, base=root)
    _check_names(project, where)
    return project


def _check_names(project: Project, where: str) -> None:
    stages = tuple(stage.name for stage in project.stages)
    for plan in project.plans:
        for stage in plan.stages:
            _must_be(stage, stages, f"{where}: plans.{plan.name}.stages")
        for gate in (*plan.gates, *plan.gates_insisted):
            _must_be(gate, tuple(project.gates), f"{where}: plans.{plan.name}.gates")
    for gate, fed_by in project.gates.items():
        for stage in fed_by:
            _must_be(stage, stages, f"{where}: gates.{gate}")


def _must_be(name: str, valid: tuple[str, ...], where: str) -> None:
    if name not in valid:
        raise ConfigError(f'{where}: there is no "{name}"', hint=nearest(name, valid))


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_HasName)


def _named(items: tuple[N, ...], name: str, what: str) -> N:
    found = {item.name: item for item in items}
    if name not in found:
        raise ConfigError(f'there is no {what} "{name}"', hint=nearest(name, found))
    return found[name]


def narrowed(project: Project, plan: Plan, stages: tuple[str, ...]) -> Plan:
    """The plan with only the chosen stages, and the gates that these feed.

    The coverage gate stays only where all of its stages do: a part of the stages covers less by nature.
    """
    if not stages:
        return plan
    for stage in stages:
        _must_be(stage, plan.stages, f"plan {plan.name}")
    kept = tuple(stage for stage in plan.stages if stage in stages)
    fed = {gate: set(by) & set(plan.stages) for gate, by in project.gates.items()}
    gates = tuple(gate for gate in plan.gates if fed[gate] & set(kept) and (gate != "coverage" or fed[gate] <= set(kept)))
    return dataclasses.replace(plan, stages=kept, gates=gates)


def effective_toml(project: Project, *plans: Plan) -> str:
    """A configuration with these plans (one, perhaps narrowed, for a run) as TOML that `parse_project` reads."""
    plain = to_plain(dataclasses.replace(project, plans=plans))
    plain["plans"] = {entry.pop("name"): entry for entry in plain["plans"]}
    plain["stages"] = {entry.pop("name"): entry for entry in plain["stages"]}
    return tomli_w.dumps(plain)
