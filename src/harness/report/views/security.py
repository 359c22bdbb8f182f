"""The reviewer's page: what is new, is it real, what was not tested. The findings themselves stand in their own section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from harness.model.evidence import AuthorizationPayload, ContractPayload, DatabasePayload, FindingsPayload, Reach
from harness.model.finding import Confidence, Finding, Severity
from harness.model.run import StageState
from harness.model.waiver import FindingState, FindingStatus, History
from harness.report.model import ReportInput
from harness.report.text import line, plural
from harness.report.views.security_scans import ScanRow, scan_rows

PLAN = "security"
ROWS_MAX = 40
ROUTES_MAX = 15
_FINDING_ENGINES = ("schemathesis", "probes", "witness", "zap", "tls", "audits")
_NEWS = (FindingState.NEW, FindingState.REGRESSED)
_WAIVED = (FindingState.ACCEPTED, FindingState.FALSE_ALARM)


@dataclass(frozen=True)
class Answer:
    """One of the reviewer's three questions, answered in a figure and a sentence."""

    question: str
    tone: str
    symbol: str
    figure: str
    text: str
    href: str


@dataclass(frozen=True)
class StatusRow:
    """One finding with its state; `href` is "" where the page does not show it in full."""

    fingerprint: str
    state: str
    severity: str
    operation: str
    which: str
    title: str
    note: str
    sure: str
    href: str


@dataclass(frozen=True)
class RouteRow:
    """What stands on one operation, by severity in the order of `Severity`."""

    operation: str
    counts: tuple[int, ...]
    new: int


@dataclass(frozen=True)
class TestedRow:
    """What one engine did: operations of how many, as whom, with how many requests and into how many places of them.

    `gap` says what it left out.
    """

    engine: str
    stage: str
    operations: str
    tone: str
    symbol: str
    roles: str
    parameters: str
    requests: str
    rules: str
    gap: str


@dataclass(frozen=True)
class SecurityView:
    """The section. `leading` puts the three answers on the first screen: they are what the plan asks."""

    leading: bool
    base: str
    answers: tuple[Answer, ...]
    risks: tuple[tuple[str, int, int], ...]  # severity, standing, of them new
    routes: tuple[RouteRow, ...]
    routes_more: int
    news: tuple[StatusRow, ...]
    news_more: int
    others: tuple[StatusRow, ...]
    others_more: int
    warnings: tuple[str, ...]
    tested: tuple[TestedRow, ...]
    untested: tuple[tuple[str, str], ...]
    scans: tuple[ScanRow, ...]
    has_waivers: bool


def security_view(data: ReportInput, anchors: Container[str] = ()) -> SecurityView | None:
    """The section on findings over time; `None` for a run that neither looked for defects nor found any."""
    tested = tuple(_tested(data))
    states = data.history
    if not tested and not states.statuses and data.manifest.plan != PLAN:
        return None
    found = {finding.fingerprint: finding for finding in data.findings}
    news = _rows(states.of(*_NEWS), found, anchors)
    others = _rows(states.of(*(state for state in FindingState if state not in _NEWS)), found, anchors)
    routes = _routes(states)
    untested = tuple(_untested(data))
    return SecurityView(
        leading=data.manifest.plan == PLAN,
        base=line(states.base_run, 60),
        answers=(_new(states), _real(data, states), _not_tested(tested, untested)),
        risks=tuple(_risks(states)),
        routes=routes[:ROUTES_MAX],
        routes_more=max(len(routes) - ROUTES_MAX, 0),
        news=news[:ROWS_MAX],
        news_more=max(len(news) - ROWS_MAX, 0),
        others=others[:ROWS_MAX],
        others_more=max(len(others) - ROWS_MAX, 0),
        warnings=tuple(line(warning, 300) for warning in states.warnings[:ROWS_MAX]),
        tested=tested,
        untested=untested,
        scans=scan_rows(data),
        has_waivers=bool(states.warnings or states.of(*_WAIVED)),
    )


def _new(states: History) -> Answer:
    new, back = states.of(FindingState.NEW), states.of(FindingState.REGRESSED)
    since = f"since run {states.base_run}" if states.base_run else "of all: no base is committed yet"
    fixed = len(states.of(FindingState.FIXED))
    text = f"new {since}; {len(back)} came back, {fixed} fixed, {len(states.of(FindingState.NOT_OBSERVED))} not looked at again"
    tone = ("fail", "✕") if new or back else ("pass", "✓")
    return Answer("What is new?", *tone, str(len(new) + len(back)), text, "#security-new")


def _real(data: ReportInput, states: History) -> Answer:
    sure = Counter(finding.confidence for finding in data.findings)
    waived = len(states.of(*_WAIVED))
    text = (
        f"of {plural(len(data.findings), 'finding')} were seen a second time; "
        f"{sure[Confidence.MEDIUM]} once, {sure[Confidence.LOW]} are guesses and not judged, {waived} waived"
    )
    tone = ("fail", "✕") if sure[Confidence.HIGH] else ("unknown", "?") if data.findings else ("pass", "✓")
    return Answer("Is it real?", *tone, str(sure[Confidence.HIGH]), text, "#findings")


def _not_tested(tested: tuple[TestedRow, ...], untested: tuple[tuple[str, str], ...]) -> Answer:
    gaps = [f"{row.engine}: {row.gap or row.operations}" for row in tested if row.tone != "pass"]
    gaps.extend(f"{name}: {why}" for name, why in untested)
    text = line("; ".join(gaps), 200) if gaps else "every engine reached every operation, as every role"
    tone = ("unknown", "?") if gaps else ("pass", "✓")
    return Answer("What was not tested?", *tone, str(len(gaps)), text, "#security-tested")


