"""What each scan of a scanner really did: the reviewer's answer to "what was not tested", from the scanner's own counters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.evidence import FindingsPayload, ScanRecord
from harness.report.model import ReportInput
from harness.report.text import line, plural

RULES_MAX = 100
NAMES_MAX = 80
_COMPLETE = "Complete"


@dataclass(frozen=True)
class RuleRow:
    """One rule: how it ended, what it sent and raised."""

    name: str
    state: str
    requests: str
    alerts: str
    tone: str
    symbol: str


@dataclass(frozen=True)
class ScanRow:
    """One scan. `facts` are name and text; `missing` rules that the scan profile demands, `left_out` operations, why."""

    title: str
    tone: str
    symbol: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    rules: tuple[RuleRow, ...]
    rules_more: int
    missing: tuple[str, ...]
    missing_more: int
    left_out: tuple[tuple[str, str], ...]


def scan_rows(data: ReportInput) -> tuple[ScanRow, ...]:
    """Every scan of the run."""
    return tuple(_row(scan) for _, payload in data.payloads(FindingsPayload) for scan in payload.scans)


def _row(scan: ScanRecord) -> ScanRow:
    whole = not scan.gaps
    done = sum(rule.state == _COMPLETE for rule in scan.rules)
    return ScanRow(
        title=line(f"{scan.engine} as {scan.role or 'nobody'}", 80),
        tone="pass" if whole else "unknown",
        symbol="✓" if whole else "?",
        summary=f"{plural(scan.requests, 'request')}, {done} of {plural(len(scan.rules), 'rule')} complete, "
        f"{len(scan.rules_missing)} demanded ones missing",
        facts=tuple((name, line(text, 600)) for name, text in _facts(scan) if text),
        rules=tuple(_rules(scan)),
        rules_more=max(len(scan.rules) - RULES_MAX, 0),
        missing=tuple(line(rule, 80) for rule in scan.rules_missing[:NAMES_MAX]),
        missing_more=max(len(scan.rules_missing) - NAMES_MAX, 0),
        left_out=tuple((line(name, 120), line(why, 200)) for name, why in scan.left_out.items()),
    )


def _facts(scan: ScanRecord) -> Iterable[tuple[str, str]]:
    yield "Why it is not whole", "; ".join(scan.gaps)
    yield "Scan profile", scan.profile
    yield "Log-in", scan.log_in
    yield "Parameters aimed at", str(scan.parameters)
    yield "Answers by status", ", ".join(f"{status}: {count:,}" for status, count in scan.statuses.items())
    yield "Target alive", f"before: {_alive(scan.alive_before)}; after: {_alive(scan.alive_after)}"
    yield "Not done, and not demanded", "; ".join(scan.notes)


def _alive(seen: bool | None) -> str:
    return "nobody looked" if seen is None else "yes" if seen else "no"


def _rules(scan: ScanRecord) -> Iterable[RuleRow]:
    """Those that did not come to their end first."""
    ordered = sorted(scan.rules, key=lambda rule: (rule.state == _COMPLETE and rule.requests > 0, -rule.alerts))
    for rule in ordered[:RULES_MAX]:
        whole = rule.state == _COMPLETE and rule.requests > 0
        tone = ("pass", "✓") if whole else ("unknown", "?")
        yield RuleRow(line(f"{rule.rule} {rule.name}", 100), line(rule.state, 80), f"{rule.requests:,}", str(rule.alerts), *tone)
