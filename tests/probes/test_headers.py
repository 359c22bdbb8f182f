"""A header that must not be sent over plain HTTP is not asked for there."""

from __future__ import annotations

import pytest

from harness.model.finding import Request
from harness.probes.audits.headers import audit
from harness.probes.http.answers import Answer
from harness.probes.scene.scene import Asker
from harness.probes.tour import Visit, What

HSTS = ("Strict-Transport-Security", "max-age=31536000")
HTML = ("Content-Type", "text/html")
GOOD = ("Content-Security-Policy", "default-src * 'unsafe-inline'")


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


def pages(*paths: str) -> list[Visit]:
    return [Visit(What.PAGE, "", Asker(), Request("GET", path), Answer(200, (HTML, GOOD, HSTS), b"<p>")) for path in paths]


def test_pages_of_objects_that_lack_the_same_are_one_finding() -> None:
    strict = (HTML, HSTS, ("Content-Security-Policy", "default-src 'self'"))
    good = [Visit(What.PAGE, "", Asker(), Request("GET", f"/{name}"), Answer(200, strict, b"<p>")) for name in "abcdefgh"]
    found = list(audit([*good, *pages("/tools/saw", "/tools/lathe", "/tools/drill"), *pages("/help/a", "/help/b")]))
    policies = [(each.route, each.observed) for each in found if each.rule == "headers.csp"]
    assert [route for route, _ in policies] == ["/tools/{}", "/help/a", "/help/b"]
    assert policies[0][1].startswith("GET /tools/saw was answered 200")
    assert policies[0][1].endswith("so it is with /tools/lathe, /tools/drill.")
