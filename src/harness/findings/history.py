"""Findings over time: this run against the committed base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from harness.findings import waiving
from harness.model.finding import Finding
from harness.model.waiver import (
    KNOWN_FORMAT,
    Examined,
    FindingState,
    FindingStatus,
    History,
    KnownBase,
    KnownFinding,
    Waiver,
    WaiverKind,
)

_FOUND_FIRST = tuple(FindingState)


@dataclass(frozen=True)
class Observed:
    """What one run saw: its findings, merged; the rules that were tried where; its end (ISO 8601, UTC)."""

    findings: tuple[Finding, ...]
    examined: tuple[Examined, ...]
    ended: str


def history(observed: Observed, base: KnownBase | None, waivers: Sequence[Waiver], today: date) -> History:
    """The state of every finding of the run and of the base, new ones first and the worst of each state first."""
    known = {entry.fingerprint: entry for entry in base.findings} if base else {}
    by_fingerprint = {waiver.fingerprint: waiver for waiver in waivers}
    seen = [_seen(finding, known, by_fingerprint, observed.ended, today) for finding in observed.findings]
    found = {status.fingerprint for status in seen}
    tried = Tried(observed.examined)
    gone = [_gone(entry, tried) for entry in known.values() if entry.fingerprint not in found]
    ordered = sorted((*seen, *gone), key=lambda s: (_FOUND_FIRST.index(s.state), s.severity.rank, s.rule, s.route, s.method))
    return History(base.run if base else "", tuple(ordered), waiving.warnings(observed.findings, waivers, today))


class Tried:
    """Answers whether a rule was tried on an operation as a role, in constant time for thousands of each."""

    def __init__(self, examined: Iterable[Examined]) -> None:
        self._tried = {
            (rule, operation, role)
            for entry in examined
            for rule in entry.rules
            for operation in entry.operations
            for role in (*entry.roles, "")  # a rule that was tried as somebody was tried
        }

    def __call__(self, finding: KnownFinding | Finding) -> bool:
        """Whether the finding would have been seen again: a check that never saw it says nothing by seeing it not."""
        operation = f"{finding.method.upper()} {finding.route}".strip()
        rules = (name for check in finding.found_by for name in (check, check.split(".")[0] + ".*"))
        return any((rule, operation, finding.role) in self._tried for rule in rules)


def accept(observed: Observed, base: KnownBase | None, run: str) -> KnownBase:
    """The base that a run makes of the old one. What was not observed stays as it was: nobody knows better."""
    known: dict[str, KnownFinding] = {entry.fingerprint: entry for entry in base.findings} if base else {}
    tried = Tried(observed.examined)
    for entry in tuple(known.values()):
        if not entry.fixed and tried(entry):
            known[entry.fingerprint] = replace(entry, fixed=observed.ended)
    known.update({finding.fingerprint: _remember(finding, known, observed.ended) for finding in observed.findings})
    ordered = sorted(known.values(), key=lambda entry: (entry.rule, entry.route, entry.method, entry.parameter, entry.role))
    return KnownBase(KNOWN_FORMAT, run, observed.ended, tuple(ordered))


def _remember(finding: Finding, known: Mapping[str, KnownFinding], ended: str) -> KnownFinding:
    old = known.get(finding.fingerprint)
    return KnownFinding(
        fingerprint=finding.fingerprint,
        rule=finding.rule,
        title=finding.title,
        severity=finding.severity,
        first_seen=old.first_seen if old else ended,
        last_seen=ended,
        method=finding.method,
        route=finding.route,
        parameter=finding.parameter,
        role=finding.role,
        checks=_checks(finding, old),
    )


def _checks(finding: Finding, old: KnownFinding | None) -> tuple[str, ...]:
    """All that ever found it; nothing is written where that is its rule alone."""
    found_by = tuple(dict.fromkeys((*(old.found_by if old else ()), *finding.found_by)))
    return () if found_by == (finding.rule,) else found_by


def _seen(
    finding: Finding, known: Mapping[str, KnownFinding], waivers: Mapping[str, Waiver], ended: str, today: date
) -> FindingStatus:
    entry, waiver = known.get(finding.fingerprint), waivers.get(finding.fingerprint)
    state, note = _state(entry), ""
    if waiver:
        note = waiving.fault(waiver, finding.severity, today)
        if not note:
            state = FindingState.FALSE_ALARM if waiver.kind is WaiverKind.FALSE_ALARM else FindingState.ACCEPTED
            note = f"until {waiver.expires}: {waiver.reason} (owner {waiver.owner}, approved by {', '.join(waiver.approvers)})"
    return FindingStatus(
        fingerprint=finding.fingerprint,
        state=state,
        rule=finding.rule,
        title=finding.title,
        severity=finding.severity,
        method=finding.method,
        route=finding.route,
        parameter=finding.parameter,
        role=finding.role,
        first_seen=entry.first_seen if entry else ended,
        last_seen=ended,
        note=note,
    )


def _state(entry: KnownFinding | None) -> FindingState:
    if entry is None:
        return FindingState.NEW
    return FindingState.REGRESSED if entry.fixed else FindingState.KNOWN


def _gone(entry: KnownFinding, tried: Tried) -> FindingStatus:
    fixed = bool(entry.fixed) or tried(entry)
    note = f"fixed since {entry.fixed[:10]}" if entry.fixed else ""
    return FindingStatus(
        fingerprint=entry.fingerprint,
        state=FindingState.FIXED if fixed else FindingState.NOT_OBSERVED,
        rule=entry.rule,
        title=entry.title,
        severity=entry.severity,
        method=entry.method,
        route=entry.route,
        parameter=entry.parameter,
        role=entry.role,
        first_seen=entry.first_seen,
        last_seen=entry.last_seen,
        note=note if fixed else "its rule did not run on its route in this run",
    )
