"""Runs as reports get them, made up but typed and complete: one that passed, one that failed, one that is nearly empty.

Numbers come from a seeded generator, so that every sample is the same each time.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import date
from pathlib import Path

from harness.findings.history import Observed, accept, history
from harness.gates.view import Item
from harness.ledger.rows import load, part_names
from harness.ledger.states import decide
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
    FindingsPayload,
    Kind,
    OperationCases,
    OracleRecord,
    Outcome,
    Reach,
    State,
    TableSize,
    TestResult,
    TestsPayload,
    WatchedOperation,
    Whose,
)
from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom
from harness.model.gate import GateResult, Measure
from harness.model.load import (
    Connections,
    Distribution,
    EndpointLoad,
    Failure,
    LoadResult,
    LoadSecond,
    MachineShare,
    PhaseLoad,
    Spacing,
)
from harness.model.run import LedgerRecord, Manifest, RunStatus, StageRecord, StageState, VerdictRecord
from harness.model.verdict import Verdict
from harness.model.waiver import Examined, History, Waiver
from harness.report.model import ReportInput, Timing

ROOT = Path(__file__).parents[2]
LEDGER = load(ROOT / "ledger" / "phase4.toml")

OPERATIONS = (
    ("POST /api/partner-auth/login", ("",)),
    ("POST /api/partner-auth/logout", ("partner",)),
    ("GET /api/partner-auth/profile", ("partner",)),
    ("PUT /api/partner-auth/change-password", ("partner",)),
    ("POST /api/auth/login", ("",)),
    ("GET /api/auth/me", ("admin",)),
    ("GET /api/partner-portal/leads", ("partner", "admin")),
    ("GET /api/partner-portal/leads/stats", ("partner", "admin")),
    ("GET /api/partner-portal/leads/{lead_id}", ("partner", "admin")),
    ("PUT /api/partner-portal/leads/{lead_id}/status", ("partner", "admin")),
    ("POST /api/partner-portal/leads/{lead_id}/notes", ("partner", "admin")),
    ("GET /api/partner-portal/dashboard", ("partner", "admin")),
    ("GET /api/admin/dashboard", ("admin",)),
    ("GET /api/health/live", ("",)),
    ("GET /api/health/ready", ("",)),
)
ROLES = ("", "partner", "admin")

HOSTILE = "<script>document.title='RAN'</script><img src=x onerror=\"document.title='RAN'\">"
HOSTILE_TEXTS = (
    HOSTILE,
    "\"><svg onload=document.title='RAN'>",
    "javascript:document.title='RAN'",
    "</style><style>body{display:none}</style>",
    "</pre></details></section></main><h1>PASS: Ship</h1>",
    "{{ 7*7 }}{% for x in y %}",
    "`code` | pipe [link](http://evil.invalid/x.png) ![img](http://evil.invalid/p.png) @everyone #1 <!-- -->",
    "\x1b[31mred\x1b[0m \u202egnp.exe \u2066 \u200b \x00 null",
    "]]> &amp; &lt; &#x0; \ud800 lone",
    "x" * 5_000,
)
GATES = ("tests", "coverage", "contract", "authorization", "findings", "flows", "arrivals", "latency", "errors")
QUESTIONS = {
    "tests": "Do the suites' own claims hold?",
    "coverage": "Are at least 70 % of branches, functions, lines and statements exercised?",
    "contract": "Does every operation keep to the committed document?",
    "authorization": "May everybody do what is theirs, and nothing else?",
    "findings": "Is the target free of known weaknesses?",
    "flows": "Can people do in a browser what they come for?",
    "arrivals": "Did the visitors arrive as the load profile says?",
    "latency": "Are answers in time, from the intended start?",
    "errors": "Do visitors get what they came for?",
}


def passed() -> ReportInput:
    """A whole run of the merge plan that passed."""
    random_ = random.Random(1)
    items = (
        *_suites(random_, failing=False),
        _item("contract", Kind.CONTRACT, _contract(random_, broken=False)),
        _item("authorization", Kind.AUTHORIZATION, _authorization(holes=False)),
        _item("database", Kind.DATABASE, _database(())),
        _item("security", Kind.FINDINGS, FindingsPayload((), (Reach("probes", 15, 15, True, ("partner", "admin"), 412),))),
        _item("load", Kind.LOAD, load_result(random_, slow=False)),
        _item("all", Kind.COVERAGE, _coverage(random_, covered=0.88)),
    )
    gates = (
        _gate("tests", Verdict.PASS, "312 tests passed", _m("tests that pass", 312, 312, "≥", "tests")),
        _gate(
            "coverage",
            Verdict.PASS,
            "branches 79.4 %, functions 92.1 %, lines 88.2 %, statements 88.0 %",
            _m("branches", 79.4, 70, "≥", "%", 884),
            _m("functions", 92.1, 70, "≥", "%", 402),
            _m("lines", 88.2, 70, "≥", "%", 3120),
            _m("statements", 88.0, 70, "≥", "%", 3301),
        ),
        _gate(
            "contract", Verdict.PASS, "15 operations kept to the document in 2,412 cases", _m("cases per operation", 42, 20, "≥")
        ),
        _gate("authorization", Verdict.PASS, "every one of 62 cells as it must be", _m("cells tried", 62, 62, "≥", "cells")),
        _gate(
            "findings",
            Verdict.PASS,
            "no finding; probes reached 15 of 15 operations",
            _m("operations reached", 100, 90, "≥", "%", 15),
        ),
        _gate("flows", Verdict.PASS, "9 flows walked to their end", _m("flows that pass", 9, 9, "≥", "flows", 9)),
        _gate("arrivals", Verdict.PASS, "300 of 300 arrivals began in time", _m("smoke arrivals", 100.0, 99, "≥", "%", 300)),
        _gate("latency", Verdict.PASS, "p95 174 ms", _m("smoke GET /api/partner-portal/leads p95", 174.0, 200, "≤", "ms", 300)),
        _gate("errors", Verdict.PASS, "0 of 300 visits failed", _m("smoke errors", 0.0, 0.1, "≤", "%", 300)),
    )
    return _input(Verdict.PASS, "all 9 gates passed", gates, items, LEDGER_PARTS[:12])


def failed() -> ReportInput:
    """A run with many findings, hostile text in each place where a target can put some, broken tests and a slow leads list."""
    random_ = random.Random(2)
    findings = (*_authorization_findings(), *hostile_findings(), *_header_findings())
    items = (
        *_suites(random_, failing=True),
        _item("contract", Kind.CONTRACT, _contract(random_, broken=True)),
        _item("authorization", Kind.AUTHORIZATION, _authorization(holes=True)),
        _item("database", Kind.DATABASE, _database(_database_findings())),
        _item("security", Kind.FINDINGS, FindingsPayload(findings, (Reach("probes", 15, 13, True, ("partner",), 380),))),
        _item("load", Kind.LOAD, load_result(random_, slow=True)),
        _item("all", Kind.COVERAGE, _coverage(random_, covered=0.71)),
    )
    prints = tuple(finding.fingerprint for finding in findings)
    gates = (
        _gate("tests", Verdict.PASS, "312 tests passed", _m("tests that pass", 312, 312, "≥", "tests")),
        _gate(
            "coverage",
            Verdict.FAIL,
            "branches 61.2 %, wanted ≥ 70 %",
            _m("branches", 61.2, 70, "≥", "%", 884),
            _m("functions", 81.0, 70, "≥", "%", 402),
            _m("lines", 71.2, 70, "≥", "%", 3120),
            _m("statements", 71.0, 70, "≥", "%", 3301),
            advice="add tests for the files named below, or delete code that nothing uses",
            details=("src/tpe/leads/queries.py: 88 lines not reached", "src/tpe/admin/routes.py: 41 lines not reached"),
        ),
        _gate(
            "contract",
            Verdict.FAIL,
            "GET /api/partner-portal/leads accepts limit=1000000 (and 2 more)",
            _m("broken", 3, 0, "≤", "cases"),
        ),
        _gate(
            "authorization",
            Verdict.FAIL,
            "critical: GET /api/partner-portal/leads/{lead_id}: a partner reads another's lead (and 1 more)",
            _m("holes", 2, 0, "≤", "cells"),
            advice="ask for the owner in the query, not only for the id",
            findings=prints[:2],
        ),
        _gate(
            "findings",
            Verdict.FAIL,
            f"{len(findings)} findings",
            _m("findings", len(findings), 0, "≤"),
            findings=prints,
            details=tuple(f"detail {text}" for text in HOSTILE_TEXTS),
        ),
        _gate("flows", Verdict.UNKNOWN, "partner moves a lead could not run: the page did not load"),
        _gate("arrivals", Verdict.PASS, "300 of 300 arrivals began in time", _m("smoke arrivals", 100.0, 99, "≥", "%", 300)),
        _gate(
            "latency",
            Verdict.FAIL,
            "smoke GET /api/partner-portal/leads p95 512 ms, wanted ≤ 200 ms",
            _m("smoke POST /api/partner-auth/login p95", 141.0, 200, "≤", "ms", 300),
            _m("smoke GET /api/partner-portal/leads p95", 512.0, 200, "≤", "ms", 296),
            advice="look at the slowest statements of this operation, then at its pool",
        ),
        _gate(
            "errors", Verdict.FAIL, "smoke: 1.33 % of visits failed, wanted ≤ 0.1 %", _m("smoke errors", 1.33, 0.1, "≤", "%", 300)
        ),
    )
    run = _input(Verdict.FAIL, "6 gates failed: coverage, contract, authorization, findings, latency, errors", gates, items, ())
    notes = tuple(Observation("note", text, "security", "GET /x", 3) for text in HOSTILE_TEXTS)
    broken = tuple(TestResult(f"t::{part}", Outcome.FAILED, message=HOSTILE, parts=(part,)) for part in LEDGER_PARTS[:3])
    record = decide(LEDGER, (*broken, *_proving(LEDGER_PARTS[3:9])), dict.fromkeys(LEDGER_PARTS, "f"), (), findings=findings)
    ledger = replace(record, unknown_parts=("9.9.9.z", HOSTILE))
    return replace(run, findings=findings, observations=notes, ledger=ledger, history=over_time(findings))


def over_time(findings: tuple[Finding, ...]) -> History:
    """Some findings new, one known, one returned, one waived, one waiver expired, one fixed and one unseen."""
    ended, today = _at(600), date(2026, 11, 24)
    base = accept(Observed(findings[1:4], (), "2026-11-01T02:03:04Z"), None, "20261101T020304Z-a1b2c3")
    returned = tuple(
        replace(entry, fixed="2026-11-09T08:07:06Z") if entry.title == findings[2].title else entry for entry in base.findings
    )
    gone = tuple(replace(findings[0], route=route, title=HOSTILE) for route in ("/gone", "/unseen"))
    more = accept(Observed(gone, (), "2026-11-01T02:03:04Z"), None, "r").findings
    waivers = tuple(
        Waiver(finding.fingerprint, f"accepted {HOSTILE}", "ana", ("bo", "cy"), date(2026, 11, 1), expires)
        for finding, expires in ((findings[0], date(2026, 12, 1)), (findings[3], date(2026, 11, 20)))
    )
    tried = (Examined("probes", (findings[0].rule,), (gone[0].operation,), (findings[0].role,)),)
    return history(Observed(findings, tried, ended), replace(base, findings=(*returned, *more)), waivers, today)


def unknown() -> ReportInput:
    """A run whose target died before any stage could say something."""
    stages = (
        StageRecord("unit", "pytest", StageState.SKIPPED, "the target gives no source"),
        StageRecord("contract", "schemathesis", StageState.FAILED, "the target ended with exit code 1", _at(12), 3.1, 0.2),
        StageRecord("load", "locust", StageState.NOT_STARTED, "the target does not answer"),
    )
    gates = (
        _gate("tests", Verdict.UNKNOWN, "contract: no tests evidence: the target ended with exit code 1"),
        replace(_gate("coverage", Verdict.SKIPPED, "not verifiable: unit: the target gives no source"), required=False),
        _gate("contract", Verdict.UNKNOWN, "contract: no contract evidence: the target ended with exit code 1"),
        _gate("latency", Verdict.UNKNOWN, "load: no load evidence: the target does not answer"),
    )
    run = _input(Verdict.UNKNOWN, "3 gates without enough evidence: tests, contract, latency", gates, (), ())
    return replace(run, manifest=replace(run.manifest, stages=stages, ended="", interrupted="SIGTERM", target_build=""))


def empty() -> ReportInput:
    """The least that can be reported: a run that was planned and nothing else."""
    manifest = Manifest("r", RunStatus.PLANNED, "merge", (), "t", "local", "", (), (), 1, _at(0))
    return ReportInput(manifest, VerdictRecord(Verdict.UNKNOWN, "no gate could be judged", (), _at(0)))


def many(count: int) -> ReportInput:
    """The failed run with so many findings of many rules, each with long hostile texts."""
    run = failed()
    findings = tuple(
        replace(
            _finding(f"rule.{n % 40}", f"A defect of rule {n % 40}", tuple(Severity)[n % 4], f"/api/things/{n}/{{id}}"),
            observed=HOSTILE_TEXTS[n % len(HOSTILE_TEXTS)] * 3,
            parameter=f"p{n}",
        )
        for n in range(count)
    )
    return replace(run, findings=findings, history=over_time(findings))


def hostile_findings() -> tuple[Finding, ...]:
    """One finding for each hostile text, with that text in every member that a target can fill."""
    return tuple(
        Finding(
            rule=f"hostile.{n}",
            title=text,
            severity=tuple(Severity)[n % 4],
            confidence=tuple(Confidence)[n % 3],
            stage=text,
            engines=("probes", text),
            method="GET",
            route=f"/x/{text}",
            parameter=text,
            role=text,
            cwe=79,
            owasp=text,
            expected=text,
            observed=text,
            why=text,
            advice=text,
            steps=(Request("POST", f"/x?q={text}", text, text, {text: text}, text * 2),),
            symptom=Symptom((500,), text, text, text, text, True),
            parts=("2.1.5.a",),
        )
        for n, text in enumerate(HOSTILE_TEXTS)
    )


LEDGER_PARTS = tuple(part for part in part_names(LEDGER) if not part.endswith(".live"))


def load_result(random_: random.Random, *, slow: bool) -> LoadResult:
    """Half a minute of load in two phases."""
    seconds = tuple(_second(random_, n, slow) for n in range(40))
    phases = (_phase("warm-up", 10, 100, slow=False), _phase("smoke", 30, 300, slow=slow))
    return LoadResult(
        profile="smoke",
        scale=1.0,
        seed=20261124,
        spacing=Spacing.UNIFORM,
        connections=Connections.OWN,
        journey="log_in_and_view_leads",
        role="partner",
        base_url="http://127.0.0.1:41833",
        started=_at(150),
        duration_s=40.4,
        complete=True,
        reason="",
        schedule_digest="9f2c" * 16,
        processes=1,
        tool="locust",
        tool_version="2.47.0",
        phases=phases,
        seconds=seconds,
    )


def _second(random_: random.Random, n: int, slow: bool) -> LoadSecond:
    bad = slow and n > 18
    p50 = 41 + 6 * math.sin(n / 3) + random_.random() * 5 + (180 if bad else 0)
    p95 = p50 * 1.9 + random_.random() * 30
    return LoadSecond(
        second=n,
        phase="warm-up" if n < 10 else "smoke",
        intended=10,
        started=10 if random_.random() > 0.1 else 9,
        dropped=0,
        completed=10,
        failed=int(bad and n % 7 == 0),
        in_flight=3 + 4 * bad,
        latency_p50_ms=p50,
        latency_p95_ms=p95 if n != 5 else None,
        latency_p99_ms=p95 * 1.2,
        generator_cpu_percent=11,
        others_percent=20,
        idle_percent=60,
        steal_percent=1,
    )


def _phase(name: str, seconds: int, visits: int, *, slow: bool) -> PhaseLoad:
    failed_visits = 4 if slow else 0
    login = _endpoint("POST /api/partner-auth/login", visits, 0, 141)
    leads = _endpoint("GET /api/partner-portal/leads", visits, failed_visits, 512 if slow else 174)
    return PhaseLoad(
        phase=name,
        duration_s=seconds,
        intended_per_s=10,
        intended=visits,
        started=visits,
        started_in_time=visits,
        dropped=0,
        not_started=0,
        completed=visits - failed_visits,
        failed=failed_visits,
        unfinished=0,
        in_flight_max=9,
        broken=0,
        broken_example="",
        lateness=Distribution(visits, 0.9, 2.1, 2.9, 4.2, 6.8),
        journey=Distribution(visits, 90, 160, 240, 310, 402),
        generator_cpu_percent=11.4,
        machine=MachineShare(6, 22, 70, 2),
        endpoints=(login, leads),
    )


def _endpoint(name: str, requests: int, failed_requests: int, p95: float) -> EndpointLoad:
    failures = (Failure("status 503", failed_requests, f'{{"message": "{HOSTILE}"}}'),) if failed_requests else ()
    times = Distribution(requests, p95 / 2.4, p95 / 1.2, p95, p95 * 1.3, p95 * 1.9)
    return EndpointLoad(name, requests, requests - failed_requests, failed_requests, failures, times, times)


def _contract(random_: random.Random, *, broken: bool) -> ContractPayload:
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


def _database(findings: tuple[Finding, ...]) -> DatabasePayload:
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


def _database_findings() -> tuple[Finding, ...]:
    return (
        Finding(
            "injection.sql",
            "the list builds a statement from search",
            Severity.CRITICAL,
            Confidence.HIGH,
            "database",
            ("witness",),
            "GET",
            "/api/partner-portal/leads",
            "search",
            proof=(f"statement: SELECT 1 FROM leads WHERE name = '{HOSTILE_TEXTS[2]}'", HOSTILE_TEXTS[6]),
        ),
    )


def _authorization(*, holes: bool) -> AuthorizationPayload:
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
    return AuthorizationPayload(tuple(cells), _authorization_findings() if holes else ())


def _coverage(random_: random.Random, *, covered: float) -> CoveragePayload:
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


def _suites(random_: random.Random, *, failing: bool) -> tuple[Item, ...]:
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
        _item("unit", Kind.TESTS, TestsPayload("suites/unit", len(unit), 40, unit)),
        _item("security", Kind.TESTS, TestsPayload("suites/security", len(security) + 2 * failing, 3, security)),
        _item("e2e", Kind.TESTS, TestsPayload("e2e", 3, 2, _flows(failing))),
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


def _authorization_findings() -> tuple[Finding, ...]:
    read = replace(
        _finding(
            "authorization.read-of-another",
            "A partner reads another partner's lead",
            Severity.CRITICAL,
            "/api/partner-portal/leads/{lead_id}",
        ),
        role="partner",
        parameter="lead_id",
        cwe=639,
        owasp="API1:2023",
        expected="404 or 403, and nothing of the lead in the answer.",
        observed="200 with the lead of partner two: contractor name, e-mail address and match score.",
        why="Any partner can read every lead of its competitors by counting up the id.",
        advice="Ask for the owner in the query: WHERE id = :id AND partner_id = :partner.",
        steps=(
            Request("GET", "/api/partner-portal/leads?limit=1", "partner", "two"),
            Request("GET", "/api/partner-portal/leads/4711", "partner", "one", {"Accept": "application/json"}),
        ),
        symptom=Symptom(status=(200,)),
        parts=("2.1.4.a",),
    )
    write = replace(
        read,
        rule="authorization.write-of-another",
        title="A partner changes another partner's lead",
        method="PUT",
        route="/api/partner-portal/leads/{lead_id}/status",
        steps=(
            Request("PUT", "/api/partner-portal/leads/4711/status", "partner", "one", {"If-Match": '"3"'}, '{"status": "won"}'),
        ),
    )
    return (read, write)


def _header_findings() -> tuple[Finding, ...]:
    return tuple(
        replace(
            _finding("headers.missing", "A security header is missing", Severity.LOW, operation.split(" ")[1]),
            method=operation.split(" ")[0],
            parameter="X-Content-Type-Options",
            expected="X-Content-Type-Options: nosniff",
            observed="the header is not there",
            why="A browser may guess another type than was sent.",
            advice="Set it for every answer in the header middleware.",
            steps=(Request(operation.split(" ")[0], operation.split(" ")[1]),),
            symptom=Symptom(header_absent="X-Content-Type-Options"),
        )
        for operation, _ in OPERATIONS
    )


def _finding(rule: str, title: str, severity: Severity, route: str) -> Finding:
    return Finding(rule, title, severity, Confidence.HIGH, "authorization", ("probes",), "GET", route)


def _proving(parts: tuple[str, ...]) -> tuple[TestResult, ...]:
    return tuple(
        TestResult(f"suites/readiness/test_it.py::test_{n}", Outcome.PASSED, parts=(part,)) for n, part in enumerate(parts)
    )


def _gate(gate: str, verdict: Verdict, reason: str, *measures: Measure, **more: object) -> GateResult:
    return GateResult(gate, verdict, reason, measures, **more)  # type: ignore[arg-type]


def _m(name: str, measured: float | None, threshold: float, comparison: str, unit: str = "", samples: int = 0) -> Measure:
    return Measure(name, measured, threshold, comparison, unit, samples)


def _item(stage: str, kind: Kind, payload: object) -> Item:
    evidence = Evidence(
        stage, kind, State.RAN, f"evidence/{stage}-{kind}.json", "ab12" * 16, _at(1), _at(2), "pytest", "9.2.0", Counts(312, 312)
    )
    return Item(evidence, payload)


def _at(seconds: int) -> str:
    return f"2026-11-24T14:{3 + seconds // 60:02d}:{seconds % 60:02d}.000Z"


def _input(
    verdict: Verdict, reason: str, gates: tuple[GateResult, ...], items: tuple[Item, ...], proved: tuple[str, ...]
) -> ReportInput:
    record: LedgerRecord = decide(LEDGER, _proving(proved), dict.fromkeys(LEDGER_PARTS, "drop-owner-check"), ())
    return ReportInput(
        manifest=_manifest(),
        verdict=VerdictRecord(verdict, reason, gates, _at(201)),
        items=items,
        requirements=LEDGER,
        ledger=record,
        asks="May this change be merged?",
        questions=QUESTIONS,
        timings=(Timing("database server (embedded)", 1.8), Timing("template: migrate, seed", 3.2), Timing("first start", 1.1)),
        document_file="targets/reference.openapi.yaml",
        operation_lines={operation: 40 + 30 * n for n, (operation, _) in enumerate(OPERATIONS)},
    )


def _manifest() -> Manifest:
    took = (
        ("unit", "pytest", 21.0),
        ("contract", "schemathesis", 62.0),
        ("authorization", "probes", 14.0),
        ("sessions", "probes", 6.0),
        ("security", "probes", 11.0),
        ("e2e", "playwright", 24.0),
        ("load", "locust", 43.0),
    )
    stages, at = [], 7
    for name, engine, seconds in took:
        stages.append(StageRecord(name, engine, StageState.RAN, "", _at(at), seconds, seconds * 0.03))
        at += int(seconds) + 1
    return Manifest(
        id="20261124T140300Z-4f1c2a",
        status=RunStatus.JUDGED,
        plan="merge",
        narrowed_to=(),
        target="reference",
        target_environment="local",
        target_build="0.1.0+d93ca81",
        target_gives=("document", "users", "source", "database", "pages"),
        command=("harness", "verify"),
        seed=20261124,
        started=_at(0),
        ended=_at(201),
        versions={"python": "3.11.7", "locust": "2.47.0", "schemathesis": "4.32.1", "playwright": "1.65.2"},
        host={"system": "Linux 6.1 x86_64", "cores": "2", "memory": "7.8 GB"},
        commit="d93ca81c0ffee",
        database={"provider": "embedded", "version": "18.6"},
        config_digest="77e1" * 16,
        stages=tuple(stages),
    )
