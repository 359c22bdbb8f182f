"""One attack on every session and token, shared by the tests that read it."""

from __future__ import annotations

import pytest

from fixtures.operations import document, pytest_generate_tests
from harness.evidence.records import Recorder
from harness.model.evidence import Reach
from harness.model.finding import Observation
from harness.probes.openapi.document import Document
from harness.probes.sessions.forged_tokens import Attacked
from harness.probes.sessions.sessions import SessionsRun
from harness.targets.arena import Arena

__all__ = ["document", "pytest_generate_tests"]


@pytest.fixture(scope="session")
def attacks(arena: Arena, document: Document, seed: int, record: Recorder) -> SessionsRun:
    """Every forged token on every protected operation, the ends of sessions, and the cookies."""
    if not any(role.users for role in arena.target.roles):
        pytest.skip(f"{arena.target.name} gives no users")

    def say(attacked: Attacked) -> None:
        record.progress(f"attacked {attacked.operation} as {attacked.role}")

    done = SessionsRun(arena, document, seed, say).run()
    record.reach(
        Reach(
            engine="sessions",
            operations=len(done.protected),
            reached=len(done.reached),
            logged_in=bool(done.roles),
            roles=done.roles,
            requests=done.requests,
            note="; ".join(dict.fromkeys(f"{item.operation}: {item.note}" for item in done.attacked if item.note)),
        )
    )
    for left_out in filter(None, map(done.left_out, done.ended)):
        record.observation(Observation("sessions.not-tried", left_out, "sessions"))
    record.target(alive=not done.died, note=done.died)
    return done
