"""One tour of everything that answers, shared by the tests that read it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.operations import document, pytest_generate_tests
from harness.evidence.records import Recorder
from harness.model.evidence import Reach
from harness.model.finding import Finding
from harness.model.waiver import Examined
from harness.probes.cors import CorsReport, examine_cors
from harness.probes.document import Document
from harness.probes.exchange import World
from harness.probes.headers import audit
from harness.probes.tour import Tour, take_tour
from harness.targets.arena import Arena
from harness.targets.live import LiveTarget

__all__ = ["document", "pytest_generate_tests"]


@pytest.fixture(scope="session")
def tour(arena: Arena, document: Document, seed: int, record: Recorder) -> Tour:
    """Every operation as every role, the errors that they give, and the pages."""
    taken = take_tour(arena, document, seed, lambda name: record.progress(f"visited {name}"))
    record.reach(
        Reach(
            engine="tour",
            operations=len(taken.operations),
            reached=len(taken.reached),
            logged_in=bool(taken.roles) or not any(role.users for role in arena.target.roles),
            roles=taken.roles,
            requests=taken.requests,
            note="; ".join(f"{name}: {why}" for name, why in taken.notes.items()),
        )
    )
    if not taken.died:
        record.examined(Examined("probes", ("headers.*",), ("", *taken.reached), taken.roles))
    record.target(alive=not taken.died, note=taken.died)
    return taken


@pytest.fixture(scope="session")
def heads(tour: Tour) -> tuple[Finding, ...]:
    """What the heads of all answers lack."""
    return tuple(audit(tour.visits))


@pytest.fixture(scope="session")
def world(live_target: LiveTarget) -> Iterator[World]:
    """A running target to send further requests to."""
    with World(live_target) as opened:
        yield opened


@pytest.fixture(scope="session")
def cors(world: World, tour: Tour) -> CorsReport:
    """What each origin was allowed."""
    return examine_cors(world, tour)
