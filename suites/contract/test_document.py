"""The document that is served, the one that is committed and the one that was released say the same."""

from __future__ import annotations

from functools import partial

import pytest

from harness.engines.contract.breaking import breaking_findings, released_document
from harness.engines.contract.drift import drifted
from harness.evidence.records import Recorder
from harness.probes.again import examined_twice
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena


def test_served_document_equals_the_committed_one(arena: Arena, document: Document, record: Recorder) -> None:
    if not arena.target.document or not arena.target.document_path:
        pytest.skip("the target gives one document only")
    report = examined_twice(arena, "drift", partial(drifted, document))
    for finding in report.findings:
        record.finding(finding)
    assert not report.broken, report.broken
    assert not report.findings, "\n".join(f"{finding.title}: {finding.observed}" for finding in report.findings)


def test_committed_document_breaks_no_client_of_the_released_one(arena: Arena, document: Document, record: Recorder) -> None:
    released = released_document(arena.target)
    if released is None:
        pytest.skip(f"{arena.target.name} has no released document beside the committed one")
    findings = breaking_findings(Document.load(released), document)
    for finding in findings:
        record.finding(finding)
    assert not findings, "\n".join(f"{finding.title}: {finding.observed}" for finding in findings)


def test_the_document_can_be_read_as_a_whole(document: Document) -> None:
    assert document.operations
    assert not document.problems, "\n".join(f"{problem.where}: {problem.text}" for problem in document.problems)
