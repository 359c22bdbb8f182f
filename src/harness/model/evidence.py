"""What a stage left behind, and the typed payloads of each kind of evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from harness.model.finding import Finding, Observation
from harness.model.waiver import Examined


class State(StrEnum):
    """How far an engine came. An engine's exit code is never trusted alone; its adapter says this, with counts."""

    RAN = "ran"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"


class Kind(StrEnum):
    """The kinds of evidence that gates consume."""

    TESTS = "tests"
    COVERAGE = "coverage"
    CONTRACT = "contract"
    AUTHORIZATION = "authorization"
    DATABASE = "database"
    FINDINGS = "findings"
    LOAD = "load"


@dataclass(frozen=True)
class Counts:
    """What was set out to do and what became of it, in the unit that the kind names (tests, cases, cells, arrivals)."""

    attempted: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Evidence:
    """One file of evidence of one stage. `file` is relative to the run folder, `digest` its SHA-256 in hex.

    `started` and `ended` are UTC, ISO 8601. `reason` says why it is not complete, "" where it is.
    """

    stage: str
    kind: Kind
    state: State
    file: str
    digest: str
    started: str
    ended: str
    tool: str
    tool_version: str
    counts: Counts = Counts()
    reason: str = ""


class Outcome(StrEnum):
    """How one test ended. `ERROR` is a fault outside the test's own claim: a fixture, a crash, a time-out."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class TestResult:
    """One test of a suite. `parts` are the ledger parts that it proves, `flow` the browser flow that it walks."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    test: str
    outcome: Outcome
    duration_s: float = 0.0
    message: str = ""
    parts: tuple[str, ...] = ()
    flow: str = ""
    artefacts: tuple[str, ...] = ()  # relative to the run folder
    findings: tuple[str, ...] = ()  # fingerprints that the test reported itself


@dataclass(frozen=True)
class TestsPayload:
    """Kind `tests`: one suite's run. `declared_min` is the number of tests that the suite must collect at least."""

    __test__ = False

    suite: str
    collected: int
    declared_min: int
    results: tuple[TestResult, ...]

    def count(self, outcome: Outcome) -> int:
        """Number of tests that ended so."""
        return sum(1 for result in self.results if result.outcome is outcome)


@dataclass(frozen=True)
class CoverageNumbers:
    """Covered and total of the four numbers. `None` where the format lacks it: such a number is UNKNOWN, never copied.

    `lines` are executable lines, `statements` AST statements, `functions` those whose body was entered, `branches` arcs.
    """

    lines: tuple[int, int] | None
    statements: tuple[int, int] | None
    functions: tuple[int, int] | None
    branches: tuple[int, int] | None


@dataclass(frozen=True)
class FileCoverage:
    """One source file's numbers and the lines that nothing reached."""

    file: str
    numbers: CoverageNumbers
    missing_lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class CoveragePayload:
    """Kind `coverage`: all stages together, the server process included, and `unit` alone beside it."""

    total: CoverageNumbers
    unit: CoverageNumbers | None
    files: tuple[FileCoverage, ...]
    modules_missing: tuple[str, ...]  # source files that no measurement names
    server_measured: bool
    stages: tuple[str, ...]


@dataclass(frozen=True)
class OperationCases:
    """What one role did to one operation: cases sent, 2xx answers, and whether the role may call it at all."""

    operation: str
    role: str
    permitted: bool
    cases: int
    successes: int
    failures: int
    statuses: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ContractPayload:
    """Kind `contract`: the document's operations, the cases of each role, the defects found.

    `parameters` counts those of each operation, with the members of its body, by its name.
    """

    document: str
    operations: tuple[str, ...]
    untested: dict[str, str]  # operation → why
    cases: tuple[OperationCases, ...]
    phases: tuple[str, ...]
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...] = ()
    parameters: dict[str, int] = field(default_factory=dict)


class Whose(StrEnum):
    """Whose object a request names."""

    OWN = "own"
    ANOTHER = "another"
    NOBODY = "nobody"
    NONE = "none"  # the operation names no object


