"""One examination of the whole matrix, shared by the tests that read it."""

from __future__ import annotations

import pytest

from fixtures.operations import document, pytest_generate_tests
from harness.evidence.records import Recorder
from harness.probes.access.authorization import AuthorizationRun, Examined, Matrix
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena

__all__ = ["document", "pytest_generate_tests"]


@pytest.fixture(scope="session")
def matrix(arena: Arena, document: Document, seed: int, record: Recorder) -> Matrix:
    """Every operation as every role, on every kind of object; cells are recorded as they are tried."""
    if not any(role.users for role in arena.target.roles):
        pytest.skip(f"{arena.target.name} gives no users")

    def say(examined: Examined) -> None:
        for cell in examined.cells:
            record.cell(cell)
        for observation in examined.observations:
            record.observation(observation)
        record.progress(f"examined {examined.operation.name}")

    done = AuthorizationRun(arena, document, seed, say).run()
    record.target(alive=not done.died, note=done.died)
    return done
