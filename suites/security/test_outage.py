"""The platform outlives its database's absence, and says so while it lasts."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from harness.probes.again import seen_again
from harness.probes.audits.outage import examine_outage
from harness.probes.checks import Report
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena
from suites.security.judging import Judge


@pytest.mark.proves("2.1.5.a")
def test_an_outage_of_the_database_is_told_and_survived(
    outage: Future[Report] | None, arena: Arena, document: Document, seed: int, judge: Judge
) -> None:
    if outage is None:
        pytest.skip("the target file does not allow faults")
    judge.settle("outage", seen_again(outage.result(), arena, lambda: examine_outage(arena, document, seed)))
