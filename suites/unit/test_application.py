"""The whole application without its database: it answers, refuses and says 503, each answer with every header."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from suites.unit.conftest import ADMIN_ORIGIN, PORTAL_ORIGIN, Ask
from tpe.app import BODY_BYTES_MAX
from tpe.auth.identity import Identity, Role
from tpe.auth.tokens import Tokens
from tpe.infra.headers import API_CSP, PAGE_CSP, SECURITY_HEADERS

LEADS = "/api/partner-portal/leads"
LOG_IN = "/api/partner-auth/login"


@pytest.fixture(scope="session")
def bearer(signing_key: str) -> dict[str, str]:
    """A rightly signed token; whether its account lives only the database could say."""
    token = Tokens(signing_key, timedelta(hours=1)).make(Identity(Role.PARTNER, 1, "partner.one@example.test", "Some Supply", 1))
    return {"Authorization": f"Bearer {token}"}


def test_the_process_lives_without_its_database(ask: Ask) -> None:
    answer = ask("GET", "/api/health/live")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "status": "live"})


@pytest.mark.parametrize("path", ["/api/health/ready", LEADS])
def test_what_needs_the_database_is_told_to_wait(ask: Ask, bearer: dict[str, str], path: str) -> None:
    answer = ask("GET", path, headers=bearer)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["type"] == "urn:tpe:problem:unavailable"


HEADER_NAMES = {
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "content-security-policy",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/health/live", 200),
        ("GET", "/api/openapi.json", 200),
        ("GET", LEADS, 401),
        ("GET", "/api/nothing", 404),
        ("GET", "/nothing", 404),
        ("DELETE", LEADS, 405),
        ("GET", "/", 303),
        ("POST", LOG_IN, 422),
    ],
)
def test_every_answer_carries_every_security_header(ask: Ask, method: str, path: str, status: int) -> None:
    answer = ask(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert set(answer.headers) >= HEADER_NAMES
    assert answer.headers["content-security-policy"] == (API_CSP if path.startswith("/api/") else PAGE_CSP)
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers


def test_an_unforeseen_fault_is_told_without_details_and_with_the_headers(app: FastAPI, ask: Ask) -> None:
    async def broken() -> None:
        raise RuntimeError("an internal text")

    app.add_api_route("/api/broken", broken, include_in_schema=False)
    try:
        answer = ask("GET", "/api/broken")
    finally:
        app.router.routes.pop()
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "internal text" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_policies_admit_no_inline_code() -> None:
    assert "unsafe" not in API_CSP + PAGE_CSP
    assert "frame-ancestors 'none'" in API_CSP
    assert "frame-ancestors 'none'" in PAGE_CSP


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer " + "a" * 5000},
    ],
    ids=["none", "empty", "no token", "basic", "long"],
)
@pytest.mark.parametrize(
    "path", [LEADS, "/api/partner-auth/profile", "/api/contractor-auth/profile", "/api/auth/me", "/api/admin/dashboard"]
)
def test_without_a_valid_token_nothing_is_given(ask: Ask, path: str, headers: dict[str, str]) -> None:
    answer = ask("GET", path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", LEADS, "GET"),
        ("HEAD", LEADS, "GET"),
        ("PATCH", LEADS + "/7/status", "PUT"),
        ("GET", LOG_IN, "POST"),
        ("OPTIONS", LEADS + "/stats", "GET"),
        ("GET", LEADS + "/export", "POST"),
        ("GET", LEADS + "/bulk/status", "PUT"),
        ("PUT", "/api/contractors/verify-start", "POST"),
        ("GET", "/api/contractors/verify-code", "POST"),
        ("DELETE", "/api/contractors/7", "GET, PUT"),
    ],
)
def test_another_method_is_refused_with_those_allowed(ask: Ask, method: str, path: str, allowed: str) -> None:
    answer = ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_a_page_names_both_its_methods(ask: Ask) -> None:
    assert ask("DELETE", "/partner/login").headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"9" * 5_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": b"{}"}, 415),
        ({"content": b""}, 422),
        ({"json": []}, 422),
        ({"json": {"email": "a@b", "password": 1}}, 422),
        ({"json": {"email": "a@b", "password": "x", "role": "admin"}}, 422),
        ({"json": {"email": "a@b\x00", "password": "x"}}, 422),
        ({"json": {"email": "a b@c", "password": "x"}}, 422),
        ({"json": {"email": "a@b", "password": "x" * 129}}, 422),
        ({"content": b'{"\\ud800": 1}', "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b'{"email": NaN}', "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b" " * (BODY_BYTES_MAX + 1), "headers": {"Content-Type": "application/json"}}, 413),
    ],
)
def test_a_body_that_is_not_one_is_refused_by_what_is_wrong(ask: Ask, parts: dict[str, Any], status: int) -> None:
    answer = ask("POST", LOG_IN, **parts)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_body_of_unannounced_size_is_cut_at_the_same_limit(ask: Ask) -> None:
    async def endless() -> Any:
        for _ in range(BODY_BYTES_MAX // 65_536 + 2):
            yield b" " * 65_536

    answer = ask("POST", LOG_IN, content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_a_refused_value_is_never_echoed(ask: Ask) -> None:
    canary = secrets.token_hex(8)
    answer = ask("POST", LOG_IN, json={"email": canary, "password": canary + "\x00"})
    assert answer.status_code == 422
    assert canary not in answer.text


@pytest.mark.parametrize("origin", [PORTAL_ORIGIN, ADMIN_ORIGIN])
def test_a_configured_origin_may_call_with_credentials(ask: Ask, origin: str) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,if-match",
    }
    flight, call = ask("OPTIONS", LEADS, headers=headers), ask("GET", "/api/health/live", headers={"Origin": origin})
    assert flight.status_code == 200
    for answer in (flight, call):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]
    assert "ETag" in call.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.test", "null", PORTAL_ORIGIN + ".evil.test", "https://evil" + PORTAL_ORIGIN.removeprefix("https://"),
     PORTAL_ORIGIN + ":8443", PORTAL_ORIGIN.replace("https", "http"), PORTAL_ORIGIN.upper(), ""],
)  # fmt: skip
def test_any_other_origin_learns_nothing(ask: Ask, origin: str) -> None:
    flight = ask("OPTIONS", LEADS, headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
    call = ask("GET", "/api/health/live", headers={"Origin": origin})
    assert (flight.status_code, call.status_code) == (400, 200)
    for answer in (flight, call):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "Origin" in answer.headers["vary"]


def test_a_method_or_header_that_is_not_ours_is_refused_across_origins(ask: Ask) -> None:
    wrong_method = {"Origin": PORTAL_ORIGIN, "Access-Control-Request-Method": "DELETE"}
    wrong_header = {
        "Origin": PORTAL_ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-anything",
    }
    assert [ask("OPTIONS", LEADS, headers=headers).status_code for headers in (wrong_method, wrong_header)] == [400, 400]
