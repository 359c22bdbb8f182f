"""ZAP's alerts as findings: at this edge an alert stops being one."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from harness.engines.zap.model import Alert
from harness.engines.zap.own_rules import check_of, header_of, is_server_wide, own_rule, parameter_of, shows_the_defect
from harness.evidence.redaction import redact
from harness.findings.merge import merged
from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom

ENGINE = "zap"
HIGH = 3  # ZAP's word for it
_SEVERITIES = {1: Severity.LOW, 2: Severity.MEDIUM, 3: Severity.HIGH}
# High is what a second request showed; ZAP repeats none of its own, however sure it says that it is.
_CONFIDENCES = {1: Confidence.LOW, 2: Confidence.MEDIUM, 3: Confidence.MEDIUM, 4: Confidence.MEDIUM}
_TOP10, _API = re.compile(r"OWASP_2025_A(\d\d)"), re.compile(r"API_2023_API(\d+)")
_VALUE = re.compile(r"\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}")
_PLACES_SHOWN = 3
_OBSERVED_CHARACTERS_MAX = 300
_STATUS_LINE = re.compile(r"HTTP/\S+ (\d{3})")
_MISSING = re.compile(r"\b(missing|not set)\b", re.I)
_METHOD = re.compile(r"[A-Z]{1,10}")


@dataclass(frozen=True)
class Read:
    """What the alerts of one scan come to."""

    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...]


Confirm = Callable[[Alert], bool]
"""Sends a second, different request and says whether the defect shows again."""


def read_alerts(
    alerts: Iterable[Alert],
    templates: Sequence[str],
    *,
    stage: str,
    base_path: str = "",
    role: str = "",
    user: str = "",
    public: Container[str] = (),
    has_pages: bool = False,
    confirm: Confirm | None = None,
) -> Read:
    """Findings and observations of some alerts.

    A high alert is judged only where it was confirmed: on a larger interface 25 of 26 of them were echoes of an attack in an
    error. Without `confirm`, those that ZAP itself is not sure of stay guesses.

    Args:
        templates: routes of the OpenAPI document (`/api/x/{id}`), below the base path of its server.
        stage: the stage that the findings name.
        base_path: what the findings' routes are without, as those of every other engine are: they are the document's words.
        role: as whom the scan was sent, with `user`.
        public: operations (`"GET /x"`) that nobody must log in for: a defect of theirs has no role.
        has_pages: whether the scan had a session of pages: what is no route of the document may be behind it, and a request of
            the role alone shows nothing there.
    """
    findings: list[Finding] = []
    places: dict[str, dict[str, None]] = {}
    notes: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        full = route_of(alert.url, templates)
        documented = full in templates
        route = full.removeprefix(base_path) if documented else full
        if alert.risk not in _SEVERITIES or alert.confidence not in _CONFIDENCES:
            notes.setdefault((alert.plugin, f"{alert.method} {route}"), []).append(alert)
        else:
            named = own_rule(alert).has_role
            nobodys = is_server_wide(alert) or (f"{alert.method} {full}" in public if named is None else not named)
            finding = _finding(alert, route, stage, ("", role, user) if nobodys else (role, role, user), confirm)
            if has_pages and not documented:
                finding = replace(finding, symptom=Symptom())
            findings.append(finding)
            places.setdefault(finding.fingerprint, {})[f"{alert.method} {route}"] = None
    observations = tuple(
        Observation(check_of(group[0]), f"{group[0].name}: {_note(group[0])}", stage, operation, len(group))
        for (_, operation), group in notes.items()
    )
    return Read(tuple(_placed(finding, tuple(places[finding.fingerprint])) for finding in merged(findings)), observations)


def _placed(finding: Finding, places: tuple[str, ...]) -> Finding:
    """A finding of the whole server with the first places where it shows."""
    if finding.route or len(places) < 2:
        return finding
    more = f" and {len(places) - _PLACES_SHOWN} more" if len(places) > _PLACES_SHOWN else ""
    return replace(finding, observed=f"{finding.observed}; at {', '.join(places[:_PLACES_SHOWN])}{more}")


def route_of(url: str, templates: Sequence[str]) -> str:
    """The document's template of an address; an address of no template keeps its path, with values as `{value}`."""
    path = urlsplit(url).path or "/"
    parts = path.split("/")
    fitting = [template for template in templates if _fits(template.split("/"), parts)]
    if fitting:
        return min(fitting, key=lambda template: template.count("{"))  # literal segments win (OpenAPI 3.1, path templating)
    return "/".join("{value}" if _VALUE.fullmatch(part) else part for part in parts)


