"""One defect, said by several engines or of several stages, is one Finding."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from harness.model.finding import Confidence, Finding, Symptom

_SURER = tuple(Confidence)  # the surest first


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Every fingerprint once, the worst first. Where two say different things of one, the worse and the surer is kept."""
    found: dict[str, Finding] = {}
    for finding in findings:
        fingerprint = finding.fingerprint
        found[fingerprint] = _both(found[fingerprint], finding) if fingerprint in found else finding
    return tuple(sorted(found.values(), key=lambda finding: (finding.severity.rank, finding.rule, finding.operation)))


def _both(one: Finding, other: Finding) -> Finding:
    first, second = sorted((one, other), key=lambda f: (f.severity.rank, _SURER.index(f.confidence)))
    shown = max((first, second), key=lambda f: (bool(f.steps) and f.symptom != Symptom(), bool(f.steps)))  # the first of equals
    reason = first.severity_reason
    if first.severity is not second.severity:
        said = f"{', '.join(second.engines) or 'another'} says {second.severity}: the worse one counts"
        reason = f"{reason}; {said}" if reason and said not in reason else said
    return dataclasses.replace(
        first,
        cwe=first.cwe or second.cwe,
        owasp=first.owasp or second.owasp,
        owasp_top10=first.owasp_top10 or second.owasp_top10,
        confidence=min((one.confidence, other.confidence), key=_SURER.index),
        engines=tuple(dict.fromkeys((*one.engines, *other.engines))),
        parts=tuple(dict.fromkeys((*one.parts, *other.parts))),
        steps=shown.steps,
        symptom=shown.symptom,
        severity_reason=reason,
        proof=tuple(dict.fromkeys((*first.proof, *second.proof, *_words(second, first)))),
        checks=() if one.found_by == other.found_by == (one.rule,) else tuple(dict.fromkeys((*one.found_by, *other.found_by))),
    )


def _words(second: Finding, first: Finding) -> tuple[str, ...]:
    """What another engine observed, as a line of the proof."""
    others = [engine for engine in second.engines if engine not in first.engines]
    return (f"{', '.join(others)}: {second.observed}",) if others and second.observed else ()


@dataclasses.dataclass(frozen=True)
class Cause:
    """Findings that share rule, method, route and parameter: one cause, seen as several roles."""

    findings: tuple[Finding, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """As whom it shows."""
        return tuple(dict.fromkeys(finding.role or "nobody" for finding in self.findings))


def causes(findings: Iterable[Finding]) -> tuple[Cause, ...]:
    """The findings grouped by cause, in the order in which each cause is met."""
    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in findings:
        key = (finding.rule, finding.method.upper(), finding.route, finding.parameter)
        groups.setdefault(key, []).append(finding)
    return tuple(Cause(tuple(group)) for group in groups.values())
