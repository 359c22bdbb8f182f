"""What several gates ask of their evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.findings.merge import merged
from harness.findings.waiving import apply
from harness.gates.view import GateView, Item
from harness.model.evidence import Kind, Outcome, TestResult, TestsPayload
from harness.model.finding import Confidence, Finding
from harness.model.gate import Measure


@dataclass(frozen=True)
class Judged:
    """Findings that count and stand, with a sentence each, and those that a waiver excuses."""

    findings: tuple[Finding, ...]
    failures: tuple[str, ...]
    waived: tuple[Finding, ...]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Those of the findings that stand."""
        return tuple(finding.fingerprint for finding in self.findings)

    @property
    def excused(self) -> tuple[str, ...]:
        """One line for each finding that a waiver excuses: a pass is never silent about them."""
        return tuple(f"waived: {sentence(finding)}" for finding in self.waived)


def judged(findings: Iterable[Finding], view: GateView) -> Judged:
    """What counts, each fingerprint once: severe enough and more than a guess (`LOW` confidence is shown, and not judged)."""
    limit = view.limits.findings.severity_min.rank
    counting = [f for f in merged(findings) if f.severity.rank <= limit and f.confidence is not Confidence.LOW]
    waived = apply(counting, view.waivers, view.today)
    failures = (f"{sentence(f)}{_why_not_waived(waived.reasons.get(f.fingerprint))}" for f in waived.standing)
    return Judged(waived.standing, tuple(failures), waived.excused)


def _why_not_waived(reason: str | None) -> str:
    return f" ({reason})" if reason else ""


def sentence(finding: Finding) -> str:
    """`high  GET /api/x/{id} as partner: title: observed`."""
    where = f"{finding.operation}: " if finding.route else ""
    observed = f": {finding.observed}" if finding.observed else ""
    return f"{finding.severity}: {where}{finding.title}{observed}"


def suite_failures(view: GateView) -> tuple[str, ...]:
    """Failed tests of the feeding suites that no finding stands for: a claim that did not hold, said by the test alone."""
    return tuple(
        f"{result.test}: {last_line(result.message)}" for result in _results(view, Outcome.FAILED) if not result.findings
    )


def suite_gaps(view: GateView) -> tuple[str, ...]:
    """Tests of the feeding suites that could not run at all."""
    errors = [f"{result.test} could not run: {last_line(result.message)}" for result in _results(view, Outcome.ERROR)]
    return (*view.gaps(Kind.TESTS), *errors)


def _results(view: GateView, outcome: Outcome) -> list[TestResult]:
    payloads: list[TestsPayload] = [item.payload for item in view.of(Kind.TESTS)]
    return [result for payload in payloads for result in payload.results if result.outcome is outcome]


def suite_shortfalls(payload: TestsPayload) -> list[str]:
    """Why a suite ran too little: it collected, finished or did not skip fewer tests than it must; one line each."""
    ran = len(payload.results) - payload.count(Outcome.SKIPPED)
    lines = [f"{r.test} could not run: {last_line(r.message)}" for r in payload.results if r.outcome is Outcome.ERROR]
    if payload.collected < max(payload.declared_min, 1):
        lines.append(f"{payload.suite}: collected {payload.collected} tests, declares at least {max(payload.declared_min, 1)}")
    elif len(payload.results) < payload.collected:
        lines.append(f"{payload.suite}: {len(payload.results)} of {payload.collected} collected tests ended")
    elif ran == 0:
        lines.append(f"{payload.suite}: all {payload.collected} tests were skipped")
    return lines


def collected(payload: TestsPayload) -> Measure:
    """How many tests a suite collected, against what it declares."""
    return Measure(f"{payload.suite} collected", payload.collected, payload.declared_min, "≥", "tests", payload.collected)


def last_line(message: str) -> str:
    """The line of a failure that says most: pytest's last `E` line, else the last one."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    marked = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")]
    return (marked or lines or ["no message"])[0 if marked else -1][:300]


def files(items: Iterable[Item]) -> tuple[str, ...]:
    """The files behind some items."""
    return tuple(item.evidence.file for item in items)
