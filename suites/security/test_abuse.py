"""The platform gives nothing away, takes nothing over, and leaves nothing open."""

from __future__ import annotations

import pytest

from harness.evidence.records import Recorder
from harness.probes.checks import Report
from harness.probes.document import Document
from harness.probes.enumeration import examine_enumeration
from harness.probes.exchange import World
from harness.probes.exposure import examine_exposure
from harness.probes.injection import examine_injection
from harness.probes.mass_assignment import examine_mass_assignment
from harness.probes.open_doors import examine_left_open
from harness.probes.outward import examine_outgoing, examine_redirects
from harness.probes.scene import Scene
from harness.probes.tour import Tour
from harness.targets.arena import Arena
from harness.targets.live import LiveTarget


@pytest.fixture(scope="session")
def scene(world: World, document: Document, seed: int) -> Scene:
    return Scene(world, document, seed)


def settle(record: Recorder, *reports: Report) -> None:
    findings = [finding for report in reports for finding in report.findings]
    for finding in findings:
        record.finding(finding)
    for observation in (observation for report in reports for observation in report.observations):
        record.observation(observation)
    assert not findings, "\n".join(f"{f.title}: {f.observed} {f.advice}" for f in findings)
    if not any(report.tried for report in reports):
        pytest.skip("; ".join(report.note for report in reports if report.note) or "there was nothing to try")


def test_no_answer_carries_a_secret_or_the_platforms_inside(live_target: LiveTarget, tour: Tour, record: Recorder) -> None:
    settle(record, examine_exposure(live_target.target, tour))


def test_nothing_is_left_open_by_mistake(scene: Scene, record: Recorder) -> None:
    settle(record, examine_left_open(scene))


def test_a_caller_sets_only_what_the_document_lets_it_set(scene: Scene, record: Recorder) -> None:
    if not scene.world.target.allow.writes:
        pytest.skip("the target file does not allow writes")
    settle(record, examine_mass_assignment(scene))


def test_a_log_in_does_not_tell_who_has_an_account(arena: Arena, document: Document, seed: int, record: Recorder) -> None:
    with arena.fresh("enumeration") as door, World(door) as world:  # wrong passwords may close the accounts that they name
        settle(record, *(examine_enumeration(world, role, seed) for role in Scene(world, document, seed).log_ins))


def test_redirects_lead_to_the_platforms_own_pages(scene: Scene, record: Recorder) -> None:
    settle(record, examine_redirects(scene))


def test_the_platform_calls_no_address_that_a_caller_names(scene: Scene, record: Recorder) -> None:
    settle(record, examine_outgoing(scene))


def test_no_value_stands_in_a_statement_or_a_path(scene: Scene, record: Recorder) -> None:
    settle(record, examine_injection(scene))
