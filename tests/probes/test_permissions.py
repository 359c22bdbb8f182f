"""How the harness knows that a role may not call an operation of a platform that it has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.model.target import Allow, Environment, Login, OperationHint, Role, Target
from harness.probes.openapi.document import Document
from harness.probes.scene.permissions import Basis, Permissions, by_role, satisfied_schemes

BEARER = {"type": "http", "scheme": "bearer"}


def role(name: str, rank: int = 0, *, security: tuple[str, ...] = (), login: Login | None = None) -> Role:
    return Role(name, login or Login("json", "/login", token="$.token"), (), rank=rank, security=security)


def target(*roles: Role, hints: tuple[OperationHint, ...] = ()) -> Target:
    return Target("t", "T", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(), roles, operations=hints)


def document(operations: dict[str, dict[str, Any]], schemes: dict[str, Any]) -> Document:
    return Document.of({"openapi": "3.0.3", "paths": operations, "components": {"securitySchemes": schemes}})


PARTNER, ADMIN = role("partner", 1), role("admin", 2)
PER_ROLE = document(
    {
        "/leads": {"get": {"security": [{"partnerBearer": []}]}},
        "/users": {"get": {"security": [{"adminBearer": []}]}},
        "/both": {"get": {"security": [{"adminBearer": []}, {"partnerBearer": []}]}},
        "/open": {"get": {}},
    },
    {"partnerBearer": BEARER, "adminBearer": BEARER},
)
ONE_SCHEME = document(
    {
        "/leads": {"get": {"security": [{"bearer": []}]}},
        "/admin/users": {"get": {"security": [{"bearer": []}]}},
        "/users/{id}": {"delete": {"summary": "Deletes a user (only admins)", "security": [{"bearer": []}]}},
        "/scoped": {"get": {"security": [{"bearer": ["admin:read"]}]}},
        "/named": {"get": {"security": [{"bearer": []}], "x-roles": ["ROLE_PARTNER"]}},
        "/open/admin/login": {"post": {"security": []}},
    },
    {"bearer": BEARER},
)


@pytest.mark.parametrize(
    ("name", "partner", "admin", "nobody"),
    [
        ("GET /leads", True, False, False),
        ("GET /users", False, True, False),
        ("GET /both", True, True, False),
        ("GET /open", True, True, True),
    ],
)
def test_schemes_that_bear_a_roles_name_tell_roles_apart(name: str, partner: bool, admin: bool, nobody: bool) -> None:
    permissions = Permissions(PER_ROLE, target(PARTNER, ADMIN))
    operation = PER_ROLE.operation(name)
    assert [permissions.of(operation, who).permitted for who in (PARTNER, ADMIN, None)] == [partner, admin, nobody]


@pytest.mark.parametrize(
    ("name", "permitted", "basis"),
    [
        ("GET /leads", None, Basis.OBSERVED),
        ("GET /admin/users", False, Basis.WORDS),
        ("DELETE /users/{id}", False, Basis.WORDS),
        ("GET /scoped", False, Basis.SECURITY),
        ("GET /named", True, Basis.EXTENSION),
        ("POST /open/admin/login", True, Basis.PUBLIC),
    ],
)
def test_one_scheme_for_all_leaves_extensions_scopes_words_and_observation(
    name: str, permitted: bool | None, basis: Basis
) -> None:
    found = Permissions(ONE_SCHEME, target(PARTNER, ADMIN)).of(ONE_SCHEME.operation(name), PARTNER)
    assert (found.permitted, found.basis) == (permitted, basis)
    assert found.is_certain is (basis not in (Basis.WORDS, Basis.OBSERVED))


def test_words_never_speak_against_the_privileged_role() -> None:
    found = Permissions(ONE_SCHEME, target(PARTNER, ADMIN)).of(ONE_SCHEME.operation("GET /admin/users"), ADMIN)
    assert found.permitted is None


def test_the_target_files_hint_outranks_the_document() -> None:
    hints = (OperationHint("GET /users", roles=("partner",)), OperationHint("GET /leads", roles=()))
    permissions = Permissions(PER_ROLE, target(PARTNER, ADMIN, hints=hints))
    users, leads = PER_ROLE.operation("GET /users"), PER_ROLE.operation("GET /leads")
    assert [permissions.of(users, who).permitted for who in (PARTNER, ADMIN, None)] == [True, False, False]
    assert permissions.of(leads, None).permitted is True


@pytest.mark.parametrize(
    ("judged", "schemes", "satisfied"),
    [
        (role("partner", security=("special",)), {"special": BEARER, "bearer": BEARER}, {"special"}),
        (role("partner", login=Login("none")), {"bearer": BEARER}, set()),
        (PARTNER, {"bearer": BEARER, "basic": {"type": "http", "scheme": "basic"}}, {"bearer"}),
        (PARTNER, {"adminBearer": BEARER, "bearer": BEARER}, {"bearer"}),
        (ADMIN, {"partnerBearer": BEARER}, {"partnerBearer"}),
        (ADMIN, {"partnerBearer": BEARER, "adminToken": BEARER}, {"adminToken"}),
        (
            role("a", login=Login("form", cookie="sid")),
            {"c": {"type": "apiKey", "in": "cookie", "name": "sid"}, "bearer": BEARER},
            {"c"},
        ),
        (
            role("a", login=Login("json", cookie="sid", send={"X-CSRF": "{cookie:csrf}"})),
            {"c": {"type": "apiKey", "in": "cookie", "name": "sid"}, "f": {"type": "apiKey", "in": "header", "name": "X-Csrf"}},
            {"c", "f"},
        ),
        (role("a", login=Login("api_key", header="X-Key")), {"k": {"type": "apiKey", "in": "header", "name": "x-key"}}, {"k"}),
    ],
)
def test_the_schemes_of_a_role_are_said_or_inferred(judged: Role, schemes: dict[str, Any], satisfied: set[str]) -> None:
    roles = {"partner": PARTNER, "admin": ADMIN, judged.name: judged}
    assert satisfied_schemes(judged, document({}, schemes), target(*roles.values())) == satisfied


def test_operations_by_role_leave_out_what_is_forbidden_for_certain() -> None:
    found = by_role(PER_ROLE, target(PARTNER, ADMIN))
    assert found["partner"] == ("GET /leads", "GET /both", "GET /open")
    assert found["admin"] == ("GET /users", "GET /both", "GET /open")


CUSTOMER, DISPATCHER, MACHINE = (
    role("customer", 1),
    role("dispatcher", 2),
    role("machine", login=Login("api_key", header="X-Key")),
)
PEOPLE_AND_MACHINES = {"bearer": BEARER, "key": {"type": "apiKey", "in": "header", "name": "X-Key"}}


def described(text: str) -> Permissions:
    paths = {"/x": {"get": {"security": [{"bearer": []}], "description": text}}, "/y": {"get": {"security": [{"key": []}]}}}
    return Permissions(document(paths, PEOPLE_AND_MACHINES), target(CUSTOMER, DISPATCHER, role("admin", 3), MACHINE))


def permitted(permissions: Permissions, *roles: Role) -> list[bool | None]:
    (operation,) = (op for op in permissions._document.operations if op.path == "/x")
    return [permissions.of(operation, each).permitted for each in roles]


def test_schemes_do_not_tell_roles_apart_that_satisfy_the_same_ones() -> None:
    assert permitted(described("Lists them."), CUSTOMER, DISPATCHER, MACHINE) == [None, None, False]


@pytest.mark.parametrize(
    "text",
    [
        "For dispatchers only.",
        "Lists them. For dispatchers and admins only.",
        "Dispatchers only",
        "Only dispatchers may call it.",
        "Available only to dispatchers.",
        "Restricted to dispatchers.",
        "Requires the role dispatcher.",
        "Requires the dispatcher role.",
        "The caller must be a dispatcher or an admin.",
        "Lists them (dispatchers only).",
        "Lists them. Roles: dispatcher, admin.",
        "Allowed roles: admin, dispatcher",
        "Access: dispatchers.",
        "Dispatchers and platform admins only.",
        "Lists them. Dispatchers and admins.",
        "Only dispatchers and admins set the state. Dispatchers, platform admins.",
    ],
)
def test_words_keep_an_operation_for_a_role_of_the_target_file(text: str) -> None:
    assert permitted(described(text), CUSTOMER, DISPATCHER) == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        "Customers see only what dispatchers assigned to them.",
        "Dispatchers only see open ones.",
        "Shows only dispatchers of the own company.",
        "Only the dispatcher's name is shown.",
        "Requires dispatchers to have confirmed it.",
        "Lists their roles: dispatcher of a depot, driver of a truck.",
        "Lists users with their roles: dispatcher, admin.",
        "Active dispatchers only.",
        "Dispatchers.",
        "Dispatchers and trucks.",
        "",
    ],
)
def test_words_about_what_is_shown_keep_nobody_away(text: str) -> None:
    assert permitted(described(text), CUSTOMER, DISPATCHER) == [None, None]


@pytest.mark.parametrize(
    ("text", "customer"),
    [
        ("Deletes a customer (only admins).", False),
        ("Only admins may delete customers and orders.", False),
        ("Only admins and customers set the state of an order.", None),
        ("For admins, dispatchers, and customers only.", True),
    ],
)
def test_who_is_only_the_object_of_a_sentence_is_kept_away(text: str, customer: bool | None) -> None:
    assert permitted(described(text), CUSTOMER) == [customer]
