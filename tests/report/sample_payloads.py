"""What each stage leaves as evidence, made up by a seeded generator."""

from __future__ import annotations

import random

from harness.gates.view import Item
from harness.model.evidence import (
    AuthorizationPayload,
    Cell,
    ContractPayload,
    Counts,
    CoverageNumbers,
    CoveragePayload,
    DatabasePayload,
    Evidence,
    FileCoverage,
    Kind,
    OperationCases,
    OracleRecord,
    Outcome,
    State,
    TableSize,
    TestResult,
    TestsPayload,
    WatchedOperation,
    Whose,
)
from harness.model.finding import Finding
from tests.report.sample_findings import HOSTILE, HOSTILE_TEXTS, OPERATIONS, authorization_findings

ROLES = ("", "partner", "admin")


def contract_payload(random_: random.Random, *, broken: bool) -> ContractPayload:
    cases = []
    for operation, roles in OPERATIONS:
        for role in ROLES:
            sent = random_.randrange(25, 80)
            permitted = role in roles or "" in roles
            good = sent // 2 if permitted else 0
            bad = 3 if broken and operation.endswith("/leads") and role == "partner" else 0
            cases.append(OperationCases(operation, role, permitted, sent, good, bad, {"200": good, "400": sent - good}))
    untested = {"GET /api/health/ready": "the target ended before it was reached"} if broken else {}
    names = tuple(operation for operation, _ in OPERATIONS)
    phases = ("examples", "coverage", "fuzzing", "stateful")
    return ContractPayload("targets/reference.openapi.yaml", names, untested, tuple(cases), phases, ())


def database_payload(findings: tuple[Finding, ...]) -> DatabasePayload:
    operations = tuple(
        WatchedOperation(
            operation, "partner", watched=number > 0, statements=number, rows=20 * number, note=HOSTILE if findings else ""
        )
        for number, (operation, _) in enumerate(OPERATIONS)
    )
    untried = {OPERATIONS[0][0]: HOSTILE_TEXTS[1]} if findings else {}
    oracles = (OracleRecord("injection", "places", 59, untried), OracleRecord("leaks", "operations", 0, {"": "none"}))
    sizes = (TableSize("leads", 1_000, 21_000),)
    return DatabasePayload(operations, oracles, 22, 68, 1, ("SELECT ?", HOSTILE_TEXTS[3]), sizes, "grown by SQL", findings)


def authorization_payload(*, holes: bool) -> AuthorizationPayload:
    cells = []
    for operation, roles in OPERATIONS:
        owned = "{" in operation
        for role in ROLES:
            for whose in (Whose.OWN, Whose.ANOTHER, Whose.NOBODY) if owned else (Whose.NONE,):
                may = (role in roles or "" in roles) and (not owned or whose is Whose.OWN or role == "admin")
                hole = holes and owned and role == "partner" and whose is Whose.ANOTHER
                tried = not (holes and whose is Whose.NOBODY and role == "admin")
                cells.append(
                    Cell(
                        operation=operation,
                        role=role,
                        user="one" if role else "",
                        whose=whose,
                        permitted=may,
                        tried=tried,
                        allowed=(may or hole) if tried else None,
                        status=0 if not tried else 200 if may or hole else 401 if not role else 404,
                        twin="partner own" if not may else "",
                        note="" if tried else f"no object to name {HOSTILE}",
                    )
                )
    return AuthorizationPayload(tuple(cells), authorization_findings() if holes else ())


def coverage_payload(random_: random.Random, *, covered: float) -> CoveragePayload:
    names = (
        "auth/service",
        "auth/routes",
        "leads/routes",
        "leads/service",
        "leads/queries",
        "admin/routes",
        "web/pages",
        "infra/db",
    )
    files = tuple(_file(random_, f"src/tpe/{name}.py", covered) for name in names)

    def numbers(share: float) -> CoverageNumbers:
        return CoverageNumbers(
            (int(3120 * share), 3120),
            (int(3301 * share), 3301),
            (int(402 * (share + 0.04)), 402),
            (int(884 * (share - 0.1)), 884),
        )

    missing = () if covered > 0.8 else ("src/tpe/jobs/nightly.py",)
    return CoveragePayload(numbers(covered), numbers(covered - 0.25), files, missing, True, ("unit", "contract", "e2e"))


def _file(random_: random.Random, name: str, share: float) -> FileCoverage:
    lines = random_.randrange(80, 420)
    missing = tuple(sorted(random_.sample(range(1, lines * 2), int(lines * (1 - share)))))
    pair = (lines - len(missing), lines)
    return FileCoverage(name, CoverageNumbers(pair, pair, (9, 10), (18, 24)), missing)


def suites_items(random_: random.Random, *, failing: bool) -> tuple[Item, ...]:
    unit = tuple(
        TestResult(
            f"suites/unit/test_{topic}.py::test_{topic}_{n}", Outcome.PASSED, random_.random() / 20, parts=("1.2.1.a",) * (n == 1)
        )
        for topic in ("leads", "auth", "matching", "pagination")
        for n in range(30)
    )
    security = tuple(
        TestResult(f"suites/security/test_headers.py::test_header[{name}]", Outcome.PASSED, 0.03)
        for name in ("csp", "hsts", "nosniff", "frame")
    )
    if failing:
        error = f"def test_header():\n>   assert 'x' in headers\nE   AssertionError: no header X\nE   answer was {HOSTILE}"
        security += (
            TestResult("suites/security/test_headers.py::test_no_sniff", Outcome.FAILED, 0.2, error, ("2.1.2.a",)),
            TestResult(f"suites/security/test_x.py::test_y[{HOSTILE}]", Outcome.ERROR, 0.2, HOSTILE),
            TestResult("suites/security/test_x.py::test_z", Outcome.SKIPPED, 0.0, "no TLS Postgres here"),
        )
    return (
        item_of("unit", Kind.TESTS, TestsPayload("suites/unit", len(unit), 40, unit)),
        item_of("security", Kind.TESTS, TestsPayload("suites/security", len(security) + 2 * failing, 3, security)),
        item_of("e2e", Kind.TESTS, TestsPayload("e2e", 3, 2, _flows(failing))),
    )


def _flows(failing: bool) -> tuple[TestResult, ...]:
    folder = "stages/6-e2e/artefacts"
    last = Outcome.FAILED if failing else Outcome.PASSED
    return (
        TestResult(
            "e2e/test_leads.py::test_filter",
            Outcome.PASSED,
            1.4,
            "",
            (),
            "partner filters leads",
            (f"{folder}/filter.png", f"{folder}/filter.zip"),
        ),
        TestResult(
            "e2e/test_leads.py::test_move",
            last,
            2.1,
            HOSTILE * failing,
            (),
            "partner moves a lead",
            (f"{folder}/move.png", f"{folder}/move.zip"),
        ),
        TestResult(
            "e2e/test_admin.py::test_dashboard",
            Outcome.PASSED,
            0.9,
            "",
            (),
            "admin sees the dashboard",
            (f"{folder}/admin.png", f"{folder}/odd name#?.txt"),
        ),
    )


def item_of(stage: str, kind: Kind, payload: object) -> Item:
    evidence = Evidence(
        stage,
        kind,
        State.RAN,
        f"evidence/{stage}-{kind}.json",
        "ab12" * 16,
        at_second(1),
        at_second(2),
        "pytest",
        "9.2.0",
        Counts(312, 312),
    )
    return Item(evidence, payload)


def at_second(seconds: int) -> str:
    return f"2026-11-24T14:{3 + seconds // 60:02d}:{seconds % 60:02d}.000Z"
