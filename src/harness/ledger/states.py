"""What a run says of each row of the ledger. The states are defined in the head of `ledger/phase4.toml`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from harness.ledger.checks import NamedCheck
from harness.ledger.rows import LIVE, derived_rows, part_names
from harness.model.evidence import Outcome, TestResult
from harness.model.finding import Confidence, Finding, Severity
from harness.model.ledger import PartResult, Requirement, RowResult, RowState
from harness.model.run import LedgerRecord

WORST_FIRST = (
    RowState.REFUTED,
    RowState.UNKNOWN,
    RowState.NOT_VERIFIABLE,
    RowState.AWAITING_CREDENTIALS,
    RowState.PROVED,
)
"""The merge rule of rows: what is refuted outranks what is unknown, and proved is only what nothing speaks against."""
NOT_VERIFIABLE_PREFIX = "not verifiable:"
"""A check that is skipped with a reason that starts so says that this target does not give what it takes."""
CRITICAL_PART = "nice.4.a"
"""`No critical vulnerability`: every finding of severity critical refutes it, whatever parts it names, waived or not."""

_REASON_CHARACTERS_MAX = 300
_Named = TypeVar("_Named", TestResult, NamedCheck)


@dataclass(frozen=True)
class _Seen:
    """What the run has to say of one name: the checks that ran, the findings against it, and where the sources name it."""

    results: tuple[TestResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    declared: tuple[NamedCheck, ...] = ()
    unscanned: tuple[str, ...] = ()


def decide(
    requirements: Sequence[Requirement],
    test_results: Iterable[TestResult],
    faults_caught: Mapping[str, str],
    target_gives: Iterable[str],
    *,
    findings: Iterable[Finding] = (),
    declared: Iterable[NamedCheck] = (),
    unscanned: Iterable[str] = (),
) -> LedgerRecord:
    """The state of every row, with the reason in words.

    Args:
        requirements: the rows.
        test_results: every test of every stage; `TestResult.parts` are what it proves.
        faults_caught: part → the fault that turned a check of that part red, from the committed `faults/results.json`.
        target_gives: what the target gives (`document`, `users`, `source`, `database`, `pages`).
        findings: every finding, waived ones too; `Finding.parts` are what it refutes. One of low confidence refutes nothing.
        declared: the checks that the suites' sources hold, so that a part whose stage was skipped for want of something is
            NOT_VERIFIABLE rather than UNKNOWN.
        unscanned: engines that look for defects and did not run to their end, each with the reason: without them nobody can
            say that there is no critical vulnerability.
    """
    gives = frozenset(target_gives)
    seen, strays = _gather(requirements, test_results, findings, declared)
    if CRITICAL_PART in seen:
        seen[CRITICAL_PART] = replace(seen[CRITICAL_PART], unscanned=tuple(unscanned))
    rows: dict[str, RowResult] = {}
    for row in requirements:
        if not row.derived:
            rows[row.id] = _row(row, seen, faults_caught, gives)
    for row in requirements:
        if row.derived:
            rows[row.id] = _derived(row, requirements, rows)
    return LedgerRecord(tuple(rows[row.id] for row in requirements), strays)


def worst(states: Iterable[RowState]) -> RowState:
    """The worst of several states; nothing at all is UNKNOWN."""
    seen = set(states)
    return next((state for state in WORST_FIRST if state in seen), RowState.UNKNOWN)


def _gather(
    requirements: Sequence[Requirement],
    results: Iterable[TestResult],
    findings: Iterable[Finding],
    declared: Iterable[NamedCheck],
) -> tuple[dict[str, _Seen], tuple[str, ...]]:
    ran, against, named = _by_part(results), _against(findings), _by_part(declared)
    valid = dict.fromkeys(part_names(requirements))
    strays = tuple(sorted({*ran, *against, *named} - {*valid, CRITICAL_PART}))
    return {part: _Seen(tuple(ran[part]), tuple(against[part]), tuple(named[part])) for part in valid}, strays


def _by_part(items: Iterable[_Named]) -> defaultdict[str, list[_Named]]:
    found: defaultdict[str, list[_Named]] = defaultdict(list)
    for item in items:
        for part in item.parts:
            found[part].append(item)
    return found


def _against(findings: Iterable[Finding]) -> defaultdict[str, list[Finding]]:
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.confidence is Confidence.LOW:
            continue
        critical = (CRITICAL_PART,) if finding.severity is Severity.CRITICAL else ()
        for part in dict.fromkeys((*finding.parts, *critical)):
            found[part].append(finding)
    return found


def _row(row: Requirement, seen: Mapping[str, _Seen], faults: Mapping[str, str], gives: frozenset[str]) -> RowResult:
    parts = tuple(_part(part.id, seen[part.id], faults, gives) for part in row.parts)
    if row.live:
        parts = (*parts, _live(f"{row.id}.{LIVE}", row.live, seen[f"{row.id}.{LIVE}"]))
    state = worst(part.state for part in parts)
    if state is RowState.PROVED:
        return RowResult(row.id, state, "every part passed, and a planted fault turned each of them red", parts)
    return RowResult(row.id, state, "; ".join(f"{part.part}: {part.reason}" for part in parts if part.state is state), parts)


def _part(part: str, seen: _Seen, faults: Mapping[str, str], gives: frozenset[str]) -> PartResult:
    state, reason = _judge(seen, gives)
    fault = faults.get(part, "")
    if state is RowState.PROVED and not fault:
        state, reason = RowState.UNKNOWN, "no fault: its checks passed, but no planted fault has turned one of them red"
    return PartResult(part, state, _checks(seen), fault, reason)


def _live(part: str, what: str, seen: _Seen) -> PartResult:
    """The check against the real account: the same as the local one, so the local one's fault speaks for both."""
    ran = [result for result in seen.results if result.outcome is not Outcome.SKIPPED]
    if not ran and not seen.findings:
        return PartResult(part, RowState.AWAITING_CREDENTIALS, _checks(seen), "", f"waits for an account: {what}")
    state, reason = _judge(_Seen(tuple(ran), seen.findings), frozenset())
    return PartResult(part, state, _checks(seen), "", reason)


