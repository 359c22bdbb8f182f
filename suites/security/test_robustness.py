"""Whatever is sent, the platform refuses it clearly and serves on; and what it lists is all there."""

from __future__ import annotations

import pytest

from harness.evidence.records import Recorder
from harness.model.errors import TargetError
from harness.model.finding import Observation
from harness.probes.abuse.torn_lists import examine_torn_lists
from harness.probes.audits.error_shapes import RULE
from harness.probes.audits.robustness import RobustnessRun
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena
from suites.security.judging import Judge


@pytest.fixture(scope="session")
def hostile(arena: Arena, document: Document, seed: int, record: Recorder) -> RobustnessRun:
    run = RobustnessRun(arena, document, seed, lambda name: record.progress(f"hostile input to {name}")).run()
    if run.shapes.observation:
        record.observation(Observation(RULE, run.shapes.observation, "security"))
    for observation in run.report.noticed:
        record.observation(observation)
    return run


@pytest.mark.proves("2.1.5.a")
def test_hostile_input_is_refused_clearly(operation: str, hostile: RobustnessRun, record: Recorder) -> None:
    tried = hostile.of(operation)
    if tried is None or not tried.sent:
        pytest.skip(tried.note if tried else "the operation was not tried")
    for finding in tried.findings:
        record.finding(finding)
    assert not tried.findings, "\n".join(f"{f.title}: {f.observed} {f.advice}" for f in tried.findings)
    if not tried.let_in:
        pytest.skip(tried.note)


def test_the_target_survives_hostile_input(hostile: RobustnessRun) -> None:
    assert not hostile.died
    if hostile.report.gap:
        raise TargetError(hostile.report.gap)


def test_a_list_read_page_by_page_shows_every_row_once(judge: Judge) -> None:
    judge.together("torn lists", examine_torn_lists)
