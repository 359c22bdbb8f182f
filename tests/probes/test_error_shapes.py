"""Refusals of one shape are quiet, those of another one are told of; what a server in front says counts for nothing."""

from __future__ import annotations

import json

import pytest

from harness.probes.audits.error_shapes import ErrorShapes
from harness.probes.http.answers import Answer

JSON, HTML = (("content-type", "application/json"),), (("content-type", "text/html; charset=utf-8"),)


def said(*answers: tuple[str, Answer]) -> str:
    shapes = ErrorShapes()
    for operation, answer in answers:
        shapes.look(operation, "an unfinished body", answer)
    return shapes.observation


def refusal(status: int = 400, **members: str) -> Answer:
    return Answer(status, JSON, json.dumps(members).encode())


def page(status: int = 400) -> Answer:
    return Answer(status, HTML, b"<h1>Bad request</h1>")


USUAL = (("GET /z", refusal(error="no")), ("GET /a", refusal(404, error="none", code="x")), ("POST /b", refusal(error="bad")))


def test_refusals_of_one_shape_are_not_spoken_of() -> None:
    assert said() == ""
    assert said(*USUAL, ("POST /c", refusal(error="bad", details="more"))) == ""


@pytest.mark.parametrize(
    ("stray", "words"),
    [(page(), "a page"), (refusal(422, detail="x"), "an object of detail"), (Answer(400, (), b"no"), "plain text")],
    ids=["page", "object", "text"],
)
def test_a_refusal_of_another_shape_is_told_with_where_it_came(stray: Answer, words: str) -> None:
    text = said(*USUAL, ("POST /c", stray), ("POST /d", stray))
    assert f"POST /c, sent an unfinished body, answered {stray.status} with {words}; so it is with POST /d" in text
    assert "most are an object of code, error" in text or "most are an object of error" in text


@pytest.mark.parametrize("answer", [page(413), page(431), page(200), page(500), Answer(400, HTML, b" ")])
def test_what_is_no_refusal_of_the_platforms_own_counts_for_nothing(answer: Answer) -> None:
    assert said(*USUAL, ("POST /c", answer)) == ""
