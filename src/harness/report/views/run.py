"""How the run went: its stages in time, what it was made with, and the evidence with its digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.gates.view import Item
from harness.model.evidence import State
from harness.model.run import Manifest, StageRecord, StageState
from harness.report.model import ReportInput
from harness.report.text import duration, line, moment, number, percent, seconds_between, visible
from harness.report.views.tests import FROM_REPORT, artefact

_STAGE_TONES = {
    StageState.RAN: ("pass", "✓"),
    StageState.PARTIAL: ("unknown", "?"),
    StageState.FAILED: ("fail", "✕"),
    StageState.SKIPPED: ("skipped", "–"),
    StageState.NOT_STARTED: ("skipped", "–"),
}
_STATE_TONES = {
    State.RAN: ("pass", "✓"),
    State.PARTIAL: ("unknown", "?"),
    State.FAILED: ("fail", "✕"),
    State.SKIPPED: ("skipped", "–"),
}


@dataclass(frozen=True)
class Span:
    """One step on the run's time line: `x`, `width` and `overhead` in percent of the whole."""

    name: str
    engine: str
    tone: str
    symbol: str
    state: str
    reason: str
    took: str
    overhead_text: str
    x: float
    width: float
    overhead: float


@dataclass(frozen=True)
class EvidenceRow:
    """One file of evidence."""

    stage: str
    kind: str
    tone: str
    symbol: str
    state: str
    reason: str
    tool: str
    counts: str
    file: str
    href: str
    digest: str


@dataclass(frozen=True)
class RunView:
    """The section."""

    spans: tuple[Span, ...]
    whole: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    evidence: tuple[EvidenceRow, ...]
    files: tuple[tuple[str, str], ...]


def run_view(data: ReportInput) -> RunView:
    """The section on the run itself."""
    whole = _whole(data)
    return RunView(
        spans=_spans(data, whole),
        whole=duration(whole),
        summary=_summary(data.manifest, whole),
        facts=_facts(data.manifest),
        notes=tuple(line(note, 400) for note in data.manifest.notes),
        evidence=tuple(_evidence(item) for item in data.items),
        files=tuple((name, FROM_REPORT + name) for name in ("manifest.json", "verdict.json", "findings.json", "ledger.json")),
    )


def _whole(data: ReportInput) -> float:
    """Seconds of the run; of one that was killed, until the end of its last step."""
    prepared = sum(timing.duration_s for timing in data.timings)
    return max(seconds_between(data.manifest.started, data.manifest.ended) or 0.0, prepared, *_ends(data.manifest))


def _ends(manifest: Manifest) -> tuple[float, ...]:
    return tuple(end for _, end in _at_work(manifest, overhead=True))


def _at_work(manifest: Manifest, *, overhead: bool) -> list[tuple[float, float]]:
    """From when to when each stage ran, in seconds since the run's start, in the order of the starts."""
    spans = []
    for record in manifest.stages:
        start = seconds_between(manifest.started, record.started)
        if start is not None:
            spans.append((start, start + record.duration_s - (0.0 if overhead else min(record.overhead_s, record.duration_s))))
    return sorted(spans)


def _summary(manifest: Manifest, whole: float) -> str:
    """How much of the time was the engines' own work."""
    engines = engines_work_s(manifest)
    if not whole or not engines:
        return "No stage ran."
    rest = max(whole - engines, 0.0)
    own = f"{duration(rest)} ({percent(rest, whole)})"
    beside = f" Up to {manifest.jobs} stages ran side by side." if manifest.jobs > 1 else ""
    return f"{duration(engines)} were the engines' own work, {own} preparation and the harness's own.{beside}"


def engines_work_s(manifest: Manifest) -> float:
    """Seconds in which at least one engine was at its own work."""
    return _covered(_at_work(manifest, overhead=False))


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds in which at least one of the spans, sorted by their starts, went on."""
    covered, until = 0.0, 0.0
    for start, end in spans:
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered


def _spans(data: ReportInput, whole: float) -> tuple[Span, ...]:
    spans: list[Span] = []
    at = 0.0
    for timing in data.timings:
        spans.append(_prepared(timing.what, at, timing.duration_s, whole))
        at += timing.duration_s
    for record in data.manifest.stages:
        start = seconds_between(data.manifest.started, record.started)
        spans.append(_span(record, at if start is None else start, whole))
        at = max(at, (at if start is None else start) + record.duration_s)
    return tuple(spans)


def _prepared(what: str, at: float, took_s: float, whole: float) -> Span:
    return Span(line(what, 60), "", "skipped", "·", "", "", duration(took_s), "", *_place(at, took_s, whole), 0.0)


def _span(record: StageRecord, at: float, whole: float) -> Span:
    tone, symbol = _STAGE_TONES[record.state]
    x, width = _place(at, record.duration_s, whole)
    return Span(
        name=line(record.name, 60),
        engine=line(record.engine, 40),
        tone=tone,
        symbol=symbol,
        state=record.state.value,
        reason=line(record.reason, 300),
        took=duration(record.duration_s),
        overhead_text=percent(record.overhead_s, record.duration_s) if record.duration_s else "",
        x=x,
        width=width,
        overhead=round(width * min(record.overhead_s / record.duration_s, 1.0), 2) if record.duration_s else 0.0,
    )


def _place(at: float, took_s: float, whole: float) -> tuple[float, float]:
    if not whole:
        return 0.0, 0.0
    x = min(100.0 * at / whole, 100.0)
    return round(x, 2), round(min(max(100.0 * took_s / whole, 0.3 if took_s else 0.0), 100.0 - x), 2)


def _facts(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    rows = [
        ("Run", manifest.id),
        ("Status", manifest.status.value),
        ("Started", moment(manifest.started)),
        ("Ended", moment(manifest.ended) if manifest.ended else "did not end by itself"),
        ("Command", " ".join(manifest.command)),
        ("Target gives", ", ".join(manifest.target_gives) or "an address only"),
        ("Seed", str(manifest.seed)),
        ("Commit", manifest.commit or "not known"),
        ("Configuration", f"SHA-256 {manifest.config_digest[:16]}" if manifest.config_digest else "not recorded"),
    ]
    for title, mapping in (("Database", manifest.database), ("Machine", manifest.host), ("Versions", manifest.versions)):
        rows.append((title, ", ".join(f"{name} {value}" for name, value in mapping.items()) or "not recorded"))
    return tuple((name, line(value, 600)) for name, value in rows)


def _evidence(item: Item) -> EvidenceRow:
    evidence = item.evidence
    tone, symbol = ("fail", "✕") if item.fault else _STATE_TONES[evidence.state]
    counts = evidence.counts
    shown = (
        ("attempted", counts.attempted),
        ("completed", counts.completed),
        ("failed", counts.failed),
        ("skipped", counts.skipped),
    )
    return EvidenceRow(
        stage=line(evidence.stage, 60),
        kind=evidence.kind.value,
        tone=tone,
        symbol=symbol,
        state="unreadable" if item.fault else evidence.state.value,
        reason=line(item.fault or evidence.reason, 300),
        tool=line(f"{evidence.tool} {evidence.tool_version}", 80),
        counts=", ".join(f"{number(count)} {name}" for name, count in shown if count or name == "attempted"),
        file=line(evidence.file, 120),
        href=artefact(evidence.file).href,
        digest=visible(evidence.digest[:64]),
    )
