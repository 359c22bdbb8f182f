"""A header that must not be sent over plain HTTP is not asked for there."""

from __future__ import annotations

import pytest

from harness.model.finding import Request
from harness.probes.answers import Answer
from harness.probes.headers import audit
from harness.probes.scene import Asker
from harness.probes.tour import Visit, What

HSTS = ("Strict-Transport-Security", "max-age=31536000")


def visits(*headers: tuple[tuple[str, str], ...]) -> list[Visit]:
    requests = [Request("GET", f"/{number}") for number in range(len(headers))]
    return [
        Visit(What.SUCCESS, f"GET {request.path}", Asker(), request, Answer(200, given, b"{}"))
        for request, given in zip(requests, headers, strict=True)
    ]


@pytest.mark.parametrize(
    ("given", "tls", "asked"),
    [(((), ()), False, False), (((), ()), True, True), (((HSTS,), ()), False, True), (((HSTS,), (HSTS,)), True, False)],
)
def test_it_is_asked_for_over_tls_or_where_some_answer_has_it(
    given: tuple[tuple[tuple[str, str], ...], ...], *, tls: bool, asked: bool
) -> None:
    rules = {finding.rule for finding in audit(visits(*given), tls=tls)}
    assert ("headers.hsts" in rules) is asked
