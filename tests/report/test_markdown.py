"""The summary for a pull request: short, complete, and inert."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.model.gate import GateResult
from harness.model.verdict import Verdict
from harness.report import markdown
from harness.report.model import ReportInput
from tests.report import samples


@pytest.mark.parametrize("sample", [samples.passed, samples.failed, samples.unknown, samples.empty])
def test_a_summary_is_short_and_ends_with_a_line_break(sample: Callable[[], ReportInput]):
    text = markdown.render(sample())
    assert len(text.splitlines()) <= markdown.LINES_MAX
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_a_summary_stays_short_with_hundreds_of_gates_and_says_what_it_left_out():
    run = samples.failed()
    gates = tuple(GateResult(f"gate-{n}", Verdict.UNKNOWN, "x" * 5_000) for n in range(300))
    text = markdown.render(replace(run, verdict=replace(run.verdict, gates=gates)))
    assert len(text.splitlines()) <= markdown.LINES_MAX
    assert "280 gates more" in text
    assert "292 more in the report" in text
    assert len(text) < 30_000


def test_it_says_the_verdict_the_gates_what_to_look_at_and_what_is_not_known():
    text = markdown.render(samples.failed())
    assert text.startswith("## ❌ Do not ship (FAIL)\n")
    assert "| coverage | ❌ FAIL | 61.2 % | ≥ 70 % | `branches 61.2 %, wanted ≥ 70 %` |" in text
    assert "1. **authorization** `Critical: GET /api/partner-portal/leads/{lead_id}" in text
    assert "### Could not be verified: 1" in text
    assert "Ledger: " in text


def test_a_gate_that_is_not_required_says_so():
    assert "SKIPPED (not required)" in markdown.render(samples.unknown())


@pytest.mark.parametrize("hostile", samples.HOSTILE_TEXTS)
def test_text_of_the_target_stands_in_code_spans_only(hostile: str):
    run = samples.failed()
    gate = GateResult("latency", Verdict.FAIL, hostile, advice=hostile, details=(hostile,))
    manifest = replace(run.manifest, target_build=hostile, target=hostile)
    text = markdown.render(replace(run, manifest=manifest, verdict=replace(run.verdict, reason=hostile, gates=(gate,))))
    outside = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text)
    for mark in ("<script", "<img", "onerror", "](http", "@everyone", "#1 ", "</style", "\x1b", "\u202e"):
        assert mark not in outside
    assert all(row.count("|") == 6 for row in text.splitlines() if row.startswith("| latency"))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("a``b`", "``` a``b` ```"),
        ("", ""),
        ("a|b", "`a¦b`"),
        ("a\nb", "`a b`"),
    ],
)
def test_a_code_span_holds_any_text(text: str, span: str):
    assert markdown.code(text) == span


def test_words_of_ours_are_escaped():
    assert markdown.plain("a_b *c* <d>") == "a\\_b \\*c\\* \\<d\\>"
