"""Every gate with its question, its measures against their limits, and the reason in words."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.gate import GateResult, Measure
from harness.report.model import ReportInput
from harness.report.text import amount, line, number, placed
from harness.report.views.first import Bullet, bullet, limit_text, symbol, tone
from harness.report.views.tests import Artefact, artefact

DETAILS_SHOWN = 8
DETAILS_MAX = 60
FINDINGS_MAX = 6


@dataclass(frozen=True)
class MeasureRow:
    """One number that was judged."""

    name: str
    measured: str
    limit: str
    tone: str
    symbol: str
    samples: str
    bullet: Bullet | None


@dataclass(frozen=True)
class GateView:
    """One gate."""

    gate: str
    question: str
    verdict: str
    tone: str
    symbol: str
    required: bool
    reason: str
    advice: str
    measures: tuple[MeasureRow, ...]
    details: tuple[str, ...]
    details_folded: tuple[str, ...]
    details_more: int
    findings: tuple[tuple[str, str], ...]  # fingerprint, sentence
    findings_more: int
    evidence: tuple[Artefact, ...]


def gate_views(data: ReportInput) -> tuple[GateView, ...]:
    """Every gate, in the order of the plan."""
    sentences = {finding.fingerprint: line(placed(finding.operation, finding.title), 200) for finding in data.findings}
    return tuple(_view(gate, data.questions.get(gate.gate, ""), sentences) for gate in data.verdict.gates)


def _view(gate: GateResult, question: str, sentences: dict[str, str]) -> GateView:
    colour = tone(gate.verdict)
    named = [(fingerprint, sentences[fingerprint]) for fingerprint in gate.findings if fingerprint in sentences]
    return GateView(
        gate=gate.gate,
        question=question,
        verdict=gate.verdict.value,
        tone=colour,
        symbol=symbol(colour),
        required=gate.required,
        reason=line(gate.reason, 600),
        advice=line(gate.advice, 400),
        measures=tuple(_measure(measure) for measure in gate.measures),
        details=tuple(line(detail, 400) for detail in gate.details[:DETAILS_SHOWN]),
        details_folded=tuple(line(detail, 400) for detail in gate.details[DETAILS_SHOWN:DETAILS_MAX]),
        details_more=max(len(gate.details) - DETAILS_MAX, 0),
        findings=tuple(named[:FINDINGS_MAX]),
        findings_more=max(len(named) - FINDINGS_MAX, 0),
        evidence=tuple(artefact(name) for name in gate.evidence[:20]),
    )


def _measure(measure: Measure) -> MeasureRow:
    colour = {True: "pass", False: "fail", None: "unknown"}[measure.holds]
    return MeasureRow(
        name=line(measure.name, 160),
        measured=amount(measure.measured, measure.unit),
        limit=limit_text(measure),
        tone=colour,
        symbol=symbol(colour),
        samples=number(measure.samples) if measure.samples else "",
        bullet=bullet(measure),
    )