@dataclass(frozen=True)
class Cell:
    """One cell of role × operation × object. `tried` is false where it could not be sent, with `note` saying why.

    `permitted` is what must hold, `allowed` what happened; `twin` names the permitted cell that shows that the operation
    works at all (`"role operation whose"`), "" where none succeeded.
    """

    operation: str
    role: str
    user: str
    whose: Whose
    permitted: bool
    tried: bool
    allowed: bool | None = None
    status: int = 0
    twin: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """`"partner GET /x own"`: how twins refer to it."""
        return f"{self.role or 'anonymous'} {self.operation} {self.whose}"


@dataclass(frozen=True)
class AuthorizationPayload:
    """Kind `authorization`: the whole matrix and the holes in it."""

    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...] = ()


@dataclass(frozen=True)
class WatchedOperation:
    """What the database did for one operation as one role: of one request that succeeded.

    `rows` went from the database to the target, `written` are the tables that it wrote to. `watched` is false where nothing
    can be said, with `note` saying why.
    """

    operation: str
    role: str
    watched: bool
    status: int = 0
    statements: int = 0
    rows: int = 0
    written: tuple[str, ...] = ()
    transactions: int = 0
    note: str = ""


@dataclass(frozen=True)
class OracleRecord:
    """What one oracle of the witness tried. `unit` names what is counted; `untried` says why, by what could not be tried."""

    oracle: str
    unit: str
    tried: int
    untried: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableSize:
    """A table at the two sizes that were compared, in rows."""

    table: str
    before: int
    after: int


@dataclass(frozen=True)
class DatabasePayload:
    """Kind `database`: what the server's own record of statements says.

    `requests` were watched one by one, `statements` were attributed to them; `overlaps` requests had a statement of somebody
    else among theirs and were left out; `idle` are the statements that the target runs by itself. `grown_by` says how the
    second size came about, "" where there is none.
    """

    operations: tuple[WatchedOperation, ...]
    oracles: tuple[OracleRecord, ...]
    requests: int
    statements: int
    overlaps: int
    idle: tuple[str, ...]
    sizes: tuple[TableSize, ...]
    grown_by: str
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...] = ()
    examined: tuple[Examined, ...] = ()


@dataclass(frozen=True)
class Reach:
    """How much of the target one engine reached, logged in. `roles` are those whose session was proved to work.

    `parameters` counts the places of the operations that values were put into (parameters, members of bodies); 0 is not told.
    """

    engine: str
    operations: int
    reached: int
    logged_in: bool
    roles: tuple[str, ...] = ()
    requests: int = 0
    note: str = ""
    parameters: int = 0


@dataclass(frozen=True)
class RuleRecord:
    """What one rule of a scanner did: its own word for how it ended, and the requests that it sent."""

    rule: str
    name: str
    state: str
    requests: int
    alerts: int
    duration_s: float = 0.0


@dataclass(frozen=True)
class ScanRecord:
    """What one scan really did, by the scanner's own counters and by our look at the target.

    `version` is the scanner's own word, "" where it gave none; `active_rules` and `passive_rules` count the rules that it has
    (of the passive ones those that are on), `None` where nobody counted them; `rules` are those that attacked, and
    `rules_missing` those that the scan profile demands and that the scanner does not have; `left_out` the operations that
    were kept from it on purpose, with the reason; `log_in` says what proves that somebody was logged in; `notes` say what
    would have been welcome and was not there, `gaps` what makes the scan less than whole.
    """

    engine: str
    profile: str
    role: str
    requests: int
    statuses: dict[str, int]
    rules: tuple[RuleRecord, ...]
    rules_missing: tuple[str, ...]
    parameters: int
    log_in: str
    left_out: dict[str, str]
    notes: tuple[str, ...]
    alive_before: bool | None
    alive_after: bool | None
    gaps: tuple[str, ...]
    version: str = ""
    active_rules: int | None = None
    passive_rules: int | None = None

    @property
    def armed_with(self) -> str:
        """What the scanner could attack and look with: `52 active and 61 passive rules`."""
        if self.active_rules is None or self.passive_rules is None:
            return "nobody counted its rules"
        return f"{self.active_rules} active and {self.passive_rules} passive rules"


@dataclass(frozen=True)
class FindingsPayload:
    """Kind `findings`: what was found, and how much was looked at."""

    findings: tuple[Finding, ...]
    reach: tuple[Reach, ...]
    observations: tuple[Observation, ...] = ()
    examined: tuple[Examined, ...] = ()
    scans: tuple[ScanRecord, ...] = ()
