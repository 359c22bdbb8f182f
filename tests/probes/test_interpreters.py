"""A value that a template engine, a shell or a browser takes for more than a value, and one that nothing does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.finding import Confidence
from harness.probes.checks import Report
from harness.probes.http.exchange import World
from harness.probes.injection.injection import examine_injection
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from harness.probes.symptoms import shows
from tests.probes.servers.board_server import DOCUMENT, board
from tests.probes.servers.small_http import Asked, Given, served
from tests.probes.servers.stock_server import TARGET as STOCK


def examined(*defects: str) -> Report:
    with board(*defects) as live, World(live) as world:
        return examine_injection(Scene(world, DOCUMENT, 1))


def found(report: Report) -> set[tuple[str, str, str]]:
    return {(finding.rule, finding.operation, finding.parameter) for finding in report.findings}


@pytest.mark.parametrize(
    ("defect", "rule", "operation", "name"),
    [
        ("template", "injection.template", "GET /posts", "q"),
        ("template-go", "injection.template", "GET /posts", "q"),
        ("template-page", "injection.template", "POST /posts", "title"),
        ("reflects", "injection.markup", "GET /found", "q"),
        ("page-fails", "robustness.server-error", "GET /board", ""),
        ("raw-search", "injection.markup", "GET /board/found", "q"),
        ("raw-page", "injection.markup", "POST /posts", "title"),
        ("bare", "injection.command", "GET /posts", "q"),
        ("single", "injection.command", "GET /posts", "q"),
        ("double", "injection.command", "GET /posts", "q"),
    ],
)
def test_what_is_interpreted_is_found_where_it_was_sent(defect: str, rule: str, operation: str, name: str) -> None:
    report = examined(defect)
    assert found(report) == {(rule, operation, name)}
    assert report.findings[0].confidence is (Confidence.MEDIUM if defect == "page-fails" else Confidence.HIGH)


def test_an_expression_that_is_not_closed_fails_where_a_template_engine_reads_it() -> None:
    report = examined("template-fails")
    assert found(report) == {("injection.template", "GET /posts", "q")}
    assert report.findings[0].confidence is Confidence.MEDIUM


def test_a_board_that_takes_values_for_values_gives_no_finding() -> None:
    report = examined()
    assert report.findings == []
    assert report.tried == 3  # q twice, and title


@pytest.mark.parametrize("defect", ["template", "template-go", "template-fails", "reflects", "bare"])
def test_the_request_of_a_finding_shows_it_again(defect: str) -> None:
    (finding,) = examined(defect).findings
    for defects, again in (((defect,), True), ((), False)):
        with board(*defects) as live, World(live) as world:
            assert shows(finding.symptom, world.send(finding.steps[-1])) is again


class Tools:
    """Forty tools, each with a page that shows what was said of it as it stands; a page lists them all."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def answer(self, asked: Asked) -> Given:
        page = {"Content-Type": "text/html"}
        if asked.path == "/login":
            return Given(200, {"token": "t" * 20}) if asked.method == "POST" else Given(404)
        if asked.path == "/enter":
            form = '<form method="post"><input name="user"><input type="password" name="password"></form>'
            return Given(303, headers={"Location": "/tools"}) if asked.method == "POST" else Given(200, form, page)
        if asked.path == "/tools":
            return Given(200, "".join(f'<a href="/tools/t{number}">x</a>' for number in range(40)), page)
        if asked.path == "/api/tools":
            return Given(200, {"items": [{"slug": "t39"}]})
        if asked.method == "POST" and asked.path == "/api/tools/t39/notes" and isinstance(asked.body, dict):
            self.said.append(str(asked.body.get("text")))
            return Given(201, {"id": len(self.said)})
        return Given(200, "".join(self.said) if asked.path == "/tools/t39" else "nothing", page)


def test_what_was_stored_with_an_object_whose_page_a_long_list_hides_is_looked_for_there() -> None:
    ok, secured = {"200": {"description": "done"}}, [{"token": []}]
    body = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    paths = {
        "/api/tools": {"get": {"responses": ok, "security": secured}},
        "/api/tools/{slug}/notes": {
            "parameters": [{"name": "slug", "in": "path", "required": True, "schema": {"type": "string"}}],
            "post": {"responses": ok, "security": secured, "requestBody": {"content": {"application/json": {"schema": body}}}},
        },
    }
    schemes = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    whole = Document.of({"openapi": "3.0.3", "info": {"title": "Tools", "version": "1"}, "paths": paths, "components": schemes})
    roles = tuple(replace(role, page_login="/enter") for role in STOCK.roles)
    with served(replace(STOCK, roles=roles), Tools().answer) as live, World(live) as world:
        report = examine_injection(Scene(world, whole, 1))
    assert found(report) == {("injection.markup", "POST /api/tools/{slug}/notes", "text")}


def test_that_pages_could_not_be_opened_is_told() -> None:
    roles = tuple(replace(role, page_login="/nowhere") for role in STOCK.roles)
    with served(replace(STOCK, roles=roles), Tools().answer) as live, World(live) as world:
        report = examine_injection(Scene(world, DOCUMENT, 1))
    assert [note.text for note in report.observations if note.rule == "injection.pages-not-opened"] == [
        "owner one could not log in at /nowhere: what is stored was not looked for there"
    ]
