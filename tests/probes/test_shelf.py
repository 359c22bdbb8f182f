"""What the probes make of a platform behind a path of its own, with versions in headers, nested objects and a cookie."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from harness.model.target import OperationHint, Role
from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.abuse.undeclared import bounded, enumerated, highest_role
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.audits.exposure import examine_exposure
from harness.probes.audits.open_doors import examine_left_open
from harness.probes.audits.robustness import RobustnessRun
from harness.probes.deliberate import deliberate_statuses
from harness.probes.http.drafts import encoded
from harness.probes.http.exchange import World
from harness.probes.injection.redirects import examine_redirects
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation, Requirement
from harness.probes.scene.destruction import destructive
from harness.probes.scene.passwords import asks_new, asks_present
from harness.probes.scene.scene import Scene
from harness.probes.sessions.endings import Ended, examine_log_out, examine_password_change
from harness.probes.sessions.password_checks import examine_log_in, examine_present_password
from harness.probes.tour import take_tour
from tests.probes.servers.shelf_server import DOCUMENT, Shelves, served

PUT, DELETE_REVIEW, PASSWORD = "PUT /books/{bookId}", "DELETE /reviews/{reviewId}", "POST /me/password"


def matrix_of(*defects: str) -> Matrix:
    return AuthorizationRun(Shelves(defects), DOCUMENT, seed=1).run()


@pytest.fixture(scope="module")
def clean() -> Matrix:
    return matrix_of()


@pytest.mark.parametrize("operation", [PUT, DELETE_REVIEW, PASSWORD])
def test_versions_nested_objects_and_short_names_are_no_gap(clean: Matrix, operation: str) -> None:
    assert clean.gaps(operation) == []
    assert [finding for item in clean.examined for finding in item.findings] == []


def test_a_write_for_keepers_that_readers_can_do_is_found_although_it_asks_for_a_version() -> None:
    found = [finding for item in matrix_of("anybody-writes").of(PUT) for finding in item.findings]
    assert [(finding.rule, finding.role) for finding in found] == [("authorization.function-of-another-role", "reader")]


def test_a_change_of_password_that_looks_one_up_for_nobody_is_found() -> None:
    found = [finding for item in matrix_of("password-of-anybody").examined for finding in item.findings]
    assert [(finding.rule, finding.operation, finding.role) for finding in found] == [("authentication.missing", PASSWORD, "")]


@pytest.mark.parametrize(("defects", "wrong"), [((), False), (("log-out-keeps",), True)])
def test_deleting_ones_session_is_a_log_out(defects: tuple[str, ...], wrong: bool) -> None:
    with served(*defects) as live, World(live) as world:
        scene = Scene(world, DOCUMENT, 1)
        ended = examine_log_out(scene, scene.roles[0])
    assert ended.tried
    assert (ended.finding is not None) is wrong


@pytest.mark.parametrize(
    ("examine", "defect", "rule"),
    [
        (examine_log_in, "any-password", "sessions.any-password"),
        (examine_present_password, "any-old-password", "sessions.present-password-not-asked"),
    ],
)
def test_a_password_that_is_not_looked_at_is_noticed(examine: Callable[[Scene, Role], Ended], defect: str, rule: str) -> None:
    for defects, rules in (((), []), ((defect,), [rule])):
        with served(*defects) as live, World(live) as world:
            scene = Scene(world, DOCUMENT, 1)
            ended = examine(scene, scene.roles[0])
        assert ended.tried, ended.note
        assert [finding.rule for finding in (ended.finding,) if finding is not None] == rules


@pytest.mark.parametrize(("defects", "wrong"), [((), False), (("password-keeps",), True)])
def test_a_change_of_password_is_known_by_old_and_new(defects: tuple[str, ...], wrong: bool) -> None:
    with served(*defects) as live, World(live) as world:
        scene = Scene(world, DOCUMENT, 1)
        ended = examine_password_change(scene, scene.roles[0])
    assert ended.tried
    assert (ended.finding is not None) is wrong


@pytest.mark.parametrize(("defects", "parameters"), [((), []), (("takes-role",), ["role"])])
def test_another_role_of_the_documents_own_is_sent(defects: tuple[str, ...], parameters: list[str]) -> None:
    with served(*defects) as live, World(live) as world:
        report = examine_mass_assignment(Scene(world, DOCUMENT, 1))
    assert report.tried
    assert [finding.parameter for finding in report.findings] == parameters


@pytest.mark.parametrize(("defects", "found"), [((), []), (("any-redirect",), ["wither"])])
def test_a_parameter_of_an_operation_that_redirects_is_tried_whatever_its_name(
    defects: tuple[str, ...], found: list[str]
) -> None:
    with served(*defects) as live, World(live) as world:
        report = examine_redirects(Scene(world, DOCUMENT, 1))
    assert report.tried
    assert [finding.parameter for finding in report.findings] == found


@pytest.mark.parametrize(("defects", "found"), [((), []), (("debug",), ["/v1/debug/env", "/v1/debug"])])
def test_what_was_left_open_is_looked_for_below_the_documents_own_path_too(defects: tuple[str, ...], found: list[str]) -> None:
    with served(*defects) as live, World(live) as world:
        report = examine_left_open(Scene(world, DOCUMENT, 1))
    assert [finding.route for finding in report.findings] == found


@pytest.mark.parametrize(("defects", "found"), [((), set()), (("shows-hash",), {("GET /me", "hash"), ("PATCH /me", "hash")})])
def test_a_hash_beside_a_log_in_name_is_that_of_a_password(defects: tuple[str, ...], found: set[tuple[str, str]]) -> None:
    tour = take_tour(Shelves(defects), DOCUMENT, 1)
    with served() as live:
        report = examine_exposure(live.target, tour)
    assert {(finding.operation, finding.parameter) for finding in report.findings} == found


def test_a_log_in_by_form_succeeds_with_the_users_own_words() -> None:
    tour = take_tour(Shelves(), DOCUMENT, 1)
    assert "POST /session" in tour.reached


def test_hostile_input_reaches_forms_too() -> None:
    run = RobustnessRun(Shelves(), DOCUMENT, 1).run()
    tried = run.of("POST /session")
    assert tried is not None
    assert (tried.sent > 30, tried.note, tried.findings) == (True, "", [])
    assert encoded({"a": "\ud800"}, "application/x-www-form-urlencoded")[0] == "a=%ED%A0%80"


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("/me/password", "old", "present"),
        ("/me/password", "new", "new"),
        ("/me", "current_password", "present"),
        ("/me", "newSecret", "new"),
        ("/things", "old", ""),
        ("/users", "password", ""),
        ("/me/email-change", "password", "present"),
        ("/change-password", "password", "new"),
        ("/change-password", "passwordConfirmation", "new"),
    ],
)
def test_the_members_of_a_change_of_password_are_told_apart(path: str, name: str, kind: str) -> None:
    operation = Operation("POST", path, security=(Requirement({"token": ()}),))
    said = "present" if asks_present(operation, name) else "new" if asks_new(operation, name) else ""
    assert said == kind


@pytest.mark.parametrize(
    ("method", "path", "said", "apart"),
    [
        ("DELETE", "/session", None, True),
        ("POST", "/auth/logout", None, True),
        ("DELETE", "/me", None, True),
        ("POST", "/accounts/deactivate", None, True),
        ("GET", "/createdb", None, True),
        ("POST", "/reset-data", None, True),
        ("DELETE", "/notes/{id}", None, False),
        ("POST", "/notes", None, False),
        ("GET", "/session", None, False),
        ("DELETE", "/session", False, False),
        ("POST", "/notes", True, True),
    ],
)
def test_what_destroys_runs_apart_and_the_target_file_has_the_last_word(
    method: str, path: str, said: bool | None, apart: bool
) -> None:
    parameters = [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}] if "{" in path else []
    operation = {"security": [{"sid": []}], "parameters": parameters, "responses": {"200": {"description": "done"}}}
    document = Document.of({"openapi": "3.1.0", "paths": {path: {method.lower(): operation}}})
    with served() as live:
        target = dataclasses.replace(live.target, operations=(OperationHint(f"{method} {path}", destructive=said),))
    assert destructive(document, target) == ({f"{method} {path}"} if apart else set())


def test_the_values_of_an_enumeration_are_found_wherever_the_document_lists_them() -> None:
    assert enumerated(DOCUMENT.data, "role") == ("reader", "keeper")
    assert enumerated(DOCUMENT.data, "nothing") == ()


@pytest.mark.parametrize(
    ("choices", "highest"),
    [(("CUSTOMER", "MANAGER", "PARTNER"), "MANAGER"), (("customer", "clerk"), "clerk"), (("gold", "silver"), None), ((), None)],
)
def test_of_roles_the_highest_one_is_wanted_however_the_document_writes_it(choices: tuple[str, ...], highest: str | None) -> None:
    assert highest_role(choices, ["manager", "clerk", "customer"]) == highest


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [("score", 55, 97), ("score", 97, 98), ("score", None, 97), ("price", 55, None), ("grade", 1, None)],
)
def test_a_number_that_the_document_bounds_is_sent_within_its_bounds(name: str, value: int | None, sent: int | None) -> None:
    score = {"type": "integer", "minimum": 0, "maximum": 100}
    grade = {"type": "integer", "minimum": 1, "maximum": 3}  # every other one may come by itself
    shown = {"properties": {"score": score, "price": {"type": "number"}, "grade": grade}}
    assert bounded({"components": {"schemas": {"Item": shown}}}, name, value) == sent


def test_a_good_request_without_its_version_is_sent_where_the_document_speaks_of_it() -> None:
    with served() as door, World(door) as world:
        assert deliberate_statuses(Scene(world, DOCUMENT, 1)) == {PUT: frozenset({"428"})}
