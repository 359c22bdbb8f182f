"""Errors as they are told: status, members, headers, and nothing internal."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tpe.infra import problems
from tpe.infra.errors import FIELD_ERRORS_MAX, FIELD_NAME_LENGTH_MAX, http_problem, problem_response, validation_problem
from tpe.infra.problems import FieldError, Problem, ProblemError, UnauthenticatedError, UnavailableError


def kinds(base: type[ProblemError] = ProblemError) -> Iterator[type[ProblemError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def page(request: Request, problem: Problem) -> Response:
    return PlainTextResponse(f"{request.url.path}: {problem.title}", status_code=problem.status)


def request(path: str) -> Request:
    application = Starlette()
    application.state.problem_page = page
    server = ("127.0.0.1", 80)
    return Request(
        {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "server": server, "app": application}
    )


def error(kind: str, *location: str | int, message: str = "wrong") -> dict[str, object]:
    return {"type": kind, "loc": location, "msg": message}


@pytest.mark.parametrize("kind", sorted(kinds(), key=str), ids=str)
def test_every_kind_tells_itself_in_both_vocabularies(kind: type[ProblemError]) -> None:
    body = kind("What happened.").problem.body()
    assert body == {
        "type": f"urn:tpe:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": "What happened.",
        "success": False,
        "message": "What happened.",
    }


def test_every_status_has_one_kind_at_the_base() -> None:
    statuses = [kind.status for kind in ProblemError.__subclasses__() if kind.__module__ == problems.__name__]
    assert len(statuses) == len(set(statuses))


def test_an_error_without_a_text_has_its_kinds_own() -> None:
    assert str(UnavailableError()) == UnavailableError.default_message


def test_refused_values_are_listed_by_place_and_name() -> None:
    body = Problem(400, "x", "X", "m", (FieldError("query", "page", "too large"),)).body()
    assert body["errors"] == [{"in": "query", "field": "page", "message": "too large"}]


def test_headers_that_belong_to_a_status_come_with_it() -> None:
    assert UnauthenticatedError().headers["WWW-Authenticate"].startswith("Bearer")
    assert int(UnavailableError().headers["Retry-After"]) > 0


def test_the_api_is_answered_in_json_and_the_pages_with_a_page() -> None:
    for_api = problem_response(request("/api/x"), UnavailableError())
    assert (for_api.status_code, for_api.headers["content-type"]) == (503, "application/problem+json")
    assert json.loads(bytes(for_api.body))["status"] == 503
    for_people = problem_response(request("/partner"), UnavailableError())
    assert (for_people.status_code, bytes(for_people.body)) == (503, b"/partner: Temporarily unavailable")
    assert for_people.headers["retry-after"] == for_api.headers["retry-after"]


@pytest.mark.parametrize(
    ("status", "slug"), [(400, "bad-request"), (404, "not-found"), (405, "method-not-allowed"), (413, "payload-too-large")]
)
def test_the_frameworks_statuses_become_our_kinds(status: int, slug: str) -> None:
    found = http_problem(status, {"Allow": "GET"})
    assert (found.problem.status, found.problem.slug, found.headers) == (status, slug, {"Allow": "GET"})


def test_a_status_without_a_kind_keeps_its_number() -> None:
    assert http_problem(418).problem.status == 418
    assert ProblemError.status == 500


@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ([error("json_invalid", "body", 3)], 400),
        ([error("missing", "query", "page")], 400),
        ([error("int_parsing", "path", "lead_id")], 400),
        ([error("string_pattern_mismatch", "header", "If-Match")], 400),
        ([error("missing", "body", "email")], 422),
        ([error("missing", "body")], 422),
        ([error("missing", "body", "email"), error("missing", "query", "page")], 400),
    ],
)
def test_form_is_400_and_content_is_422(errors: list[dict[str, object]], status: int) -> None:
    assert validation_problem(errors).status == status


def test_names_and_texts_are_cut_cleaned_and_counted() -> None:
    many = [
        error("extra_forbidden", "body", "\ud800" + "n" * 500, 0, message="Value error, no") for _ in range(FIELD_ERRORS_MAX + 5)
    ]
    told = validation_problem(many).errors
    assert len(told) == FIELD_ERRORS_MAX
    assert told[0].field.startswith("?n")
    assert len(told[0].field) == FIELD_NAME_LENGTH_MAX
    assert told[0].message == "no"


def test_a_pattern_is_not_shown_to_the_caller() -> None:
    told = validation_problem([error("string_pattern_mismatch", "body", "email", message="should match '^x$'")])
    assert "^" not in told.errors[0].message
