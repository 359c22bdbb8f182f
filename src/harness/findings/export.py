"""Findings as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from harness.findings.waiving import day_of
from harness.model.finding import Finding
from harness.model.waiver import History

COLUMNS = (
    "fingerprint",
    "state",
    "severity",
    "confidence",
    "rule",
    "title",
    "method",
    "route",
    "parameter",
    "role",
    "cwe",
    "owasp",
    "owasp_top10",
    "engines",
    "first_seen",
    "last_seen",
    "note",
    "observed",
)
_TEXT_CHARACTERS_MAX = 500
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run (OWASP: CSV injection)


def as_csv(findings: Iterable[Finding], states: History) -> str:
    """One row for each finding of the run and of the base, in the order of the history; RFC 4180."""
    found = {finding.fingerprint: finding for finding in findings}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for status in states.statuses:
        finding = found.get(status.fingerprint)
        row = (
            status.fingerprint,
            status.state.value,
            status.severity.value,
            finding.confidence.value if finding else "",
            status.rule,
            status.title,
            status.method,
            status.route,
            status.parameter,
            status.role,
            str(finding.cwe) if finding and finding.cwe else "",
            finding.owasp if finding else "",
            finding.owasp_top10 if finding else "",
            " ".join(finding.engines) if finding else "",
            str(day_of(status.first_seen)),
            str(day_of(status.last_seen)),
            status.note,
            finding.observed if finding else "",
        )
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: str) -> str:
    """Text that a spreadsheet shows and does not run."""
    short = value[:_TEXT_CHARACTERS_MAX].replace("\0", "")
    return f"'{short}" if short.startswith(_FORMULA_STARTS) else short
