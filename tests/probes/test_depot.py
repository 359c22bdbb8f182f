"""Two tenants with several users each: what one may name, change and see of the others', and what must stay quiet."""

from __future__ import annotations

import pytest

from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.http.exchange import World
from harness.probes.scene.scene import Asker, Scene
from harness.probes.symptoms import shows
from tests.probes.servers.depot_server import BILLS, BRANCHES, DOCUMENT, PAPER, PEOPLE, TICKET, Depots


def matrix_of(*defects: str) -> Matrix:
    return AuthorizationRun(Depots(defects), DOCUMENT, seed=1).run()


def found(matrix: Matrix) -> list[tuple[str, str, str, str]]:
    findings = [finding for item in matrix.examined for finding in item.findings]
    return [(finding.rule, finding.operation, finding.parameter, finding.role) for finding in findings]


def test_a_platform_that_keeps_tenants_apart_gives_no_finding_and_every_refusal_has_its_twin() -> None:
    matrix = matrix_of()
    assert found(matrix) == []
    assert {name: gaps for name in DOCUMENT.names if (gaps := matrix.gaps(name))} == {}


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        ("clerks-move", ("authorization.function-of-another-role", PEOPLE, "", "clerk")),
        ("papers-read", ("authorization.read-of-another", f"GET {PAPER}", "paper_id", "member")),
        ("papers-deleted", ("authorization.write-of-another", f"DELETE {PAPER}", "paper_id", "member")),
        ("bills-of-all", ("authorization.list-shows-another", TICKET, "", "member")),
        ("name-believed", ("authorization.read-of-another", BILLS, "personId", "member")),
    ],
)
def test_what_a_user_reaches_of_others_is_found(defect: str, finding: tuple[str, str, str, str]) -> None:
    assert found(matrix_of(defect)) == [finding]


def test_a_write_that_was_done_and_answered_404_is_said_with_what_it_did() -> None:
    (finding,) = (finding for item in matrix_of("clerks-move").of(PEOPLE) for finding in item.findings)
    assert finding.observed.startswith("It was answered 404, and done all the same: status: 200 → 404")
    assert [step.method for step in finding.steps] == ["PATCH", "GET"]
    for defects, again in ((("clerks-move",), True), ((), False)):
        with Depots(defects).fresh("again") as live, World(live) as world:
            answers = [world.send(step) for step in finding.steps]
        assert shows(finding.symptom, answers[-1]) is again


@pytest.mark.parametrize(("user", "tenant"), [("one", "north"), ("two", "south")])
def test_a_body_refers_to_what_its_sender_is_shown(user: str, tenant: str) -> None:
    with Depots().fresh("bodies") as live, World(live) as world:
        bodies = Scene(world, DOCUMENT, 1).bodies(DOCUMENT.operation(PEOPLE), asker=Asker("lead", user))
    branches = [body["branch_id"] for body in bodies if isinstance(body, dict) and "branch_id" in body]
    assert branches[0] in BRANCHES[tenant]


def test_a_change_of_which_nothing_is_demanded_is_tried_member_by_member() -> None:
    with Depots().fresh("bodies") as live, World(live) as world:
        bodies = Scene(world, DOCUMENT, 1).drafter.bodies(DOCUMENT.operation(PEOPLE))
    assert [sorted(body) for body in bodies] == [["branch_id", "grade"], ["grade"], ["branch_id"], []]
