"""One examination of the database, shared by the tests that read it."""

from __future__ import annotations

import pytest

from fixtures.operations import document
from harness.evidence.records import Recorder
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena
from harness.witness.confirming import examine_twice
from harness.witness.examination import Examination

__all__ = ["document"]


@pytest.fixture(scope="session")
def examination(arena: Arena, document: Document, seed: int, record: Recorder) -> Examination:
    """Every operation watched, and what each oracle found; the evidence grows with each step."""
    done = examine_twice(arena, document, seed, record.progress, record.database)
    record.database(done.payload())
    record.target(alive=not done.died, note=done.died)
    return done
