"""What is run and what must hold: stages, plans and the limits of the gates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from harness.model.finding import Severity

DatabaseProvider = Literal["auto", "docker", "embedded", "external"]
"""Where the PostgreSQL of a run comes from."""


@dataclass(frozen=True)
class Stage:
    """One step of a plan.

    `needs` names what the target must give (`document`, `users`, `source`, `database`, `pages`); without it the stage is
    skipped with that reason. `tests_min` is the number of tests that its suite collects at least. `marks` chooses a part of
    the suite by its marks (`not slow`), as pytest's `-m` does. Nothing runs beside a stage that is `alone`: it measures how
    fast the target is.
    """

    name: str
    engine: str
    duration_s_max: float
    suite: str = ""
    needs: tuple[str, ...] = ()
    tests_min: int = 0
    marks: str = ""
    instrumented: bool = False  # whether coverage is measured in it, which costs time: only what feeds the gate needs it
    alone: bool = False
    profile: str = ""  # load profile
    scale: float = 1.0
    journey: str = ""
    role: str = ""
    options: dict[str, int] = field(default_factory=dict)  # an engine's own numbers: cases per operation, seconds


@dataclass(frozen=True)
class Plan:
    """Stages in order and the gates that must pass.

    `gates_insisted` are required even of a target that does not give what they need. `size` is the seeded data's. `jobs`
    is how many stages may run side by side, each on a target and a database of its own.
    """

    name: str
    asks: str
    stages: tuple[str, ...]
    gates: tuple[str, ...]
    duration_s_max: float
    size: str = "small"
    jobs: int = 1
    gates_insisted: tuple[str, ...] = ()


@dataclass(frozen=True)
class CoverageLimits:
    """Percent of each number that must be covered (the Phase 4 document's 70 %)."""

    branches_percent_min: float = 70.0
    functions_percent_min: float = 70.0
    lines_percent_min: float = 70.0
    statements_percent_min: float = 70.0


@dataclass(frozen=True)
class ContractLimits:
    """Minimum evidence of the contract gate."""

    successes_min: int = 1  # 2xx answers per permitted role × operation
    cases_min: int = 20  # cases per operation, all roles together


@dataclass(frozen=True)
class LoadLimits:
    """The load objectives and what makes a run valid."""

    latency_p95_ms_max: float = 200.0
    errors_percent_max: float = 0.1
    completed_min: int = 200  # per judged endpoint
    achieved_percent_min: float = 99.0
    lateness_p99_ms_max: float = 50.0
    generator_cpu_percent_max: float = 70.0
    strangers_percent_max: float = 50.0  # of the machine, had by programs that are neither target nor generator, and by steal


@dataclass(frozen=True)
class FindingsLimits:
    """From which severity a finding fails the gate, and how much each engine must have reached."""

    severity_min: Severity = Severity.LOW
    reached_percent_min: float = 90.0


@dataclass(frozen=True)
class Limits:
    """All thresholds of a run."""

    coverage: CoverageLimits = CoverageLimits()
    contract: ContractLimits = ContractLimits()
    load: LoadLimits = LoadLimits()
    findings: FindingsLimits = FindingsLimits()
