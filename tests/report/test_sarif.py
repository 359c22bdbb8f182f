"""SARIF as GitHub code scanning takes it, within its limits."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator

from harness.model.finding import Finding, Request, Severity, Symptom
from harness.report import html, sarif
from harness.report.model import ReportInput
from tests.report import samples

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
# What GitHub's documentation says that it reads: required members, their forms, and the limits of their lengths.
GITHUB: dict[str, Any] = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "maxItems": 20,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "properties": {"driver": {"required": ["name", "rules"], "properties": {"rules": {"type": "array"}}}}
                    },
                    "results": {
                        "type": "array",
                        "maxItems": 25_000,
                        "items": {
                            "required": ["ruleId", "ruleIndex", "message", "locations", "partialFingerprints"],
                            "properties": {
                                "level": {"enum": ["error", "warning", "note"]},
                                "message": TEXT,
                                "partialFingerprints": {"additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{16}$"}},
                                "locations": {
                                    "minItems": 1,
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {"uri": {"pattern": "^[A-Za-z0-9._/-]+$"}}
                                                    },
                                                    "region": {"properties": {"startLine": {"type": "integer", "minimum": 1}}},
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
RULE = {
    "type": "object",
    "required": ["id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 255},
        "name": {"type": "string", "pattern": "^[A-Za-z0-9]{1,255}$"},
        "shortDescription": {"properties": {"text": {"maxLength": 1024}}},
        "fullDescription": {"properties": {"text": {"maxLength": 1024}}},
        "properties": {
            "required": ["tags", "precision", "security-severity"],
            "properties": {"tags": {"maxItems": 20}, "security-severity": {"pattern": r"^\d+\.\d$"}},
        },
    },
}


def run_of(data: ReportInput) -> Any:
    return json.loads(sarif.render(data))["runs"][0]


def only(finding: Finding) -> Any:
    return run_of(replace(samples.failed(), findings=(finding,)))


# Of the OASIS standard: where the file is from, and its licence, is in the `.md` beside it.
SCHEMA = json.loads(Path(__file__).with_name("sarif-2.1.0-rtm.5.schema.json").read_text(encoding="utf-8"))
STANDARD = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)
# https://docs.github.com/code-security/code-scanning/troubleshooting-sarif-uploads; of what is taken and what is shown, the less.
PACKED_BYTES, RUNS, RULES, EXTENSIONS = 10_000_000, 20, 25_000, 100
RESULTS_SHOWN, TAGS_SHOWN, LOCATIONS_SHOWN, FLOW_LOCATIONS_SHOWN = 5_000, 10, 100, 1_000


def hostile() -> ReportInput:
    return replace(samples.failed(), findings=samples.hostile_findings())


def noise(count: int) -> ReportInput:
    """Findings whose texts are as long as they may be, of characters of four bytes, and cannot be packed."""
    random = Random(1)

    def text(length: int) -> str:
        return "".join(chr(0x1F300 + random.randrange(700)) for _ in range(length))

    first = replace(samples.failed().findings[0], severity=Severity.LOW)
    long = [{"title": text(300), "observed": text(600), "expected": text(600), "advice": text(300)} for _ in range(count)]
    findings = [replace(first, rule=f"rule.{n}", route=f"/{n}", **texts) for n, texts in enumerate(long)]
    findings[-1] = replace(findings[-1], severity=Severity.CRITICAL)
    return replace(samples.failed(), findings=tuple(findings))


SAMPLES = {
    "passed": samples.passed,
    "failed": samples.failed,
    "unknown": samples.unknown,
    "empty": samples.empty,
    "hostile": hostile,
    "many": lambda: samples.many(300),
    "more than are shown": lambda: samples.many(10_000),
}


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_file_is_what_code_scanning_reads(sample: Callable[[], ReportInput]):
    document = json.loads(sarif.render(sample()))
    Draft202012Validator(GITHUB).validate(document)
    for rule in document["runs"][0]["tool"]["driver"]["rules"]:
        Draft202012Validator(RULE).validate(rule)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_file_is_what_the_standard_wants(sample: Callable[[], ReportInput]):
    assert [error.message for error in STANDARD.iter_errors(json.loads(sarif.render(sample())))] == []


@pytest.mark.parametrize(
    ("member", "wrong"),
    [("level", "fatal"), ("message", {}), ("ruleIndex", -2), ("baselineState", "fresh"), ("suppressions", [{}]), ("ours", 1)],
)
def test_the_standard_refuses_a_wrong_member(member: str, wrong: object):
    document = json.loads(sarif.render(samples.failed()))
    document["runs"][0]["results"][0][member] = wrong
    assert not STANDARD.is_valid(document)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_file_keeps_the_limits_of_code_scanning(sample: Callable[[], ReportInput]):
    text = sarif.render(sample())
    assert len(gzip.compress(text.encode())) <= PACKED_BYTES
    runs = json.loads(text)["runs"]
    assert len(runs) <= RUNS
    for run in runs:
        assert len(run["tool"].get("extensions", ())) <= EXTENSIONS
        assert len(run["tool"]["driver"]["rules"]) <= RULES
        assert len(run["results"]) <= RESULTS_SHOWN
        assert max((len(rule["properties"]["tags"]) for rule in run["tool"]["driver"]["rules"]), default=0) <= TAGS_SHOWN
        for result in run["results"]:
            assert len(result["locations"]) <= LOCATIONS_SHOWN
            flows = [flow for code in result.get("codeFlows", ()) for flow in code["threadFlows"]]
            assert sum(len(flow["locations"]) for flow in flows) <= FLOW_LOCATIONS_SHOWN


def test_what_would_be_too_large_packed_is_cut_the_worst_kept_and_said(monkeypatch: pytest.MonkeyPatch):
    assert sarif.PACKED_BYTES_MAX == PACKED_BYTES
    monkeypatch.setattr(sarif, "PACKED_BYTES_MAX", 100_000)
    text = sarif.render(noise(100))
    run = json.loads(text)["runs"][0]
    assert len(gzip.compress(text.encode())) <= sarif.PACKED_BYTES_MAX
    assert 10 < len(run["results"]) < 100
    assert run["results"][0]["level"] == "error", "the worst one, which was the last"
    note = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    left = 100 - len(run["results"])
    assert note == f"{left} findings are not in this file: it holds the {len(run['results'])} most severe"


def test_each_rule_is_there_once_and_each_result_points_at_its_own():
    run = run_of(samples.failed())
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(ids) == len(set(ids))
    assert all(ids[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


def test_a_result_carries_our_fingerprint_and_the_place_of_its_operation():
    finding = samples.failed().findings[0]
    result = only(finding)["results"][0]
    assert result["partialFingerprints"] == {"harnessFingerprint/v1": finding.fingerprint}
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "targets/reference.openapi.yaml"
    assert place["region"]["startLine"] == samples.failed().operation_lines[finding.operation] > 1


def test_a_defect_of_no_known_operation_still_has_a_place():
    result = only(replace(samples.failed().findings[0], route="", method=""))["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert "logicalLocations" not in result["locations"][0]


@pytest.mark.parametrize(
    ("severity", "least", "level"),
    [
        (Severity.CRITICAL, 9.0, "error"),
        (Severity.HIGH, 7.0, "error"),
        (Severity.MEDIUM, 4.0, "warning"),
        (Severity.LOW, 0.1, "note"),
    ],
)
def test_a_severity_falls_into_its_band(severity: Severity, least: float, level: str):
    run = only(replace(samples.failed().findings[0], severity=severity))
    score = float(run["tool"]["driver"]["rules"][0]["properties"]["security-severity"])
    assert least <= score < {9.0: 10.1, 7.0: 9.0, 4.0: 7.0, 0.1: 4.0}[least]
    assert run["results"][0]["level"] == level


def test_a_rules_severity_is_that_of_its_worst_finding():
    finding = samples.failed().findings[0]
    data = replace(samples.failed(), findings=(replace(finding, severity=Severity.LOW, route="/x"), finding))
    rules = run_of(data)["tool"]["driver"]["rules"]
    assert [rule["properties"]["security-severity"] for rule in rules] == ["9.5"]


def test_more_results_than_are_shown_are_said_and_the_worst_kept():
    run = run_of(samples.many(sarif.RESULTS_MAX + 7))
    assert len(run["results"]) == sarif.RESULTS_MAX
    note = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert note == "7 findings are not in this file: it holds the 5000 most severe"
    assert run["results"][0]["level"] == "error"


def test_a_message_holds_no_links_and_no_placeholders_of_the_targets():
    assert sarif.message("[x](http://evil.invalid) {0} \\", 100) == "\\[x\\](http://evil.invalid) {{0}} \\\\"


def test_an_interrupted_run_was_not_successful_and_says_which_stages_are_missing():
    invocation = run_of(samples.unknown())["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert any("stage load" in note["message"]["text"] for note in invocation["toolExecutionNotifications"])


def test_a_replay_is_named_where_it_shows_the_defect_again_and_else_its_stage():
    seen = replace(samples.failed().findings[0], stage="zap", steps=(Request("GET", "/"),), symptom=Symptom(status=(500,)))
    for finding, named in (
        (seen, True),
        (replace(seen, symptom=Symptom()), False),
        (replace(seen, stage="database", steps=()), True),
    ):
        command = f"harness replay {finding.fingerprint}" if named else "harness verify zap"
        text = only(finding)["results"][0]["message"]["text"]
        assert text.endswith(f"See it again: {command}")
        page = str(html.render(replace(samples.failed(), findings=(finding,)))["index.html"])
        assert f'See it again: <code class="cmd">{command}</code>' in page
