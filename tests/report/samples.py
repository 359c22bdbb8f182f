"""Runs as reports get them, made up but typed and complete: one that passed, one that failed, one that is nearly empty.

Numbers come from a seeded generator, so that every sample is the same each time.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path

from harness.findings.history import Observed, accept, history
from harness.gates.view import Item
from harness.ledger.rows import load, part_names
from harness.ledger.states import decide
from harness.model.evidence import (
    FindingsPayload,
    Kind,
    Outcome,
    Reach,
    TestResult,
)
from harness.model.finding import Finding, Observation, Severity
from harness.model.gate import GateResult, Measure
from harness.model.run import LedgerRecord, Manifest, RunStatus, StageRecord, StageState, VerdictRecord
from harness.model.verdict import Verdict
from harness.model.waiver import Examined, History, Waiver
from harness.report.model import ReportInput, Timing
from tests.report.sample_findings import (
    HOSTILE,
    HOSTILE_TEXTS,
    OPERATIONS,
    authorization_findings,
    database_findings,
    finding_of,
    header_findings,
    hostile_findings,
)
from tests.report.sample_load import load_result
from tests.report.sample_payloads import (
    at_second,
    authorization_payload,
    contract_payload,
    coverage_payload,
    database_payload,
    item_of,
    suites_items,
)

ROOT = Path(__file__).parents[2]
LEDGER = load(ROOT / "ledger" / "phase4.toml")
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
LEDGER_PARTS = tuple(part for part in part_names(LEDGER) if not part.endswith(".live"))


def passed() -> ReportInput:
    """A whole run of the merge plan that passed."""
    random_ = random.Random(1)
    items = (
        *suites_items(random_, failing=False),
        item_of("contract", Kind.CONTRACT, contract_payload(random_, broken=False)),
        item_of("authorization", Kind.AUTHORIZATION, authorization_payload(holes=False)),
        item_of("database", Kind.DATABASE, database_payload(())),
        item_of("security", Kind.FINDINGS, FindingsPayload((), (Reach("probes", 15, 15, True, ("partner", "admin"), 412),))),
        item_of("load", Kind.LOAD, load_result(random_, slow=False)),
        item_of("all", Kind.COVERAGE, coverage_payload(random_, covered=0.88)),
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
    findings = (*authorization_findings(), *hostile_findings(), *header_findings())
    items = (
        *suites_items(random_, failing=True),
        item_of("contract", Kind.CONTRACT, contract_payload(random_, broken=True)),
        item_of("authorization", Kind.AUTHORIZATION, authorization_payload(holes=True)),
        item_of("database", Kind.DATABASE, database_payload(database_findings())),
        item_of("security", Kind.FINDINGS, FindingsPayload(findings, (Reach("probes", 15, 13, True, ("partner",), 380),))),
        item_of("load", Kind.LOAD, load_result(random_, slow=True)),
        item_of("all", Kind.COVERAGE, coverage_payload(random_, covered=0.71)),
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
    ended, today = at_second(600), date(2026, 11, 24)
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
        StageRecord("contract", "schemathesis", StageState.FAILED, "the target ended with exit code 1", at_second(12), 3.1, 0.2),
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
    manifest = Manifest("r", RunStatus.PLANNED, "merge", (), "t", "local", "", (), (), 1, at_second(0))
    return ReportInput(manifest, VerdictRecord(Verdict.UNKNOWN, "no gate could be judged", (), at_second(0)))


def many(count: int) -> ReportInput:
    """The failed run with so many findings of many rules, each with long hostile texts."""
    run = failed()
    findings = tuple(
        replace(
            finding_of(f"rule.{n % 40}", f"A defect of rule {n % 40}", tuple(Severity)[n % 4], f"/api/things/{n}/{{id}}"),
            observed=HOSTILE_TEXTS[n % len(HOSTILE_TEXTS)] * 3,
            parameter=f"p{n}",
        )
        for n in range(count)
    )
    return replace(run, findings=findings, history=over_time(findings))


def _proving(parts: tuple[str, ...]) -> tuple[TestResult, ...]:
    return tuple(
        TestResult(f"suites/readiness/test_it.py::test_{n}", Outcome.PASSED, parts=(part,)) for n, part in enumerate(parts)
    )


def _gate(gate: str, verdict: Verdict, reason: str, *measures: Measure, **more: object) -> GateResult:
    return GateResult(gate, verdict, reason, measures, **more)  # type: ignore[arg-type]


def _m(name: str, measured: float | None, threshold: float, comparison: str, unit: str = "", samples: int = 0) -> Measure:
    return Measure(name, measured, threshold, comparison, unit, samples)


def _input(
    verdict: Verdict, reason: str, gates: tuple[GateResult, ...], items: tuple[Item, ...], proved: tuple[str, ...]
) -> ReportInput:
    record: LedgerRecord = decide(LEDGER, _proving(proved), dict.fromkeys(LEDGER_PARTS, "drop-owner-check"), ())
    return ReportInput(
        manifest=_manifest(),
        verdict=VerdictRecord(verdict, reason, gates, at_second(201)),
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
        stages.append(StageRecord(name, engine, StageState.RAN, "", at_second(at), seconds, seconds * 0.03))
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
        started=at_second(0),
        ended=at_second(201),
        versions={"python": "3.11.7", "locust": "2.47.0", "schemathesis": "4.32.1", "playwright": "1.65.2"},
        host={"system": "Linux 6.1 x86_64", "cores": "2", "memory": "7.8 GB"},
        commit="d93ca81c0ffee",
        database={"provider": "embedded", "version": "18.6"},
        config_digest="77e1" * 16,
        stages=tuple(stages),
    )