def _standing(states: History) -> tuple[FindingStatus, ...]:
    return states.of(FindingState.NEW, FindingState.REGRESSED, FindingState.KNOWN)


def _risks(states: History) -> Iterable[tuple[str, int, int]]:
    every, new = Counter(s.severity for s in _standing(states)), Counter(s.severity for s in states.of(*_NEWS))
    return ((severity.value, every[severity], new[severity]) for severity in Severity if every[severity])


def _routes(states: History) -> tuple[RouteRow, ...]:
    counts: dict[str, Counter[Severity]] = {}
    new: Counter[str] = Counter()
    for status in _standing(states):
        operation = _operation(status) or "everywhere"
        counts.setdefault(operation, Counter())[status.severity] += 1
        new[operation] += status.state in _NEWS
    rows = [RouteRow(name, tuple(of[severity] for severity in Severity), new[name]) for name, of in counts.items()]
    return tuple(sorted(rows, key=lambda row: (*(-count for count in row.counts), row.operation)))


def _rows(statuses: Iterable[FindingStatus], found: Mapping[str, Finding], anchors: Container[str]) -> tuple[StatusRow, ...]:
    return tuple(_row(status, found.get(status.fingerprint), anchors) for status in statuses)


def _row(status: FindingStatus, finding: Finding | None, anchors: Container[str]) -> StatusRow:
    which = " ".join(part for part in (status.parameter, f"as {status.role}" if status.role else "") if part)
    return StatusRow(
        fingerprint=status.fingerprint,
        state=status.state.value,
        severity=status.severity.value,
        operation=line(_operation(status) or "everywhere", 100),
        which=line(which, 60),
        title=line(status.title, 120),
        note=line(status.note, 240),
        sure=finding.confidence.value if finding else "",
        href=f"#finding-{status.fingerprint}" if status.fingerprint in anchors else "",
    )


def _operation(status: FindingStatus) -> str:
    return line(f"{status.method} {status.route}".strip(), 120)


def _tested(data: ReportInput) -> Iterable[TestedRow]:
    for stage, contract in data.payloads(ContractPayload):
        roles = tuple(dict.fromkeys(case.role or "nobody" for case in contract.cases if case.successes))
        left = "; ".join(f"{name}: {why}" for name, why in list(contract.untested.items())[:3])
        done = [operation for operation in contract.operations if operation not in contract.untested]
        sent = sum(case.cases for case in contract.cases)
        parameters = sum(contract.parameters.get(operation, 0) for operation in done)
        reach = Reach("", len(contract.operations), len(done), True, roles, sent, left, parameters)
        yield _row_of("schemathesis", stage, reach, "contract")
    for stage, matrix in data.payloads(AuthorizationPayload):
        cells = matrix.cells
        roles = tuple(dict.fromkeys(cell.role or "nobody" for cell in cells if cell.tried))
        every, tried = {cell.operation for cell in cells}, {cell.operation for cell in cells if cell.tried}
        yield _row_of("probes", stage, Reach("", len(every), len(tried), True, roles, len(cells)), "authorization")
    for stage, watched in data.payloads(DatabasePayload):
        roles = tuple(dict.fromkeys(seen.role or "nobody" for seen in watched.operations if seen.watched))
        listed = {seen.operation for seen in watched.operations}
        seen_to_work = {seen.operation for seen in watched.operations if seen.watched}
        places = sum(oracle.tried for oracle in watched.oracles if oracle.unit == "places")
        reach = Reach("", len(listed), len(seen_to_work), True, roles, watched.requests, parameters=places)
        yield _row_of("witness", stage, reach, plural(len(watched.oracles), "oracle"))
    for stage, payload in data.payloads(FindingsPayload):
        rules = {rule for entry in payload.examined for rule in entry.rules}
        gaps = {(scan.engine, scan.role): scan.gaps for scan in payload.scans}
        told: set[str] = set()
        for reach in payload.reach:
            short = _told_once(gaps.get((reach.engine, reach.roles[0] if reach.roles else ""), ()), told)
            yield _row_of(reach.engine, stage, reach, plural(len(rules), "rule") if rules else "", short)


def _told_once(gaps: tuple[str, ...], told: set[str]) -> str:
    """The gaps of one scan; those of an earlier one are only counted: a missing rule is missing for each role."""
    new = [gap for gap in gaps if gap not in told]
    told.update(gaps)
    again = len(gaps) - len(new)
    return "; ".join([*new, f"{plural(again, 'gap')} as above"] if again else new)


def _row_of(engine: str, stage: str, reach: Reach, rules: str, short: str = "") -> TestedRow:
    """`short` is why a scan was not whole, though it reached every operation."""
    whole = not short and reach.logged_in and reach.operations and reach.reached == reach.operations
    gap = (
        ""
        if whole
        else short
        or reach.note
        or ("not logged in" if not reach.logged_in else f"{reach.operations - reach.reached} not reached")
    )
    return TestedRow(
        engine=line(engine, 40),
        stage=line(stage, 40),
        operations=f"{reach.reached} of {reach.operations}",
        tone="pass" if whole else "unknown",
        symbol="✓" if whole else "?",
        roles=line(", ".join(reach.roles) or "nobody", 120),
        parameters=f"{reach.parameters:,}" if reach.parameters else "–",
        requests=f"{reach.requests:,}",
        rules=line(rules, 60),
        gap=line(gap, 300),
    )


def _untested(data: ReportInput) -> Iterable[tuple[str, str]]:
    """Stages that look for defects and did not come to their end."""
    for record in data.manifest.stages:
        if record.engine in _FINDING_ENGINES and record.state is not StageState.RAN:
            yield f"stage {record.name}", line(f"{record.state}: {record.reason or 'no reason was given'}", 300)
