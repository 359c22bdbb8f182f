"""After the stages: judge, settle the ledger, report, seal. Works on any stored run, also a killed one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.events import Event, GateJudged
from harness.evidence.codec import from_json, to_json
from harness.evidence.folder import (
    CHECKS_FILE,
    FAULTS_FILE,
    FINDINGS_FILE,
    FINDINGS_TABLE,
    HISTORY_FILE,
    LEDGER_FILE,
    LEDGER_RESULT_FILE,
    VERDICT_FILE,
    RunFolder,
)
from harness.evidence.stored import StoredRun
from harness.faults.results import load_results
from harness.findings.export import as_csv
from harness.findings.history import Observed, history
from harness.findings.waiving import day_of
from harness.gates.judge import judge, stored_waivers
from harness.ledger import rows, states
from harness.ledger.checks import NamedCheck, scan
from harness.model.evidence import Kind, State, TestResult
from harness.model.plan import Stage
from harness.model.run import LedgerRecord, StageRecord, VerdictRecord
from harness.model.waiver import History
from harness.report.write import write_report

FINDING_STAGES = ("contract", "authorization", "sessions", "database", "security", "zap", "tls", "audits")
"""Stages whose engines look for defects (design, section 4): "no critical vulnerability" takes all of them."""
_FINDING_KINDS = (Kind.CONTRACT, Kind.AUTHORIZATION, Kind.DATABASE, Kind.FINDINGS)


def judge_and_report(run: StoredRun, say: Callable[[Event], None], *, today: str = "") -> VerdictRecord:
    """Judges a stored run, settles its ledger and writes its report; the old ones are replaced."""
    folder = RunFolder(run.folder)
    verdict = judge(run, today=today)
    for result in verdict.gates:
        say(GateJudged(result.gate, str(result.verdict), result.reason))
    folder.write(VERDICT_FILE, to_json(verdict))
    states = run_history(run, day=verdict.judged_at)
    folder.write(FINDINGS_FILE, to_json(run.findings))
    folder.write(HISTORY_FILE, to_json(states))
    folder.write(FINDINGS_TABLE, as_csv(run.findings, states))
    folder.write(LEDGER_RESULT_FILE, to_json(settle_ledger(run)))
    write_report(StoredRun(run.folder))
    folder.seal()
    return verdict


def observed(run: StoredRun) -> Observed:
    """What a run saw, for comparison with the base."""
    return Observed(run.findings, run.examined, run.manifest.ended or run.manifest.started)


def run_history(run: StoredRun, *, day: str = "") -> History:
    """The findings of a run against its own copies of base and waivers; `day` is as of when (default: the run's end)."""
    seen = observed(run)
    return history(seen, run.known, stored_waivers(run), day_of(day or seen.ended))


def settle_ledger(run: StoredRun) -> LedgerRecord:
    """What the run says of each row of its own copy of the ledger."""
    return states.decide(
        rows.load(run.folder / LEDGER_FILE),
        _results(run),
        caught_parts(run.folder / FAULTS_FILE),
        run.manifest.target_gives,
        findings=run.findings,
        declared=_declared(run.folder / CHECKS_FILE),
        unscanned=unscanned(run),
    )


def unscanned(run: StoredRun) -> tuple[str, ...]:
    """Stages that look for defects and left no whole evidence in this run, each with the reason."""
    whole = {evidence.stage for evidence in run.evidence if evidence.kind in _FINDING_KINDS and evidence.state is State.RAN}
    records = {record.name: record for record in run.manifest.stages}
    return tuple(f"{stage}{_because(records.get(stage))}" for stage in FINDING_STAGES if stage not in whole)


def _because(record: StageRecord | None) -> str:
    return f" ({record.reason or record.state})" if record else ""


@dataclass(frozen=True)
class DeclaredChecks:
    """The checks that the suites of a plan hold, as `checks.json` keeps them."""

    checks: tuple[NamedCheck, ...]


def declared_checks(root: Path, stages: Iterable[Stage]) -> DeclaredChecks:
    """Every check of the stages' suites that names ledger parts, read from their sources."""
    suites = [stage for stage in stages if stage.suite]
    return DeclaredChecks(tuple(check for stage in suites for check in scan(root, stage.suite, needs=stage.needs)))


def _declared(path: Path) -> tuple[NamedCheck, ...]:
    return from_json(DeclaredChecks, path.read_bytes(), where=path.name).checks if path.is_file() else ()


def _results(run: StoredRun) -> tuple[TestResult, ...]:
    tests = [run.payload(evidence) for evidence in run.evidence if evidence.kind is Kind.TESTS and run.intact(evidence)]
    return tuple(result for payload in tests for result in payload.results)


def caught_parts(path: Path) -> Mapping[str, str]:
    """Ledger part → the fault that turned its check red, from a copy of `faults/results.json`; empty where there is none."""
    return {part: result.fault for result in load_results(path).results if result.caught for part in result.parts}
