"""One run: what was asked, what was judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.model.gate import GateResult
from harness.model.ledger import RowResult
from harness.model.verdict import Verdict


class RunStatus(StrEnum):
    """How far a run came; a killed one stays `running` and can still be judged."""

    PLANNED = "planned"
    RUNNING = "running"
    JUDGED = "judged"


class StageState(StrEnum):
    """How one stage ended."""

    RAN = "ran"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_STARTED = "not started"


@dataclass(frozen=True)
class StageRecord:
    """How one stage went. `overhead_s` is the harness's own time in it, `duration_s` all of it."""

    name: str
    engine: str
    state: StageState
    reason: str = ""
    started: str = ""
    duration_s: float = 0.0
    overhead_s: float = 0.0


@dataclass(frozen=True)
class Manifest:
    """What a run is: everything that somebody would ask a year later. Times are UTC, ISO 8601."""

    id: str
    status: RunStatus
    plan: str
    narrowed_to: tuple[str, ...]  # stages that were chosen by hand, () for the whole plan
    target: str
    target_environment: str
    target_build: str
    target_gives: tuple[str, ...]
    command: tuple[str, ...]
    seed: int
    started: str
    jobs: int = 1  # how many stages ran side by side at most
    ended: str = ""
    interrupted: str = ""  # "SIGINT", "SIGTERM" or ""
    versions: dict[str, str] = field(default_factory=dict)
    host: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    database: dict[str, str] = field(default_factory=dict)
    config_digest: str = ""
    notes: tuple[str, ...] = ()
    stages: tuple[StageRecord, ...] = ()


@dataclass(frozen=True)
class VerdictRecord:
    """The verdict of a run with every gate's result. `judged_at` is the run's end unless re-judged at another day."""

    verdict: Verdict
    reason: str
    gates: tuple[GateResult, ...]
    judged_at: str
    not_verifiable: tuple[str, ...] = ()
    narrowed: bool = False


@dataclass(frozen=True)
class LedgerRecord:
    """All rows of the ledger with what the run says of them.

    `unknown_parts` are names that checks or findings of the run gave and that the ledger does not have: a slip in a suite.
    """

    rows: tuple[RowResult, ...]
    unknown_parts: tuple[str, ...] = ()
