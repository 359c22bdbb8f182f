"""The first screen: ship or not, why, what to look at first, what could not be verified."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from harness.model.evidence import FindingsPayload
from harness.model.finding import Confidence, Finding
from harness.model.gate import GateResult, Measure
from harness.model.run import Manifest, StageState
from harness.model.verdict import Verdict
from harness.report.model import ReportInput
from harness.report.text import amount, duration, line, moment, placed, plural, seconds_between, visible

LOOK_AT_MAX = 5
"""As many as a person reads before doing something."""
NEXT_STEP_CHARACTERS_MAX = 240
NEAR_LIMIT_SHARE = 0.2
"""A limit that is kept with less room than this (of the limit) is worth a look on a run that passed."""

_RANK_OF_NO_FINDING = 1.5  # between high and medium: a broken limit is worse than a medium finding
_MORE = re.compile(r" \(and \d+ more\)$")
_TONES = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.UNKNOWN: "unknown", Verdict.SKIPPED: "skipped"}
_SYMBOLS = {"pass": "✓", "fail": "✕", "unknown": "?", "skipped": "–"}
_SHIP = {
    Verdict.PASS: "Ship",
    Verdict.FAIL: "Do not ship",
    Verdict.UNKNOWN: "Not known: evidence is missing",
    Verdict.SKIPPED: "Not known: nothing was judged",
}


@dataclass(frozen=True)
class Headline:
    """The answer. `tone` is pass, fail, unknown or skipped and names the colour; `symbol` says the same without colour."""

    asks: str
    answer: str
    verdict: str
    tone: str
    symbol: str
    reason: str
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class LookAt:
    """One thing to look at: what it is, what was seen, what to do next, and where it stands in this report."""

    tone: str
    symbol: str
    title: str
    text: str
    next_step: str
    href: str


@dataclass(frozen=True)
class Unverified:
    """One thing that this run says nothing about, with the reason."""

    name: str
    reason: str
    href: str


@dataclass(frozen=True)
class Bullet:
    """A measure against its limit, drawn: percent of the width."""

    filled: float
    limit: float


@dataclass(frozen=True)
class Tile:
    """One gate in short."""

    gate: str
    verdict: str
    tone: str
    symbol: str
    required: bool
    name: str  # of the measure that decides
    measured: str
    limit: str
    bullet: Bullet | None
    reason: str


@dataclass(frozen=True)
class FirstScreen:
    """Everything that is seen before scrolling, and the page's own title; `run` is the id of the run."""

    title: str
    run: str
    headline: Headline
    facts: tuple[tuple[str, str], ...]
    look_at: tuple[LookAt, ...]
    look_at_more: int
    unverified: tuple[Unverified, ...]
    tiles: tuple[Tile, ...]


def first_screen(data: ReportInput, anchors: Container[str] = ()) -> FirstScreen:
    """The first screen of a run; `anchors` are the fingerprints that the page shows in full and that can be linked to."""
    every = look_at(data, anchors)
    known = facts(data)
    return FirstScreen(
        title=f"{data.verdict.verdict}: {dict(known)['Target']}, plan {dict(known)['Plan']}",
        run=line(data.manifest.id, 120),
        headline=headline(data),
        facts=known,
        look_at=every[:LOOK_AT_MAX],
        look_at_more=max(len(every) - LOOK_AT_MAX, 0),
        unverified=unverified(data),
        tiles=tuple(tile(gate) for gate in data.verdict.gates),
    )


def tone(verdict: Verdict) -> str:
    """The colour's name of a verdict."""
    return _TONES[verdict]


def symbol(of_tone: str) -> str:
    """What stands beside every colour, for those who do not see it."""
    return _SYMBOLS[of_tone]


def headline(data: ReportInput) -> Headline:
    """The answer in words. A narrowed run never says "Ship": it did not look at everything."""
    verdict = data.verdict.verdict
    answer, colour = _SHIP[verdict], tone(verdict)
    if verdict is Verdict.PASS and data.verdict.narrowed:
        answer, colour = "Passed, in part: no verdict on shipping", "unknown"
    return Headline(data.asks, answer, verdict, colour, symbol(colour), visible(data.verdict.reason), _caveats(data))


def _caveats(data: ReportInput) -> tuple[str, ...]:
    manifest, found = data.manifest, []
    if data.verdict.narrowed:
        found.append(
            f"Only {', '.join(manifest.narrowed_to) or 'a part of the plan'} ran; the rest of the plan was not asked for."
        )
    if manifest.interrupted:
        found.append(f"The run was interrupted by {manifest.interrupted}; what had run until then is judged.")
    if manifest.ended and data.verdict.judged_at not in ("", manifest.ended):
        found.append(f"Judged again as of {moment(data.verdict.judged_at)}.")
    return tuple(found)


