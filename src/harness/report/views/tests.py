"""The tests by suite, those that failed first, and the browser flows with their pictures and traces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from harness.model.evidence import Outcome, TestResult, TestsPayload
from harness.report.model import ReportInput
from harness.report.text import cut, duration, line, plural

RESULTS_MAX = 1_000
FAILURES_MAX = 60
MESSAGE_CHARACTERS_MAX = 2_500
PICTURES_MAX = 12
FROM_REPORT = "../"
"""The way from `report/index.html` to the run folder, which artefacts are named from."""

_ORDER = (Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED, Outcome.PASSED)
_TONES = {Outcome.PASSED: "pass", Outcome.FAILED: "fail", Outcome.ERROR: "unknown", Outcome.SKIPPED: "skipped"}
_SYMBOLS = {Outcome.PASSED: "✓", Outcome.FAILED: "✕", Outcome.ERROR: "?", Outcome.SKIPPED: "–"}
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


@dataclass(frozen=True)
class Artefact:
    """A file beside a test. `href` is relative to the report; its text starts with `../`, so it is never a script."""

    name: str
    href: str
    picture: bool
    trace: bool


@dataclass(frozen=True)
class TestRow:
    """One test."""

    __test__ = False

    name: str
    file: str
    tone: str
    symbol: str
    outcome: str
    took: str
    message: str
    parts: str
    artefacts: tuple[Artefact, ...]


@dataclass(frozen=True)
class Segment:
    """A stretch of a bar, in percent of its width."""

    tone: str
    x: float
    width: float


@dataclass(frozen=True)
class SuiteView:
    """One suite."""

    stage: str
    suite: str
    counts: str
    tone: str
    symbol: str
    segments: tuple[Segment, ...]
    enough: str  # "" where the suite collected what it declares
    took: str
    troubled: tuple[TestRow, ...]
    troubled_more: int
    rest: tuple[TestRow, ...]
    rest_more: int


@dataclass(frozen=True)
class FlowView:
    """One browser flow."""

    flow: str
    tone: str
    symbol: str
    outcome: str
    took: str
    test: str
    message: str
    pictures: tuple[Artefact, ...]
    pictures_more: int
    traces: tuple[Artefact, ...]
    others: tuple[Artefact, ...]


def suite_views(data: ReportInput) -> tuple[SuiteView, ...]:
    """Every suite of the run, in the order of the stages."""
    return tuple(_suite(stage, payload) for stage, payload in data.payloads(TestsPayload))


def flow_views(data: ReportInput) -> tuple[FlowView, ...]:
    """Every browser flow: the broken ones first, then those with pictures."""
    results = [result for _, payload in data.payloads(TestsPayload) for result in payload.results if result.flow]
    flows = [_flow(result) for result in sorted(results, key=lambda result: _ORDER.index(result.outcome))]
    return tuple(sorted(flows, key=lambda flow: flow.outcome == Outcome.PASSED and not flow.pictures))


def _suite(stage: str, payload: TestsPayload) -> SuiteView:
    troubled = sorted(
        (r for r in payload.results if r.outcome in (Outcome.FAILED, Outcome.ERROR)), key=lambda r: _ORDER.index(r.outcome)
    )
    rest = [result for result in payload.results if result.outcome not in (Outcome.FAILED, Outcome.ERROR)]
    enough = _enough(payload)
    outcome = troubled[0].outcome if troubled else (Outcome.ERROR if enough else Outcome.PASSED)
    return SuiteView(
        stage=line(stage, 60),
        suite=line(payload.suite, 120),
        counts=_counts(payload),
        tone=_TONES[outcome],
        symbol=_SYMBOLS[outcome],
        segments=tuple(_segments(payload)),
        enough=enough,
        took=duration(sum(result.duration_s for result in payload.results)),
        troubled=tuple(_row(result) for result in troubled[:FAILURES_MAX]),
        troubled_more=max(len(troubled) - FAILURES_MAX, 0),
        rest=tuple(_row(result) for result in rest[:RESULTS_MAX]),
        rest_more=max(len(rest) - RESULTS_MAX, 0),
    )


def _enough(payload: TestsPayload) -> str:
    if payload.collected < payload.declared_min:
        return f"collected {plural(payload.collected, 'test')}, declared at least {payload.declared_min}"
    if len(payload.results) < payload.collected:
        return f"{len(payload.results)} of {payload.collected} collected tests ended"
    return ""


def _counts(payload: TestsPayload) -> str:
    found = [
        (payload.count(outcome), word)
        for outcome, word in zip(_ORDER, ("failed", "could not run", "skipped", "passed"), strict=True)
    ]
    return ", ".join(f"{count} {word}" for count, word in found if count) or "no test ended"


def _segments(payload: TestsPayload) -> Iterator[Segment]:
    whole = max(len(payload.results), payload.collected)
    start = 0
    for outcome in (Outcome.PASSED, Outcome.SKIPPED, Outcome.ERROR, Outcome.FAILED):
        count = payload.count(outcome)
        if count:
            yield Segment(_TONES[outcome], round(100.0 * start / whole, 2), round(100.0 * count / whole, 2))
        start += count


def _row(result: TestResult) -> TestRow:
    file, _, name = result.test.partition("::")
    return TestRow(
        name=line(name or file, 160),
        file=line(file, 120),
        tone=_TONES[result.outcome],
        symbol=_SYMBOLS[result.outcome],
        outcome=result.outcome.value,
        took=duration(result.duration_s),
        message=_message(result),
        parts=line(", ".join(result.parts), 120),
        artefacts=tuple(artefact(name) for name in result.artefacts[:PICTURES_MAX]),
    )


def _message(result: TestResult) -> str:
    if result.outcome is Outcome.SKIPPED:
        return line(result.message, 200)
    tail = result.message[-MESSAGE_CHARACTERS_MAX:]  # the end of a failure says most
    return ("… " if len(result.message) > MESSAGE_CHARACTERS_MAX else "") + cut(tail, MESSAGE_CHARACTERS_MAX)


def _flow(result: TestResult) -> FlowView:
    files = [artefact(name) for name in result.artefacts]
    pictures = [file for file in files if file.picture]
    return FlowView(
        flow=line(result.flow, 120),
        tone=_TONES[result.outcome],
        symbol=_SYMBOLS[result.outcome],
        outcome=result.outcome.value,
        took=duration(result.duration_s),
        test=line(result.test, 160),
        message=_message(result),
        pictures=tuple(pictures[:PICTURES_MAX]),
        pictures_more=max(len(pictures) - PICTURES_MAX, 0),
        traces=tuple(file for file in files if file.trace),
        others=tuple(file for file in files if not file.trace and not file.picture),
    )


def artefact(name: str) -> Artefact:
    """A file of the run folder, as the report links to it."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    return Artefact(line(path.name, 80), FROM_REPORT + quote(name.lstrip("/")), suffix in _PICTURES, suffix == ".zip")
