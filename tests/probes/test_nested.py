"""Objects below others, named by two ids: what is tried of them, what is found, and what is not claimed."""

from __future__ import annotations

import pytest

from harness.model.evidence import Whose
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.http.exchange import World
from harness.probes.scene.scene import Scene
from tests.probes.servers.projects_server import DOCUMENT, PROJECT, Servers

TASK = "/projects/{projectId}/tasks/{taskId}"
READ, PATCH, DELETE = f"GET {TASK}", f"PATCH {TASK}", f"DELETE {TASK}"


def examined(*defects: str) -> Matrix:
    return AuthorizationRun(Servers(frozenset(defects)), DOCUMENT, seed=1).run()


def found(matrix: Matrix) -> set[tuple[str, str, str]]:
    return {(f.rule, f.operation, f.parameter) for item in matrix.examined for f in item.findings}


@pytest.mark.parametrize("defects", [(), ("empty",)])
def test_every_cell_is_tried_and_nothing_is_claimed_where_all_is_guarded(defects: tuple[str, ...]) -> None:
    matrix = examined(*defects)
    assert found(matrix) == set()
    assert {name: gaps for name in (READ, PATCH, DELETE) if (gaps := matrix.gaps(name))} == {}
    for name in (READ, PATCH, DELETE):
        own = {(cell.whose, cell.allowed) for cell in matrix.cells if cell.operation == name}
        assert {(Whose.OWN, True), (Whose.ANOTHER, False), (Whose.NOBODY, False)} <= own


def test_what_belongs_to_everybody_is_nobodys_loss() -> None:
    assert not [f for f in found(examined()) if "labels" in f[1]]


READ_OF_ANOTHER, WRITE_OF_ANOTHER = "authorization.read-of-another", "authorization.write-of-another"


@pytest.mark.parametrize(
    ("defect", "wanted"),
    [
        ("any-project", {(READ_OF_ANOTHER, READ, "projectId"), (WRITE_OF_ANOTHER, PATCH, "projectId")}),
        ("ignores-project", {(READ_OF_ANOTHER, READ, "projectId"), (WRITE_OF_ANOTHER, PATCH, "projectId")}),
        ("loose-read", {(READ_OF_ANOTHER, READ, "taskId")}),
        ("loose-write", {(WRITE_OF_ANOTHER, PATCH, "taskId"), (WRITE_OF_ANOTHER, DELETE, "taskId")}),
    ],
)
def test_a_hole_is_named_by_the_id_that_is_not_guarded(defect: str, wanted: set[tuple[str, str, str]]) -> None:
    assert wanted <= found(examined(defect))


def test_a_higher_role_that_has_a_part_of_the_objects_is_held_to_it() -> None:
    roles = {(f.rule, f.operation, f.role) for item in examined("any-lead").examined for f in item.findings}
    assert roles == {
        (READ_OF_ANOTHER, "GET /projects/{projectId}", "lead"),
        (READ_OF_ANOTHER, "GET /projects/{projectId}/tasks", "lead"),
        (WRITE_OF_ANOTHER, "POST /projects/{projectId}/tasks", "lead"),
        (READ_OF_ANOTHER, READ, "lead"),
        (WRITE_OF_ANOTHER, PATCH, "lead"),
        (WRITE_OF_ANOTHER, DELETE, "lead"),
    }


def test_what_is_a_members_and_its_leads_is_no_hole_where_other_leads_are_refused() -> None:
    both = AuthorizationRun(Servers(frozenset({"long-list"}), lead_rank=1), DOCUMENT, seed=1).run()
    assert found(both) == set()
    every = AuthorizationRun(Servers(frozenset({"long-list", "any-lead"}), lead_rank=1), DOCUMENT, seed=1).run()
    assert {(f.operation, f.role) for item in every.examined for f in item.findings} >= {(READ, "lead"), (PATCH, "lead")}


def test_an_object_is_looked_at_by_what_shows_it_whatever_role_has_it() -> None:
    with Servers().fresh("looks") as door, World(door) as world:
        scene = Scene(world, DOCUMENT, seed=1)
        (reference,) = scene.bound_references(DOCUMENT.operation(PATCH))
        readers = {operation.name for operation in scene.looks.readers(reference, ("taskId",))}
    assert reference.kind.role == "lead"
    assert {"GET /projects/{projectId}", READ} <= readers


def test_a_child_that_is_bound_to_its_parent_is_no_hole_of_the_others() -> None:
    assert found(examined("loose-read")) == {(READ_OF_ANOTHER, READ, "taskId")}


def reviewed(*defects: str) -> Matrix:
    return AuthorizationRun(Servers(frozenset(defects), objects=(PROJECT,)), DOCUMENT, seed=1).run()


@pytest.mark.parametrize(("operation", "member"), [("POST /reviews", "projectId"), ("POST /verdicts", "project")])
def test_a_body_that_names_an_object_of_another_of_a_higher_role_is_a_hole(operation: str, member: str) -> None:
    found = [f for item in reviewed("any-review").of(operation) for f in item.findings]
    assert {(f.rule, f.parameter, f.role) for f in found} == {(WRITE_OF_ANOTHER, member, "lead")}


@pytest.mark.parametrize("defects", [(), ("open-reviews", "any-review")])
@pytest.mark.parametrize("operation", ["POST /reviews", "POST /verdicts"])
def test_a_body_that_names_what_one_may_read_or_is_refused_is_none(operation: str, defects: tuple[str, ...]) -> None:
    matrix = reviewed(*defects)
    assert [f for item in matrix.of(operation) for f in item.findings] == []
    assert any(cell.role == "lead" and cell.allowed for cell in matrix.cells if cell.operation == operation)
