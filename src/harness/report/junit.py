"""JUnit for CI servers: each gate is a test case. FAIL is a failure, UNKNOWN an error, an optional SKIPPED is skipped."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.model.gate import GateResult, Measure
from harness.model.verdict import Verdict
from harness.report.model import ReportInput
from harness.report.reproduction import command_of
from harness.report.text import amount, cut, line, placed, seconds_between, visible

LINES_MAX = 60
_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(data: ReportInput) -> str:
    """The gates as one JUnit test suite, UTF-8 text with its declaration."""
    manifest = data.manifest
    took = seconds_between(manifest.started, manifest.ended) or 0.0
    gates = data.verdict.gates
    outcomes = [_outcome(gate) for gate in gates]
    counts = {
        "tests": str(max(len(gates), 1)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error") + (not gates)),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{took:.3f}",
    }
    root = Element("testsuites", {"name": "harness verify", **counts})
    suite = SubElement(
        root, "testsuite", {"name": _xml(f"gates of plan {manifest.plan}"), "timestamp": _stamp(manifest.started), **counts}
    )
    _properties(suite, data)
    for gate, outcome in zip(gates, outcomes, strict=True):
        _case(suite, gate, outcome, data)
    if not gates:
        case = SubElement(suite, "testcase", {"classname": _xml(f"harness.{manifest.plan}"), "name": "verdict", "time": "0"})
        SubElement(case, "error", {"type": "UNKNOWN", "message": _xml(line(data.verdict.reason, 500))})
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _properties(suite: Element, data: ReportInput) -> None:
    manifest = data.manifest
    properties = SubElement(suite, "properties")
    rows = {
        "run": manifest.id,
        "target": manifest.target,
        "build": manifest.target_build,
        "plan": manifest.plan,
        "seed": str(manifest.seed),
        "verdict": data.verdict.verdict.value,
        "reason": data.verdict.reason,
    }
    for name, value in rows.items():
        SubElement(properties, "property", {"name": name, "value": _xml(line(value, 500))})


def _case(suite: Element, gate: GateResult, outcome: str, data: ReportInput) -> None:
    case = SubElement(
        suite, "testcase", {"classname": _xml(f"harness.{data.manifest.plan}"), "name": _xml(gate.gate), "time": "0"}
    )
    if outcome:
        child = SubElement(case, outcome, {"message": _xml(_message(gate))})
        if outcome != "skipped":
            child.set("type", gate.verdict.value)
            child.text = _xml(_details(gate, data))
    elif gate.measures or gate.reason:
        SubElement(case, "system-out").text = _xml("\n".join((line(gate.reason, 1_000), *map(_measure, gate.measures))))


def _outcome(gate: GateResult) -> str:
    """The element of a gate's verdict, "" for a passed one. A required SKIPPED counts as UNKNOWN, here as everywhere."""
    if gate.verdict is Verdict.SKIPPED:
        return "error" if gate.required else "skipped"
    return {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error", Verdict.PASS: ""}[gate.verdict]


def _message(gate: GateResult) -> str:
    advice = f". Next: {gate.advice}" if gate.advice else ""
    return line(f"{gate.reason.rstrip('.')}{advice}", 1_000)


def _details(gate: GateResult, data: ReportInput) -> str:
    findings = {finding.fingerprint: finding for finding in data.findings}
    lines = [line(gate.reason, 1_000), *map(_measure, gate.measures), *(line(detail, 500) for detail in gate.details)]
    for fingerprint in gate.findings:
        if finding := findings.get(fingerprint):
            what = placed(finding.operation if finding.route else "", finding.title)
            lines.append(line(f"{finding.severity}: {what} ({command_of(finding)})", 500))
    if gate.advice:
        lines.append(f"Next: {cut(gate.advice, 500)}")
    left = len(lines) - LINES_MAX
    return "\n".join((*lines[:LINES_MAX], *([f"… and {left} lines more in report/index.html"] if left > 0 else [])))


def _measure(measure: Measure) -> str:
    limit = f"{measure.comparison} {amount(measure.threshold, measure.unit)}"
    return line(f"{measure.name}: {amount(measure.measured, measure.unit)}, wanted {limit}", 300)


def _stamp(iso: str) -> str:
    return _xml(visible(iso).removesuffix("Z"))


def _xml(text: str) -> str:
    """The text without what XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