def _fits(template: list[str], parts: list[str]) -> bool:
    return len(template) == len(parts) and all(
        wanted == got or ("{" in wanted and bool(got)) for wanted, got in zip(template, parts, strict=True)
    )


def _finding(alert: Alert, route: str, stage: str, who: tuple[str, str, str], confirm: Confirm | None) -> Finding:
    """`who` is the role of the finding, and role and user that its request is sent as."""
    role, sender, user = who
    confidence, reason = _CONFIDENCES[alert.confidence], "ZAP's own risk"
    if alert.risk == HIGH:
        confidence, reason = _confirmed(alert, confidence, confirm)
    seen = alert.evidence or alert.other or alert.attack
    own, everywhere = own_rule(alert), is_server_wide(alert)
    return Finding(
        rule=own.rule,
        title=alert.name,
        severity=_SEVERITIES[alert.risk],
        confidence=confidence,
        stage=stage,
        engines=(ENGINE,),
        method=alert.method if _METHOD.fullmatch(alert.method) and not everywhere else "",
        route="" if everywhere else route,
        parameter=parameter_of(alert, own),
        role=role,
        cwe=alert.cwe,
        owasp=api_of(alert.tags) or top10_of(alert.tags),
        owasp_top10=top10_of(alert.tags),
        expected="An answer that does not show this.",
        observed=redact(f"ZAP saw {seen[:_OBSERVED_CHARACTERS_MAX]!r}") if seen else "ZAP says so, without evidence of its own",
        why=alert.description,
        advice=alert.solution,
        steps=(_request(alert, sender, user if sender else ""),),
        symptom=_symptom(alert),
        severity_reason=reason,
        checks=(check_of(alert),),
    )


def _confirmed(alert: Alert, claimed: Confidence, confirm: Confirm | None) -> tuple[Confidence, str]:
    """A high alert: sure where a second request showed it, a guess where it did not or where ZAP is not sure and nobody asked."""
    if confirm is not None:
        shown = confirm(alert)
        return (Confidence.HIGH, "confirmed by a second, different request") if shown else (Confidence.LOW, "not confirmed")
    return claimed, "ZAP's own risk; no second request confirmed it"


def _request(alert: Alert, role: str, user: str) -> Request:
    parts = urlsplit(alert.url)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    headers = {"Content-Type": alert.content_type} if alert.content_type else {}
    return Request(alert.method, redact(path), role, user, headers, redact(alert.body) or None)


def _symptom(alert: Alert) -> Symptom:
    """What to look for when the request is sent again; nothing where the alert does not say enough to see that it was mended."""
    evidence, header = alert.evidence, header_of(alert)
    if status := _STATUS_LINE.match(evidence):
        return Symptom(status=(int(status[1]),))
    if not evidence:
        return Symptom(header_absent=header) if header and _MISSING.search(alert.name) else Symptom()
    if not shows_the_defect(alert) or redact(evidence) != evidence:  # what is not kept cannot be looked for
        return Symptom()
    if header:
        return Symptom(header=header, header_value=re.sub(rf"^{re.escape(header)}:\s*", "", evidence, flags=re.I))
    return Symptom(answer_contains=evidence)


def _note(alert: Alert) -> str:
    return redact((alert.evidence or alert.other or "noticed")[:_OBSERVED_CHARACTERS_MAX])


def api_of(tags: Iterable[str]) -> str:
    """`"API1:2023"` where a tag says so, else ""."""
    return next((f"API{int(match[1])}:2023" for tag in tags if (match := _API.fullmatch(tag))), "")


def top10_of(tags: Iterable[str]) -> str:
    """`"A05:2025"` where a tag says so, else ""."""
    return next((f"A{match[1]}:2025" for tag in tags if (match := _TOP10.fullmatch(tag))), "")
