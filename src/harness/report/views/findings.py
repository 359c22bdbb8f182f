"""The findings, the worst first: each rule once with why and what to mend, each defect with its requests.

Long lists stay readable and small: the worst defects are shown in full, the others as rows, and what would make the page too
large is counted and left to `findings.json`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from harness.findings.merge import Cause, causes
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.waiver import FindingState, FindingStatus
from harness.report.model import ReportInput
from harness.report.reproduction import command_of
from harness.report.text import cut, line, moment, visible

STATE_TONES = {
    FindingState.NEW: "fail",
    FindingState.REGRESSED: "fail",
    FindingState.KNOWN: "unknown",
    FindingState.ACCEPTED: "await",
    FindingState.FALSE_ALARM: "skipped",
}
CARDS_MAX = 150
CARDS_PER_RULE_MAX = 20
ROWS_BYTES_MAX = 2_500_000
"""So that the page stays under 5 MB whatever the findings hold."""
STEPS_MAX = 12
TEXT_CHARACTERS_MAX = 1_200
BODY_CHARACTERS_MAX = 2_000


@dataclass(frozen=True)
class Step:
    """One request of a reproduction: `who` sends it, and `text` is the request as HTTP reads."""

    who: str
    text: str


@dataclass(frozen=True)
class Card:
    """One defect in full, with the roles that it shows as."""

    fingerprint: str
    operation: str
    title: str
    labels: tuple[tuple[str, str], ...]
    judged: bool
    state: str  # against the base: "new", "accepted"; "" where nothing is compared
    state_tone: str
    note: str  # which waiver holds, or why one does not
    expected: str
    observed: str
    why: str
    advice: str
    proof: str  # statements, plans, counts: "" where the words above say all
    steps: tuple[Step, ...]
    steps_more: int
    symptom: str
    command: str


@dataclass(frozen=True)
class Row:
    """One defect in short."""

    fingerprint: str
    operation: str
    parameter: str
    role: str
    observed: str


@dataclass(frozen=True)
class RuleGroup:
    """All defects of one rule. `title` is "" where they do not share one: then each says its own."""

    rule: str
    title: str
    classes: tuple[str, ...]  # CWE and OWASP
    count: int
    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    left_out: int


@dataclass(frozen=True)
class SeverityGroup:
    """All defects of one severity."""

    severity: str
    count: int
    rules: tuple[RuleGroup, ...]


@dataclass(frozen=True)
class FindingsView:
    """The section."""

    total: int
    counts: tuple[tuple[str, int], ...]
    groups: tuple[SeverityGroup, ...]
    observations: tuple[tuple[str, str, str, int], ...]
    observations_more: int

    @property
    def anchors(self) -> frozenset[str]:
        """Fingerprints of the defects that are shown in full: those that a link can lead to."""
        rules = (rule for group in self.groups for rule in group.rules)
        return frozenset(card.fingerprint for rule in rules for card in rule.cards)


OBSERVATIONS_MAX = 200
PROOF_CHARACTERS_MAX = 4_000


def findings_view(data: ReportInput) -> FindingsView:
    """The section on what was found."""
    statuses = data.history.by_fingerprint
    ordered = sorted(data.findings, key=lambda finding: _order(finding, statuses.get(finding.fingerprint)))
    maker = _Maker(_Budget(), statuses)
    groups = tuple(
        maker.severity_group(severity, tuple(group)) for severity, group in groupby(ordered, key=lambda finding: finding.severity)
    )
    counts = tuple((severity.value, sum(finding.severity is severity for finding in ordered)) for severity in Severity)
    notes = tuple(
        (visible(note.stage), line(note.operation, 120), line(note.text, 300), note.count)
        for note in data.observations[:OBSERVATIONS_MAX]
    )
    return FindingsView(len(ordered), counts, groups, notes, max(len(data.observations) - OBSERVATIONS_MAX, 0))


class _Budget:
    """How many cards and how many bytes of rows the page still takes."""

    def __init__(self) -> None:
        self.cards = CARDS_MAX
        self.bytes = ROWS_BYTES_MAX

    def take_card(self) -> bool:
        """Whether one more defect is shown in full."""
        self.cards -= 1
        return self.cards >= 0

    def take(self, row: Row) -> bool:
        """Whether one more row fits; a character counts as its escaped form may."""
        texts = (row.operation, row.parameter, row.role, row.observed)
        size = 90 + sum(len(text.encode()) + 4 * sum(text.count(mark) for mark in "<>&'\"") for text in texts)
        self.bytes -= size
        return self.bytes >= 0


def _order(finding: Finding, status: FindingStatus | None) -> tuple[int, int, str, str, str, str]:
    """The worst first; of one severity, those that somebody carries and those that are guesses last."""
    waived = status is not None and status.state in (FindingState.ACCEPTED, FindingState.FALSE_ALARM)
    guess = finding.confidence is Confidence.LOW
    return (finding.severity.rank, 2 * waived + guess, finding.rule, finding.route, finding.method, finding.parameter)


@dataclass(frozen=True)
class _Maker:
    """Makes the groups: what is shown in full and what in short depends on how much stands there already."""

    budget: _Budget
    statuses: Mapping[str, FindingStatus]

    def severity_group(self, severity: Severity, findings: tuple[Finding, ...]) -> SeverityGroup:
        """All defects of one severity, by rule; the rules in the order of their first defect."""
        by_rule: dict[str, list[Finding]] = {}
        for finding in findings:
            by_rule.setdefault(finding.rule, []).append(finding)
        rules = tuple(self._rule_group(rule, tuple(group)) for rule, group in by_rule.items())
        return SeverityGroup(severity.value, len(findings), rules)

    def _rule_group(self, rule: str, findings: tuple[Finding, ...]) -> RuleGroup:
        by_cause = [cause for _, alike in groupby(findings, key=self._standing) for cause in causes(alike)]
        shown = [cause for cause in by_cause[:CARDS_PER_RULE_MAX] if self.budget.take_card()]
        cards = tuple(self._card(cause) for cause in shown)
        others = [finding for cause in by_cause[len(shown) :] for finding in cause.findings]
        rows = tuple(row for row in map(_row, others) if self.budget.take(row))
        first = findings[0]
        titles = {finding.title for finding in findings}
        return RuleGroup(
            rule=line(rule, 120),
            title=line(first.title, 160) if len(titles) == 1 else "",
            classes=tuple(line(name, 40) for name in first.classes),
            count=len(findings),
            cards=cards,
            rows=rows,
            left_out=len(others) - len(rows),
        )

    def _standing(self, finding: Finding) -> tuple[str, bool]:
        """What else findings must share to stand on one card: a waiver holds for one role, not for all."""
        status = self.statuses.get(finding.fingerprint)
        return (status.state.value if status else "", finding.confidence is Confidence.LOW)

    def _card(self, cause: Cause) -> Card:
        finding = cause.findings[0]
        status = self.statuses.get(finding.fingerprint)
        return Card(
            fingerprint=finding.fingerprint,
            operation=line(finding.operation, 160),
            title=line(finding.title.replace(finding.operation, "").strip() if finding.route else finding.title, 200),
            labels=tuple(_labels(cause, status)),
            judged=finding.confidence is not Confidence.LOW,
            state=status.state.value if status else "",
            state_tone=STATE_TONES.get(status.state, "skipped") if status else "skipped",
            note=line(status.note, 300) if status else "",
            expected=cut(finding.expected, TEXT_CHARACTERS_MAX),
            observed=cut(finding.observed, TEXT_CHARACTERS_MAX),
            why=cut(finding.why, TEXT_CHARACTERS_MAX),
            advice=cut(finding.advice, TEXT_CHARACTERS_MAX),
            proof=cut("\n".join(finding.proof), PROOF_CHARACTERS_MAX),
            steps=tuple(_step(request) for request in finding.steps[:STEPS_MAX]),
            steps_more=max(len(finding.steps) - STEPS_MAX, 0),
            symptom=cut(symptom_text(finding.symptom), 400),
            command=command_of(finding),
        )


def _row(finding: Finding) -> Row:
    observed = line(finding.observed or finding.title, 90)
    return Row(finding.fingerprint, line(finding.operation, 80), line(finding.parameter, 30), line(finding.role, 20), observed)


def _labels(cause: Cause, status: FindingStatus | None) -> Iterator[tuple[str, str]]:
    finding = cause.findings[0]
    if len(cause.findings) > 1:
        yield "roles", line(", ".join(cause.roles), 120)
        yield "also", line(", ".join(other.fingerprint for other in cause.findings[1:]), 120)
    elif finding.role:
        yield "role", line(finding.role, 40)
    if finding.parameter:
        yield "parameter", line(finding.parameter, 80)
    yield "confidence", finding.confidence.value
    yield "stage", line(finding.stage, 40)
    yield "found by", line(", ".join(finding.engines), 80)
    if finding.parts:
        yield "ledger", line(", ".join(finding.parts), 80)
    if status and status.first_seen:
        yield "first seen", moment(status.first_seen)


def _step(request: Request) -> Step:
    who = f"{request.role} {request.user}".strip() or "nobody"
    who += " from another address" if request.client else ""
    who += f", {request.times} times in a row" if request.times > 1 else ""
    lines = [f"{line(request.method, 12)} {line(request.path, 600)}"]
    lines.extend(f"{line(name, 80)}: {line(value, 200)}" for name, value in list(request.headers.items())[:20])
    if request.body:
        lines.extend(("", cut(request.body, BODY_CHARACTERS_MAX)))
    return Step(line(who, 90), "\n".join(lines))


def symptom_text(symptom: Symptom) -> str:
    """What to look for in the last answer, as one sentence without its full stop."""
    found: list[str] = []
    if symptom.status:
        found.append(f"status {' or '.join(str(status) for status in symptom.status)}")
    if symptom.server_error:
        found.append("a server error (5xx) or no answer")
    if symptom.header_absent:
        found.append(f"no header {symptom.header_absent}")
    if symptom.header:
        found.append(f"the header {symptom.header}: {symptom.header_value}".removesuffix(": "))
    if symptom.elapsed_s_min:
        found.append(f"an answer that takes {symptom.elapsed_s_min:g} s or longer")
    if symptom.answer_contains:
        found.append(f"{shlex.quote(symptom.answer_contains)} in its head or body")
    if symptom.body_contains:
        found.append(f"a body that holds {shlex.quote(symptom.body_contains)}")
    if symptom.body_lacks:
        found.append(f"a body without {shlex.quote(symptom.body_lacks)}")
    return " and ".join(found)
