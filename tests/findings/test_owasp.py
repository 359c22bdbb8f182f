"""Every finding has its class of the OWASP Top 10:2025, or is known to have none."""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import harness
from harness.evidence.codec import from_json, to_json
from harness.findings.export import as_csv
from harness.findings.history import Observed, history
from harness.findings.merge import merged
from harness.model.finding import Finding
from harness.model.owasp import _LISTED, UNCLASSED, top10_of
from harness.report import sarif
from harness.report.views.findings import findings_view
from tests.findings.test_history import TODAY
from tests.gates.build import finding
from tests.report import samples

MAKERS = ("Weakness", "Rule", "Meaning", "Forgery", "_cookie_finding", "_finding")
"""What is handed a CWE without its name."""


def used() -> set[int]:
    """The CWEs that stand in the harness's code."""
    return {cwe for path in Path(harness.__file__).parent.rglob("*.py") for cwe in _in(ast.parse(path.read_text("utf-8")))}


def _in(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        given: list[ast.AST] = []
        if isinstance(node, ast.Call):
            given += [keyword.value for keyword in node.keywords if keyword.arg == "cwe"]
            given += node.args if getattr(node.func, "id", "") in MAKERS else []
        elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "cwe" and node.value:
            given.append(node.value)
        for value in given:
            choices = (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
            yield from (
                each.value for each in choices if isinstance(each, ast.Constant) and type(each.value) is int and each.value
            )


def test_every_cwe_of_the_harness_has_a_class_or_is_known_to_have_none() -> None:
    found = used()
    assert {20, 79, 89, 306, 347, 436, 613, 639, 693, 1004, 1021, 1073} <= found, "the search finds no CWEs any more"
    assert {cwe for cwe in found if not top10_of(cwe)} == UNCLASSED


def test_no_cwe_is_of_two_classes() -> None:
    every = [cwe for listed in _LISTED.values() for cwe in listed]
    assert len(every) == len(set(every))
    assert {name: len(listed) for name, listed in _LISTED.items()} == {
        **{"A01:2025": 40, "A02:2025": 16, "A03:2025": 6, "A04:2025": 32, "A05:2025": 37, "A06:2025": 39, "A07:2025": 36},
        **{"A08:2025": 14, "A09:2025": 5, "A10:2025": 24},
    }, "as many as each category's page counts"


@pytest.mark.parametrize(
    ("cwe", "name"),
    [
        *((639, "A01:2025"), (918, "A01:2025"), (1004, "A02:2025"), (1104, "A03:2025"), (347, "A04:2025"), (89, "A05:2025")),
        *((1021, "A06:2025"), (613, "A07:2025"), (915, "A08:2025"), (532, "A09:2025"), (209, "A10:2025")),
        *((1336, "A05:2025"), (204, "A01:2025"), (1073, ""), (0, "")),
    ],
)
def test_a_cwe_has_the_class_that_the_list_gives_it(cwe: int, name: str) -> None:
    assert top10_of(cwe) == name


HOLE = finding(cwe=89, owasp="API8:2023")


def test_a_finding_that_was_written_before_gets_its_class_when_it_is_read() -> None:
    plain = json.loads(to_json(HOLE))
    del plain["owasp_top10"], plain["checks"]
    assert from_json(Finding, json.dumps(plain), where="f").owasp_top10 == "A05:2025"


def test_what_one_engine_does_not_say_is_taken_from_the_other() -> None:
    bare = replace(HOLE, cwe=0, owasp="", owasp_top10="", engines=("zap",))
    assert bare.classes == ()
    assert merged((bare, HOLE))[0].classes == merged((HOLE, bare))[0].classes == ("CWE-89", "API8:2023", "A05:2025")


def test_every_report_names_the_classes() -> None:
    data = replace(samples.failed(), findings=(HOLE,))
    rule = findings_view(data).groups[0].rules[0]
    assert rule.classes == ("CWE-89", "API8:2023", "A05:2025")
    tags = json.loads(sarif.render(data))["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["tags"]
    assert tags == ["security", "external/cwe/cwe-089", "owasp/API8:2023", "owasp/A05:2025"]
    (row,) = csv.DictReader(as_csv((HOLE,), history(Observed((HOLE,), (), "2026-11-24T00:00:00Z"), None, (), TODAY)).splitlines())
    assert (row["owasp"], row["owasp_top10"]) == ("API8:2023", "A05:2025")
