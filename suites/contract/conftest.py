"""One campaign over all operations that were collected, shared by the tests that read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.operations import document, pytest_generate_tests
from harness.engines.contract.budget import Budget
from harness.engines.contract.campaign import ENUMERATED, Campaign, CampaignResult
from harness.engines.contract.confirming import Fresh
from harness.evidence.records import Recorder
from harness.model.evidence import OperationCases
from harness.probes.deliberate import deliberate_statuses
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.body_places import parameter_count
from harness.probes.scene.scene import Scene
from harness.targets.arena import Arena

__all__ = ["document", "pytest_generate_tests"]


@pytest.fixture(scope="session")
def campaign(
    request: pytest.FixtureRequest,
    arena: Arena,
    document: Document,
    seed: int,
    options: dict[str, int],
    record: Recorder,
) -> CampaignResult:
    """Every collected operation, in every phase, as every role; what it found and how much it tried is recorded."""
    operations = _collected(request.session, document)
    parameters = {operation.name: parameter_count(document, operation) for operation in document.operations}
    record.document(document.name, tuple(operations), (), parameters)

    def counted(sent: tuple[OperationCases, ...]) -> None:
        for cases in sent:
            record.cases(cases)

    result = Campaign(
        document,
        arena.target,
        _fresh(arena),
        seed=seed,
        budget=Budget.of(options, workers=1 if arena.plan.port or not arena.isolated else 2),
        operations=operations,
        isolated=arena.isolated,
        progress=record.progress,
        counted=counted,
    ).run()
    record.document(document.name, tuple(dict.fromkeys(cases.operation for cases in result.cases)), result.phases, parameters)
    counted(tuple(replace(cases, cases=0, successes=0, statuses={}) for cases in result.cases))  # the rest was told leg by leg
    for operation, why in result.untested.items():
        record.untested(operation, why)
    for line in result.incomplete:  # a phase that did not come to its end leaves a gap
        where, _, why = line.partition(": ")
        record.untested(where, why or "it did not come to its end")
    for observation in result.observations:
        record.observation(observation)
    record.target(alive=result.target_alive, note="; ".join(result.incomplete))
    return result


@pytest.fixture(scope="session")
def deliberate(arena: Arena, document: Document, seed: int) -> dict[str, frozenset[str]]:
    """Statuses by operation that the campaign's generated requests hardly ever cause."""
    with arena.fresh("contract-deliberate") as door, World(door) as world:
        return deliberate_statuses(Scene(world, document, seed), isolated=arena.isolated)


def _fresh(arena: Arena) -> Fresh:
    """Its targets: coverage counts the enumerated cases; the random ones would add seconds to it and hardly a line."""
    return lambda label: (arena if ENUMERATED in label else arena.unmeasured).fresh(label)


def _collected(session: pytest.Session, document: Document) -> list[str]:
    """The operations that the collected tests are about; all of them where no test is about one."""
    named = {item.callspec.params.get("operation") for item in session.items if hasattr(item, "callspec")}
    return [name for name in document.names if name in named] or list(document.names)
