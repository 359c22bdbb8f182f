"""What the matrix finds, and what it does not claim, on a platform that is not the reference one."""

from __future__ import annotations

import pytest

from harness.model.evidence import Whose
from harness.model.finding import Confidence
from harness.probes.authorization import AuthorizationRun, Matrix
from tests.probes.notes_server import DOCUMENT, Servers

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
        ("refused-but-done", ("authorization.write-of-another", PATCH, "member")),
        ("delete-of-all", ("authorization.write-of-another", DELETE, "member")),
        ("list-of-all", ("authorization.list-shows-another", "GET /notes", "member")),
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


def test_a_hole_in_one_operation_is_not_claimed_of_another() -> None:
    assert found(examined("patch-of-all")) == {("authorization.write-of-another", PATCH, "member")}
    assert found(examined("staff-for-all")) == {("authorization.function-of-another-role", "GET /staff/users", "member")}


def test_where_nobody_owns_anything_cells_stay_untried_with_the_reason() -> None:
    matrix = examined("empty")
    assert [cell.tried for cell in matrix.cells if cell.operation == READ] == [False, False]
    assert "shows no note" in matrix.gaps(READ)[0]
    assert found(matrix) == set()


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
