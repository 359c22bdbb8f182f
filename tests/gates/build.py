"""Builds the evidence that the gate tests judge: whole by default, broken where a test says so."""

from __future__ import annotations

from typing import Any

from harness.gates.view import GateView, Item
from harness.model.evidence import (
    AuthorizationPayload,
    Cell,
    ContractPayload,
    CoverageNumbers,
    CoveragePayload,
    DatabasePayload,
    Evidence,
    FindingsPayload,
    Kind,
    OperationCases,
    OracleRecord,
    Outcome,
    Reach,
    State,
    TestResult,
    TestsPayload,
    WatchedOperation,
    Whose,
)
from harness.model.finding import Confidence, Finding, Severity
from harness.model.plan import Limits, Stage
from harness.model.run import StageRecord, StageState


def stage(name: str, engine: str = "probes") -> Stage:
    return Stage(name, engine, 60.0, suite=f"suites/{name}", tests_min=2)


def item(name: str, kind: Kind, payload: Any, state: State = State.RAN, reason: str = "") -> Item:
    evidence = Evidence(name, kind, state, f"evidence/{name}-{kind}.json", "", "", "", "tool", "1", reason=reason)
    return Item(evidence, payload)


def view(stages: tuple[Stage, ...], *items: Item, records: tuple[StageRecord, ...] = ()) -> GateView:
    ran = {entry.name: StageRecord(entry.name, entry.engine, StageState.RAN) for entry in stages}
    return GateView(stages, {**ran, **{record.name: record for record in records}}, items, Limits())


def result(name: str, outcome: Outcome = Outcome.PASSED, **more: Any) -> TestResult:
    message = "" if outcome is Outcome.PASSED else "E  it did not hold"
    return TestResult(name, outcome, message=message, **more)


def suite_of(*results: TestResult, suite: str = "suites/x", collected: int | None = None) -> TestsPayload:
    return TestsPayload(suite, len(results) if collected is None else collected, 2, results)


def two_passed(name: str) -> Item:
    return item(name, Kind.TESTS, suite_of(result("test_a"), result("test_b"), suite=f"suites/{name}"))


def finding(rule: str = "headers.missing", severity: Severity = Severity.MEDIUM, **more: Any) -> Finding:
    settings = {
        "confidence": Confidence.HIGH,
        "stage": "security",
        "engines": ("probes",),
        "method": "GET",
        "route": "/x",
        **more,
    }
    return Finding(rule, "a header is missing", severity, **settings)


def coverage(covered: int = 80, *, server: bool = True, missing: tuple[str, ...] = (), **numbers: Any) -> CoveragePayload:
    pairs: dict[str, Any] = {name: (covered, 100) for name in ("lines", "statements", "functions", "branches")}
    total = CoverageNumbers(**{**pairs, **numbers})
    return CoveragePayload(total, None, (), missing, server, ("unit",))


def contract(*, cases: int = 30, successes: int = 3, findings: tuple[Finding, ...] = (), **more: Any) -> ContractPayload:
    entry = OperationCases("GET /x", "partner", True, cases, successes, 0)
    settings: dict[str, Any] = {"untested": {}, "phases": ("fuzzing",), **more}
    return ContractPayload("document", ("GET /x",), cases=(entry,), findings=findings, **settings)


OWN = Cell("GET /x", "partner", "one", Whose.OWN, permitted=True, tried=True, allowed=True, status=200)
ANOTHERS = Cell(
    "GET /x", "partner", "two", Whose.ANOTHER, permitted=False, tried=True, allowed=False, status=404, twin="partner GET /x own"
)


def matrix(*cells: Cell, findings: tuple[Finding, ...] = ()) -> AuthorizationPayload:
    return AuthorizationPayload(cells, findings)


def findings(*found: Finding, reached: int = 10, logged_in: bool = True) -> FindingsPayload:
    return FindingsPayload(found, (Reach("probes", 10, reached, logged_in),))


def database(
    *found: Finding, watched: int = 10, tried: int = 5, untried: dict[str, str] | None = None, **more: Any
) -> DatabasePayload:
    """Ten operations of which `watched` were watched."""
    operations = tuple(
        WatchedOperation(f"GET /{n}", "partner", n < watched, 200, 2, note="" if n < watched else "no success") for n in range(10)
    )
    settings: dict[str, Any] = {"requests": 10, "statements": 20, "overlaps": 0, **more}
    oracles = (OracleRecord("injection", "places", tried, untried or {}),)
    return DatabasePayload(operations, oracles, idle=(), sizes=(), grown_by="", findings=found, **settings)
