"""Which findings a waiver excuses on a day, and what is to be said of the waivers themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from harness.model.finding import Finding, Severity
from harness.model.waiver import WARNING_DAYS, Waiver

APPROVERS_OF_CRITICAL_MIN = 2


@dataclass(frozen=True)
class Waived:
    """Findings sorted by what the waivers say. `reasons` says of a finding why its waiver does not hold."""

    standing: tuple[Finding, ...]
    excused: tuple[Finding, ...]
    reasons: dict[str, str]


def day_of(moment: str) -> date:
    """The UTC day of an ISO 8601 time, or of a day written alone; `ValueError` for anything else."""
    return date.fromisoformat(moment[:10])


def apply(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date) -> Waived:
    """Sorts findings into those that stand and those that a waiver excuses today."""
    by_fingerprint = {waiver.fingerprint: waiver for waiver in waivers}
    standing, excused, reasons = [], [], {}
    for finding in findings:
        waiver = by_fingerprint.get(finding.fingerprint)
        why_not = fault(waiver, finding.severity, today) if waiver else ""
        if waiver and not why_not:
            excused.append(finding)
        else:
            standing.append(finding)
        if why_not:
            reasons[finding.fingerprint] = why_not
    return Waived(tuple(standing), tuple(excused), reasons)


def fault(waiver: Waiver, severity: Severity, today: date) -> str:
    """Why a waiver does not hold for a finding of that severity today; "" where it does."""
    if today > waiver.expires:
        return f"its waiver expired on {waiver.expires} (owner {waiver.owner})"
    if today < waiver.granted:
        return f"its waiver holds from {waiver.granted} only"
    if severity is Severity.CRITICAL and len(waiver.approvers) < APPROVERS_OF_CRITICAL_MIN:
        return f"its waiver has one approver ({waiver.approvers[0]}), and a critical finding takes two"
    return ""


def warnings(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date) -> tuple[str, ...]:
    """Waivers that ended, end within two weeks, do not hold, or match nothing in this run."""
    found = {finding.fingerprint: finding for finding in findings}
    return tuple(line for waiver in waivers if (line := _warning(waiver, found.get(waiver.fingerprint), today)))


def _warning(waiver: Waiver, finding: Finding | None, today: date) -> str:
    if finding is None:
        return f"waiver {waiver.fingerprint} (owner {waiver.owner}) matches nothing that this run found: remove it, or look why"
    if why := fault(waiver, finding.severity, today):
        return f"{finding.fingerprint} {finding.title}: {why}"
    if waiver.expires - today <= timedelta(days=WARNING_DAYS):
        days = (waiver.expires - today).days
        return (
            f"{finding.fingerprint} {finding.title}: its waiver ends in {days} days, on {waiver.expires} (owner {waiver.owner})"
        )
    return ""
