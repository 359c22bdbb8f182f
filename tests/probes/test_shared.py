"""A target that several examinations share: whatever ends it is a finding, and the next ones have a fresh one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from harness.model.errors import TargetError
from harness.model.finding import Confidence, Request
from harness.probes.abuse.enumeration import examine_enumeration
from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.again import ended
from harness.probes.audits.cors import FOREIGN, examine_cors
from harness.probes.audits.open_doors import examine_left_open
from harness.probes.checks import Report
from harness.probes.http.exchange import TargetDied, World
from harness.probes.injection.redirects import examine_redirects
from harness.probes.scene.scene import Scene
from harness.probes.shared import SharedTarget
from harness.probes.tour import take_tour
from harness.targets.live import LiveTarget
from tests.probes.servers.gate_server import DOCUMENT as GATE
from tests.probes.servers.gate_server import LIMITS, Gate, Gates, target
from tests.probes.servers.notes_server import DOCUMENT, Platform, Servers, served
from tests.probes.servers.small_http import Asked, Given
from tests.probes.servers.small_http import served as small


class Gone(Servers):
    """Gives no target."""

    def fresh(self, label: str) -> AbstractContextManager[LiveTarget]:
        raise TargetError(f"nothing answers for {label}")


@pytest.mark.parametrize(
    ("defect", "examine", "operation", "sent"),
    [
        ("dies-on-env", examine_left_open, "GET /.env", ""),
        ("dies-on-strange", examine_mass_assignment, "POST /notes", "zq_nothing_is_called_so"),
    ],
)
def test_what_kills_it_is_one_sure_finding_and_the_next_examination_has_a_fresh_one(
    defect: str, examine: Callable[[Scene], Report], operation: str, sent: str
) -> None:
    servers = Servers(frozenset({defect, "redirects"}))
    with servers.fresh("suite") as door, SharedTarget(servers, door, DOCUMENT, 1) as shared:
        (finding,) = shared.examined("deadly", examine).findings
        (later,) = shared.examined("redirects", examine_redirects).findings
    assert (finding.rule, finding.operation, finding.confidence) == ("robustness.target-died", operation, Confidence.HIGH)
    (step,) = finding.steps
    assert f"{step.method} {step.path}" == operation
    assert sent in (step.body or "")
    assert (later.rule, later.operation) == ("abuse.open-redirect", "GET /go")


def test_one_that_lives_is_kept() -> None:
    servers = Servers()
    with servers.fresh("suite") as door, SharedTarget(servers, door, DOCUMENT, 1) as shared:
        first = shared.scene
        assert shared.examined("left open", examine_left_open).findings == []
        assert shared.scene is first
    assert servers.started == 1


def test_what_a_hole_has_spoilt_is_left_to_nobody() -> None:
    servers = Servers()
    with servers.fresh("suite") as door, SharedTarget(servers, door, DOCUMENT, 1) as shared:
        first = shared.scene
        shared.examined("takes over", lambda _scene: Report("takes over", tried=1, spoilt=True))
        second = shared.scene
        shared.examined("left open", examine_left_open)
        assert shared.scene is second
    assert second is not first
    assert servers.started == 2


def test_an_examination_that_was_ended_by_a_death_that_nobody_sees_again_is_no_whole_one() -> None:
    mortal, immortal = Servers(frozenset({"dies-on-env"})), Servers()
    with mortal.fresh("suite") as door, SharedTarget(immortal, door, DOCUMENT, 1) as shared:
        report = shared.examined("left open", examine_left_open)
    assert [finding.confidence for finding in report.findings] == [Confidence.LOW]
    assert "GET /.env" in report.broken


def test_what_takes_targets_by_itself_names_what_killed_one_too() -> None:
    report = ended("enumeration", lambda: examine_enumeration(Servers(dies_after=3), DOCUMENT, 1))
    assert [finding.rule for finding in report.findings] == ["robustness.target-died"]
    assert report.broken


def test_who_goes_on_asking_a_dead_target_is_told_what_killed_it() -> None:
    with served(Platform(frozenset({"dies-on-env"}))) as live, World(live) as world:
        for path in ("/.env", "/summary"):
            with pytest.raises(TargetDied) as died:
                world.send_as(Request("GET", path), world.credential("", ""))
            assert died.value.request.path == "/.env"


def test_without_another_target_it_says_that_there_is_none() -> None:
    with Servers(frozenset({"dies-on-env"})).fresh("suite") as door, SharedTarget(Gone(), door, DOCUMENT, 1) as shared:
        shared.examined("left open", examine_left_open)
        with pytest.raises(TargetError, match="nothing answers"):
            shared.examined("redirects", examine_redirects)


def test_an_origin_that_kills_it_is_told_of() -> None:
    tour, gate, dead = take_tour(Gates(), GATE, 1), Gate(), list[Asked]()

    def answer(asked: Asked) -> Given:
        dead.extend([asked] if asked.headers.get("origin") == FOREIGN else [])
        if dead:
            raise ConnectionAbortedError
        return gate.answer(asked)

    with small(target(LIMITS), answer) as live, World(live) as world:
        report = examine_cors(world, tour)
    assert report.death is not None
    assert report.death.finding.operation.startswith(("GET /", "OPTIONS /"))
    assert report.death.finding.steps[0].headers["Origin"] == FOREIGN
