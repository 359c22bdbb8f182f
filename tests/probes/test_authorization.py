"""What the matrix finds, and what it does not claim, on a platform that is not the reference one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.model.evidence import Whose
from harness.model.finding import Confidence
from harness.model.target import OperationHint
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.access.reads import may_reach, staged
from harness.probes.http.exchange import World
from harness.probes.scene.scene import Asker, Scene
from harness.targets.live import LiveTarget
from tests.probes.servers.notes_server import DOCUMENT, Servers

READ, PATCH, DELETE = "GET /notes/{note_id}", "PATCH /notes/{note_id}", "DELETE /notes/{note_id}"


def examined(*defects: str) -> Matrix:
    return AuthorizationRun(Servers(frozenset(defects)), DOCUMENT, seed=1).run()


def found(matrix: Matrix) -> set[tuple[str, str, str]]:
    return {(f.rule, f.operation, f.role) for item in matrix.examined for f in item.findings}


@pytest.mark.parametrize("defects", [(), ("soft",)])
def test_a_platform_that_guards_everything_gives_no_finding_and_no_gap(defects: tuple[str, ...]) -> None:
    matrix = examined(*defects)
    assert found(matrix) == set()
    assert [gap for name in DOCUMENT.names for gap in matrix.gaps(name)] == []
    assert matrix.died == ""


@pytest.mark.parametrize(
    ("trait", "rules"), [("published", set()), ("told-to-staff", {("authorization.read-of-another", READ, "staff")})]
)
def test_what_a_role_of_equal_rank_is_shown_in_its_own_list_is_no_secret(trait: str, rules: set[tuple[str, str, str]]) -> None:
    assert found(AuthorizationRun(Servers(frozenset({trait}), staff_rank=1), DOCUMENT, seed=1).run()) == rules


def test_the_matrix_has_every_role_on_own_anothers_and_nobodys_object() -> None:
    cells = examined().cells
    tried = {(cell.role, cell.whose) for cell in cells if cell.operation == PATCH and cell.tried}
    assert tried == {
        ("member", Whose.OWN),
        ("member", Whose.ANOTHER),
        ("member", Whose.NOBODY),
        ("staff", Whose.ANOTHER),
        ("", Whose.ANOTHER),
    }
    assert all(cell.twin for cell in cells if not cell.permitted)
    assert {cell.permitted for cell in cells if cell.operation == "GET /staff/users" and cell.role == "member"} == {False}


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        ("read-of-all", ("authorization.read-of-another", READ, "member")),
        ("told-in-refusal", ("authorization.read-of-another", READ, "member")),
        ("anonymous-read", ("authentication.missing", READ, "")),
        ("patch-of-all", ("authorization.write-of-another", PATCH, "member")),
        ("nobody-is-alice", ("authentication.missing", PATCH, "")),
        ("refused-but-done", ("authorization.write-of-another", PATCH, "member")),
        ("delete-of-all", ("authorization.write-of-another", DELETE, "member")),
        ("delete-keeps", ("authorization.read-after-deletion", DELETE, "member")),
        ("lists-deleted", ("authorization.read-after-deletion", DELETE, "member")),
        ("code-of-all", ("authorization.list-shows-another", "GET /found", "member")),
        ("list-of-all", ("authorization.list-shows-another", "GET /notes", "member")),
        ("search-of-all", ("authorization.list-shows-another", "GET /notes", "member")),
        ("found-of-all", ("authorization.list-shows-another", "GET /found", "member")),
        ("summary-of-all", ("authorization.counts-another", "GET /summary", "member")),
        ("staff-for-all", ("authorization.function-of-another-role", "GET /staff/users", "member")),
    ],
)
def test_a_hole_is_found_and_seen_again_on_fresh_data(defect: str, finding: tuple[str, str, str]) -> None:
    matrix = examined(defect)
    assert finding in found(matrix)
    again = [f for item in matrix.examined for f in item.findings if (f.rule, f.operation, f.role) == finding]
    assert again[0].confidence is Confidence.HIGH
    assert again[0].steps
    assert all(value for value in (again[0].expected, again[0].observed, again[0].why, again[0].advice))


@pytest.mark.parametrize("habit", ["lists-marked", "lists-late"])
def test_a_list_may_hold_what_was_deleted_if_it_says_so_or_for_a_moment(habit: str) -> None:
    assert found(examined(habit)) == set()


def test_a_hole_in_one_operation_is_not_claimed_of_another() -> None:
    assert found(examined("patch-of-all")) == {("authorization.write-of-another", PATCH, "member")}
    assert found(examined("staff-for-all")) == {("authorization.function-of-another-role", "GET /staff/users", "member")}


def test_where_nobody_owns_anything_cells_stay_untried_with_the_reason() -> None:
    matrix = examined("empty", "no-creation")
    assert [cell.tried for cell in matrix.cells if cell.operation == READ] == [False, False]
    assert "shows no note" in matrix.gaps(READ)[0]
    assert found(matrix) == set()


def test_where_nobody_owns_anything_objects_are_made_through_the_api() -> None:
    matrix = examined("empty")
    assert matrix.gaps(READ) == []
    assert found(matrix) == set()
    assert ("authorization.read-of-another", READ, "member") in found(examined("empty", "read-of-all"))


def undescribed(*defects: str) -> Matrix:
    return AuthorizationRun(Servers(frozenset(defects), describes_objects=False), DOCUMENT, seed=1).run()


def test_objects_that_the_target_file_does_not_describe_are_found_in_the_document() -> None:
    matrix = undescribed()
    assert found(matrix) == set()
    assert {cell.whose for cell in matrix.cells if cell.operation == PATCH} == {Whose.OWN, Whose.ANOTHER, Whose.NOBODY}


@pytest.mark.parametrize(("defect", "operation"), [("read-of-all", READ), ("patch-of-all", PATCH), ("delete-of-all", DELETE)])
def test_a_hole_in_undescribed_objects_is_found_but_never_of_high_confidence(defect: str, operation: str) -> None:
    findings = [f for item in undescribed(defect).examined for f in item.findings]
    assert {(f.operation, f.confidence) for f in findings} == {(operation, Confidence.MEDIUM)}


def test_objects_that_everybody_is_shown_are_nobodys_own() -> None:
    assert found(undescribed("list-of-all", "read-of-all", "patch-of-all", "delete-of-all")) == set()


@pytest.mark.parametrize("dies_after", [1, 12, 40])
def test_a_target_that_dies_leaves_untried_cells_and_never_a_finding(dies_after: int) -> None:
    matrix = AuthorizationRun(Servers(dies_after=dies_after), DOCUMENT, seed=1).run()
    assert matrix.died
    assert found(matrix) == set()
    assert {cell.operation for cell in matrix.cells} == set(DOCUMENT.names)
    assert any(not cell.tried for cell in matrix.cells)


def test_a_target_that_cannot_be_made_anew_is_spared_what_destroys_credentials() -> None:
    servers = Servers(isolated=False)
    matrix = AuthorizationRun(servers, DOCUMENT, seed=1).run()
    assert "cannot be given fresh ones" in matrix.gaps("DELETE /sessions/current")[0]
    assert ("DELETE", "/sessions/current") not in [request for platform in servers.platforms for request in platform.requests]


@pytest.mark.parametrize("operation", [READ, PATCH])
def test_an_owner_who_does_what_is_kept_for_another_role_is_a_finding(operation: str) -> None:
    class KeptForStaff(Servers):
        @contextmanager
        def fresh(self, label: str) -> Iterator[LiveTarget]:
            with super().fresh(label) as live:
                hints = (*live.target.operations, OperationHint(operation, roles=("staff",)))
                yield dataclasses.replace(live, target=dataclasses.replace(live.target, operations=hints))

    matrix = AuthorizationRun(KeptForStaff(), DOCUMENT, seed=1).run()
    assert ("authorization.function-of-another-role", operation, "member") in found(matrix)


def test_who_alone_may_call_what_the_owner_may_not_is_not_judged_by_ownership() -> None:
    with Servers(staff_rank=1).fresh("named") as door, World(door) as world:
        operation, staff = DOCUMENT.operation(PATCH), Asker("staff", "one")
        hint = OperationHint(PATCH, roles=("staff",))
        world.target = dataclasses.replace(world.target, operations=(*world.target.operations, hint))
        scene = Scene(world, DOCUMENT, 1)
        stage = staged(scene, scene.references(operation)[0])
        assert may_reach(scene, operation, stage, staff).permitted is True
        assert scene.caller(operation) == staff