def facts(data: ReportInput) -> tuple[tuple[str, str], ...]:
    """Target, build, plan, time and what scanners had to attack with: what a reader checks before believing the answer."""
    manifest = data.manifest
    rows = (
        ("Target", f"{manifest.target} ({manifest.target_environment})"),
        ("Build", manifest.target_build or "not told"),
        ("Plan", manifest.plan),
        ("Took", run_duration(manifest)),
        ("Ended", moment(manifest.ended) if manifest.ended else "did not end by itself"),
        *(("Scanner", said) for said in _scanners(data)),
    )
    return tuple((name, line(value, 120)) for name, value in rows)


def _scanners(data: ReportInput) -> Iterable[str]:
    """Each scanner with its rules, once: `zap 2.17.0, 52 active and 61 passive rules`."""
    scans = (scan for _, payload in data.payloads(FindingsPayload) for scan in payload.scans)
    return dict.fromkeys(f"{scan.engine} {scan.version or 'of a version not told'}, {scan.armed_with}" for scan in scans)


def run_duration(manifest: Manifest) -> str:
    """How long the run took, in words."""
    seconds = seconds_between(manifest.started, manifest.ended)
    return "not known" if seconds is None else duration(seconds)


def look_at(data: ReportInput, anchors: Container[str] = ()) -> tuple[LookAt, ...]:
    """What to look at, the worst first: failed gates, gates without evidence; on a PASS what is close to its limit."""
    failed = _all_failed(data, anchors)
    unknown = _all_unknown(data)
    strays = [_strays(data)] if data.ledger.unknown_parts else []
    if failed or unknown:
        return (*failed, *unknown, *strays, *_waivers(data))
    return (*(near for gate in data.verdict.gates if (near := _near(gate))), *_guesses(data), *strays, *_waivers(data))


def _all_failed(data: ReportInput, anchors: Container[str]) -> list[LookAt]:
    """Failed gates, those with the worst finding first. A finding that two gates name is shown once."""
    findings = {finding.fingerprint: finding for finding in data.findings}
    by_gate = [
        (gate, sorted((findings[f] for f in gate.findings if f in findings), key=lambda finding: finding.severity.rank))
        for gate in data.verdict.gates
        if gate.verdict is Verdict.FAIL
    ]
    by_gate.sort(key=lambda pair: pair[1][0].severity.rank if pair[1] else _RANK_OF_NO_FINDING)
    shown: set[str] = set()
    found = []
    for gate, worst in by_gate:
        fresh = [finding for finding in worst if finding.fingerprint not in shown]
        if worst and not fresh:
            continue  # all that this gate says stands above already
        found.append(_failed(gate, fresh, anchors))
        shown.update(finding.fingerprint for finding in fresh[:1])
    return found


def _failed(gate: GateResult, worst: list[Finding], anchors: Container[str]) -> LookAt:
    if not worst:
        return LookAt(
            "fail",
            symbol("fail"),
            gate.gate,
            line(gate.reason, 220),
            line(gate.advice, NEXT_STEP_CHARACTERS_MAX),
            f"#gate-{gate.gate}",
        )
    finding = worst[0]
    more = f" And {plural(len(worst) - 1, 'finding')} more." if len(worst) > 1 else ""
    text = f"{finding.severity.capitalize()}: {_sentence(finding)}.{more}"
    return LookAt(
        "fail",
        symbol("fail"),
        gate.gate,
        line(text, 220),
        line(finding.advice or gate.advice, NEXT_STEP_CHARACTERS_MAX),
        f"#finding-{finding.fingerprint}" if finding.fingerprint in anchors else f"#gate-{gate.gate}",
    )


def _sentence(finding: Finding) -> str:
    return placed(finding.operation if finding.route else "", finding.title).rstrip(".")


def _all_unknown(data: ReportInput) -> list[LookAt]:
    """Gates without enough evidence; those that lack it for one and the same reason together."""
    by_reason: dict[str, list[GateResult]] = {}
    for gate in data.verdict.gates:
        if gate.verdict is Verdict.UNKNOWN:
            by_reason.setdefault(_MORE.sub("", gate.reason), []).append(gate)
    return [_unknown(reason, same) for reason, same in by_reason.items()]


def _unknown(reason: str, same: list[GateResult]) -> LookAt:
    step = next(
        (gate.advice for gate in same if gate.advice), "get the missing evidence: the stage's log says why it is not there"
    )
    return LookAt(
        "unknown",
        symbol("unknown"),
        ", ".join(gate.gate for gate in same),
        line(reason, 220),
        line(step, NEXT_STEP_CHARACTERS_MAX),
        f"#gate-{same[0].gate}",
    )


def _near(gate: GateResult) -> LookAt | None:
    rooms = [(room, measure) for measure in gate.measures if (room := _room(measure)) is not None and room <= NEAR_LIMIT_SHARE]
    if gate.verdict is not Verdict.PASS or not rooms:
        return None
    closest = min(rooms, key=lambda pair: pair[0])[1]
    measured, limit = amount(closest.measured, closest.unit), amount(closest.threshold, closest.unit)
    text = f"{closest.name} {measured}, limit {closest.comparison} {limit}."
    return LookAt("pass", symbol("pass"), f"{gate.gate}: close to its limit", line(text, 220), "", f"#gate-{gate.gate}")


