"""SARIF 2.1.0 as GitHub code scanning takes it: stable rules, our fingerprints, a severity, a place in the repository.

Limits are those of GitHub's documentation of code scanning (size, results and rules per run, tags per rule). A result beyond
them is not dropped in silence: the run's notification says how many there are.
"""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

from harness.model.finding import Confidence, Finding, Severity
from harness.model.waiver import FindingState
from harness.report.model import ReportInput
from harness.report.reproduction import command_of
from harness.report.text import cut, line

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RESULTS_MAX = 5_000  # GitHub takes 25,000 of a run and shows the 5,000 most severe
TAGS_MAX = 10  # of 20 that it takes
PACKED_BYTES_MAX = 10_000_000  # of the file, with gzip
FINGERPRINT = "harnessFingerprint/v1"

# Bands of GitHub: over 9.0 critical, from 7.0 high, from 4.0 medium, below low.
_SECURITY_SEVERITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "3.0"}
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_PRECISION = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}
_ROUTE_PARAMETER = re.compile(r"\{([A-Za-z0-9_.-]+)\}")
_NEW = (FindingState.NEW, FindingState.REGRESSED)
_WAIVED = (FindingState.ACCEPTED, FindingState.FALSE_ALARM)
_FALLBACK_FILE = "harness.toml"  # a defect of no route still needs a file of the repository


def render(data: ReportInput) -> str:
    """The findings as one SARIF run, the worst first: as many as code scanning shows, and takes in one file."""
    findings = sorted(data.findings, key=lambda finding: (finding.severity.rank, finding.rule, finding.operation))
    shown = findings[:RESULTS_MAX]
    text = _document(data, shown, len(findings) - len(shown))
    while shown and _is_too_large(text):
        shown = shown[: len(shown) * 3 // 4]
        text = _document(data, shown, len(findings) - len(shown))
    return text


def _is_too_large(text: str) -> bool:
    """Packed as GitHub's own action packs it; what is small as it is need not be packed."""
    plain = text.encode()
    return len(plain) > PACKED_BYTES_MAX and len(gzip.compress(plain)) > PACKED_BYTES_MAX


def _document(data: ReportInput, shown: list[Finding], left_out: int) -> str:
    rules = _rules(shown)
    index = {rule["id"]: position for position, rule in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Power100 verification harness",
                "semanticVersion": data.manifest.versions.get("harness", "0.1.0"),
                "rules": rules,
            }
        },
        "automationDetails": {"id": _clean(f"harness/{data.manifest.plan}/", 200)},
        "invocations": [_invocation(data, len(shown), left_out)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index[_rule_id(finding)], data) for finding in shown],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def message(text: str, characters_max: int) -> str:
    """Text as a SARIF message: there, `[x](1)` would be a link and `{0}` a placeholder (2.1.0, sections 3.11.5 and 3.11.6)."""
    escaped = re.sub(r"([\\\[\]])", r"\\\1", cut(_encodable(text), characters_max))
    return escaped.replace("{", "{{").replace("}", "}}")


def _invocation(data: ReportInput, shown: int, left_out: int) -> dict[str, Any]:
    notes = [f"{left_out} findings are not in this file: it holds the {shown} most severe"] if left_out > 0 else []
    notes.extend(f"stage {record.name}: {record.state}: {record.reason}" for record in data.manifest.stages if record.reason)
    found: dict[str, Any] = {"executionSuccessful": not data.manifest.interrupted and bool(data.manifest.ended)}
    if notes:
        found["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": message(note, 1_000)}} for note in notes]
    return found


def _rule_id(finding: Finding) -> str:
    return _clean(finding.rule, 200)


def _rules(findings: list[Finding]) -> list[dict[str, Any]]:
    """One rule for each rule name; its severity is that of its worst finding."""
    rules: dict[str, dict[str, Any]] = {}
    for finding in findings:  # the worst first
        rules.setdefault(_rule_id(finding), _rule(finding))
    return list(rules.values())


def _rule(finding: Finding) -> dict[str, Any]:
    why = finding.why or finding.title
    return {
        "id": _rule_id(finding),
        "name": _pascal(finding.rule),
        "shortDescription": {"text": message(finding.title, 250)},
        "fullDescription": {"text": message(why, 900)},
        "help": {"text": message(f"{why}\n\n{finding.advice}".strip(), 4_000)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": _tags(finding),
            "precision": _PRECISION[finding.confidence],
            "security-severity": _SECURITY_SEVERITY[finding.severity],
        },
    }


def _pascal(rule: str) -> str:
    """`headers.missing` → `HeadersMissing`: the form that SARIF wants of a rule's name."""
    words = re.findall(r"[A-Za-z0-9]+", rule)
    return "".join(word[0].upper() + word[1:] for word in words)[:250] or "Rule"


def _tags(finding: Finding) -> list[str]:
    tags = ["security"]
    if finding.cwe:
        tags.append(f"external/cwe/cwe-{finding.cwe:03d}")
    tags.extend(_clean(f"owasp/{name}", 100) for name in dict.fromkeys((finding.owasp, finding.owasp_top10)) if name)
    return tags[:TAGS_MAX]


def _result(finding: Finding, rule_index: int, data: ReportInput) -> dict[str, Any]:
    return {
        "ruleId": _rule_id(finding),
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": message(_sentence(finding), 2_000)},
        "locations": [_location(finding, data)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        **_state(finding, data),
        "properties": {
            "security-severity": _SECURITY_SEVERITY[finding.severity],
            "confidence": finding.confidence.value,
            "role": _clean(finding.role, 100),
            "parameter": _clean(finding.parameter, 200),
            "parts": [_clean(part, 60) for part in finding.parts],
        },
    }


def _state(finding: Finding, data: ReportInput) -> dict[str, Any]:
    """How it stands against the base (3.27.24) and, where a waiver holds, why it is suppressed (3.27.23)."""
    status = data.history.by_fingerprint.get(finding.fingerprint)
    if status is None:
        return {}
    found: dict[str, Any] = {"baselineState": "new" if status.state in _NEW else "unchanged"}
    if status.state in _WAIVED:
        found["suppressions"] = [{"kind": "external", "justification": _clean(status.note, 1_000)}]
    return found


def _sentence(finding: Finding) -> str:
    operation = _ROUTE_PARAMETER.sub(r":\1", finding.operation)  # few viewers undo `{{`
    where = f"{operation}: " if finding.route else ""
    who = f" as {finding.role}" if finding.role else ""
    observed = f" Observed: {cut(finding.observed, 500)}" if finding.observed else ""
    expected = f" Expected: {cut(finding.expected, 500)}" if finding.expected else ""
    advice = f" Mend: {cut(finding.advice, 300)}" if finding.advice else ""
    return f"{where}{finding.title}{who}.{observed}{expected}{advice} See it again: {command_of(finding)}"


def _location(finding: Finding, data: ReportInput) -> dict[str, Any]:
    start = data.operation_lines.get(finding.operation, 1) if data.document_file else 1
    physical = {
        "artifactLocation": {"uri": data.document_file or _FALLBACK_FILE, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": start, "startColumn": 1},
    }
    found: dict[str, Any] = {"physicalLocation": physical}
    if finding.route:
        found["logicalLocations"] = [{"fullyQualifiedName": _clean(finding.operation, 300), "kind": "resource"}]
    return found


def _clean(text: str, characters_max: int) -> str:
    return line(_encodable(text), characters_max)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