def _judge(seen: _Seen, gives: frozenset[str]) -> tuple[RowState, str]:
    """What checks and findings say of a part, before any fault is asked for."""
    if refuted := _refutation(seen):
        return RowState.REFUTED, refuted
    if seen.unscanned:
        return RowState.UNKNOWN, _short(f"did not run: {'; '.join(seen.unscanned)}")
    if not seen.results:
        return _absent(seen.declared, gives)
    skipped = [result for result in seen.results if result.outcome is Outcome.SKIPPED]
    if len(skipped) == len(seen.results) and all(_says_not_given(result) for result in skipped):
        return RowState.NOT_VERIFIABLE, _short(skipped[0].message)
    for result in seen.results:
        if result.outcome is Outcome.ERROR:
            return RowState.UNKNOWN, f"{result.test} could not run: {_short(result.message)}"
        if result.outcome is Outcome.SKIPPED:
            return RowState.UNKNOWN, f"{result.test} was skipped: {_short(result.message)}"
    count = len(seen.results)
    return RowState.PROVED, "its check passed" if count == 1 else f"its {count} checks passed"


def _refutation(seen: _Seen) -> str:
    for finding in seen.findings:
        observed = f": {finding.observed}" if finding.observed else ""
        return _short(f"finding {finding.fingerprint}: {finding.operation} {finding.title}{observed}")
    for result in seen.results:
        if result.outcome is Outcome.FAILED:
            return f"{result.test} failed: {_short(result.message)}"
    return ""


def _absent(declared: tuple[NamedCheck, ...], gives: frozenset[str]) -> tuple[RowState, str]:
    """No check of the part ran: because none exists, because the target lacks what all of them need, or for another reason."""
    if not declared:
        return RowState.UNKNOWN, "no check names it"
    lacking = [tuple(need for need in check.needs if need not in gives) for check in declared]
    if all(lacking):
        return RowState.NOT_VERIFIABLE, f"the target gives no {' and no '.join(lacking[0])}"
    return RowState.UNKNOWN, f"no check of it ran: {declared[0].check} is not in this run"


def _says_not_given(result: TestResult) -> bool:
    return result.message.strip().lower().startswith(NOT_VERIFIABLE_PREFIX)


def _checks(seen: _Seen) -> tuple[str, ...]:
    return tuple(dict.fromkeys(result.test for result in seen.results))


def _short(message: str) -> str:
    """The line of a message that says most: pytest's first `E` line, else the last one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    marked = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    line = marked[0] if marked else (lines[-1] if lines else "no message")
    return line if len(line) <= _REASON_CHARACTERS_MAX else line[: _REASON_CHARACTERS_MAX - 1] + "…"


def _derived(row: Requirement, requirements: Sequence[Requirement], rows: Mapping[str, RowResult]) -> RowResult:
    """A derived row. Rows that it stands on and that are derived themselves are followed; the loader refuses circles."""
    below = [_resolved(by, requirements, rows) for by in derived_rows(row, requirements)]
    state = worst(result.state for result in below)
    same = [result.row for result in below if result.state is state]
    named = ", ".join(same[:8]) + (f" and {len(same) - 8} more" if len(same) > 8 else "")
    return RowResult(row.id, state, f"from {', '.join(row.derived)}: {len(same)} of {len(below)} rows {state}: {named}")


def _resolved(name: str, requirements: Sequence[Requirement], rows: Mapping[str, RowResult]) -> RowResult:
    if name in rows:
        return rows[name]
    row = next(requirement for requirement in requirements if requirement.id == name)
    return _derived(row, requirements, rows)