def _guesses(data: ReportInput) -> list[LookAt]:
    low = [finding for finding in data.findings if finding.confidence is Confidence.LOW]
    if not low:
        return []
    text = f"{plural(len(low), 'finding')} of low confidence: shown, not judged. The first: {_sentence(low[0])}."
    return [LookAt("unknown", symbol("unknown"), "not sure", line(text, 220), "", "#findings")]


def _waivers(data: ReportInput) -> list[LookAt]:
    """Waivers that end soon, have ended, do not hold or match nothing."""
    warnings = data.history.warnings
    if not warnings:
        return []
    more = f" And {len(warnings) - 1} more." if len(warnings) > 1 else ""
    return [LookAt("unknown", symbol("unknown"), "waivers", line(f"{warnings[0].rstrip('.')}.{more}", 220), "", "#findings")]


def _strays(data: ReportInput) -> LookAt:
    names = ", ".join(data.ledger.unknown_parts[:5])
    text = f"{plural(len(data.ledger.unknown_parts), 'name')} of ledger parts that do not exist: {names}."
    return LookAt("unknown", symbol("unknown"), "ledger", line(text, 220), "correct the `proves` mark of the check", "#ledger")


def _room(measure: Measure) -> float | None:
    """Room to the limit as a share of it; `None` where there is no such thing (a limit of 0, a count that must be whole)."""
    if measure.measured is None or not measure.threshold or not measure.unit or measure.unit not in ("%", "ms", "s"):
        return None
    if measure.comparison == "≥" and measure.threshold >= 90 and measure.unit == "%":
        return None  # 99 % of 99 % wanted is no near miss
    room = (measure.measured - measure.threshold) / measure.threshold
    return room if measure.comparison == "≥" else -room


def unverified(data: ReportInput) -> tuple[Unverified, ...]:
    """Gates without enough evidence, gates and stages that this target cannot feed, stages that did not end."""
    found = [
        Unverified(gate.gate, line(gate.reason, 200), f"#gate-{gate.gate}")
        for gate in data.verdict.gates
        if gate.verdict in (Verdict.UNKNOWN, Verdict.SKIPPED)
    ]
    if data.verdict.narrowed:
        chosen = ", ".join(data.manifest.narrowed_to) or "a part of it"
        found.append(Unverified("the rest of the plan", line(f"only {chosen} was asked for", 200), "#run"))
    for record in data.manifest.stages:
        if record.state is not StageState.RAN:
            reason = record.reason or f"the stage is {record.state}"
            found.append(Unverified(f"stage {record.name}", line(f"{record.state}: {reason}", 200), "#run"))
    return tuple(found)


def tile(gate: GateResult) -> Tile:
    """A gate in short: the measure that decides, against its limit."""
    measure = _telling(gate)
    colour = tone(gate.verdict)
    return Tile(
        gate=gate.gate,
        verdict=gate.verdict,
        tone=colour,
        symbol=symbol(colour),
        required=gate.required,
        name=measure.name if measure else "",
        measured=amount(measure.measured, measure.unit) if measure else "",
        limit=limit_text(measure) if measure else "",
        bullet=bullet(measure) if measure else None,
        reason=line(gate.reason, 140),
    )


def limit_text(measure: Measure) -> str:
    """`≤ 200 ms`, `≥ 70 %`, `≥ 312`: the unit only where the number would not be understood without it."""
    unit = measure.unit if measure.unit in ("%", "ms", "s") else ""
    return f"{measure.comparison} {amount(measure.threshold, unit)}"


def _telling(gate: GateResult) -> Measure | None:
    """The measure that decides, where it tells the verdict: a gate that fails for another reason shows that reason instead."""
    measure = deciding(gate)
    kept = measure is not None and measure.holds is True
    return measure if kept == (gate.verdict is Verdict.PASS) else None


def deciding(gate: GateResult) -> Measure | None:
    """The measure that decides a gate: one that misses its limit, else one that is missing, else the one with the least room."""
    for wanted in (False, None):
        for measure in gate.measures:
            if measure.holds is wanted:
                return measure
    return min(gate.measures, key=_closeness, default=None)


def _closeness(measure: Measure) -> float:
    if measure.measured is None or not measure.threshold:
        return float("inf")
    return abs(measure.measured - measure.threshold) / abs(measure.threshold)


def bullet(measure: Measure) -> Bullet | None:
    """The measure drawn against its limit; `None` where nothing was measured, or where the limit is 0."""
    if measure.measured is None or measure.threshold <= 0:
        return None
    full = 100.0 if measure.unit == "%" and measure.comparison == "≥" else 1.25 * max(measure.measured, measure.threshold)
    return Bullet(filled=_share(measure.measured, full), limit=_share(measure.threshold, full))


def _share(value: float, full: float) -> float:
    return round(min(max(100.0 * value / full, 0.0), 100.0), 2)
