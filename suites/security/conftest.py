"""One tour of everything that answers, shared by the tests that read it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from fixtures.operations import document, pytest_generate_tests
from harness.evidence.records import Recorder
from harness.model.evidence import Reach
from harness.model.finding import Finding
from harness.model.waiver import Examined
from harness.probes.again import seen_again
from harness.probes.audits.cors import CorsReport, examine_cors
from harness.probes.audits.headers import audit
from harness.probes.audits.outage import examine_outage
from harness.probes.checks import Report
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.shared import SharedTarget
from harness.probes.tour import Tour, take_tour
from harness.targets.arena import Arena
from harness.targets.live import LiveTarget
from suites.security.judging import Judge

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


@pytest.fixture(scope="session", autouse=True)
def outage(request: pytest.FixtureRequest, arena: Arena, document: Document, seed: int) -> Iterator[Future[Report] | None]:
    """What becomes of a target without its database: mostly waiting, so it goes on beside the other tests."""
    asked_for = any(item.path.name == "test_outage.py" for item in request.session.items)
    if not asked_for or not arena.target.allow.faults:
        yield None
        return
    with ThreadPoolExecutor(1, "outage") as aside:
        yield aside.submit(examine_outage, arena, document, seed)


@pytest.fixture(scope="session")
def judge(arena: Arena, shared: SharedTarget, record: Recorder) -> Judge:
    """Runs the examinations of this suite."""
    return Judge(arena, shared, record)


@pytest.fixture(scope="session")
def heads(arena: Arena, document: Document, seed: int, tour: Tour) -> tuple[Finding, ...]:
    """What the heads of all answers lack, on a second tour too."""

    def audited(taken: Tour) -> Report:
        return Report("heads", len(taken.visits), list(audit(taken.visits, tls=arena.target.base_url.startswith("https:"))))

    return tuple(seen_again(audited(tour), arena, lambda: audited(take_tour(arena, document, seed))).findings)


@pytest.fixture(scope="session")
def shared(arena: Arena, live_target: LiveTarget, document: Document, seed: int) -> Iterator[SharedTarget]:
    """A running target to send further requests to."""
    with SharedTarget(arena, live_target, document, seed) as target:
        yield target


@pytest.fixture(scope="session")
def cors(arena: Arena, shared: SharedTarget, tour: Tour) -> CorsReport:
    """What each origin was allowed, on a second target too."""
    seen = examine_cors(shared.scene.world, tour)

    def again() -> Report:
        with arena.fresh("cors") as door, World(door) as other:
            return Report("cors", 1, list(examine_cors(other, tour).findings or ()))

    return replace(seen, findings=seen_again(Report("cors", 1, list(seen.findings or ())), arena, again).findings)
