"""Bodies in XML, and entities in them that bring something from outside."""

from __future__ import annotations

import pytest

from harness.probes.audits.robustness import RobustnessRun
from harness.probes.examinations import examination_of
from harness.probes.http.drafts import encoded
from harness.probes.http.exchange import World
from harness.probes.http.xml_bodies import root_of
from harness.probes.injection.entities import examine_entities
from harness.probes.openapi.schemas import Schemas
from harness.probes.scene.scene import Scene
from tests.probes.servers.import_server import DOCUMENT, Shops, shop

WARES, NOTES = "POST /wares", "POST /notes"


def found(*traits: str) -> set[str]:
    with shop(*traits) as (live, _), World(live) as world:
        report = examine_entities(Scene(world, DOCUMENT, 1))
    assert report.tried == 2
    assert {finding.rule for finding in report.findings} <= {"abuse.xml-external-entity"}
    return {finding.operation for finding in report.findings}


@pytest.mark.parametrize("traits", [(), ("echoes",), ("reads-both", "echoes")])
def test_a_reader_that_leaves_entities_alone_gives_no_finding(traits: tuple[str, ...]) -> None:
    assert found(*traits) == set()


@pytest.mark.parametrize(
    ("traits", "operations"),
    [
        (("resolves",), {WARES}),
        (("files", "echoes"), {WARES}),
        (("files",), set()),  # read, and never shown: nothing tells
        (("resolves", "reads-both"), {WARES, NOTES}),
        (("files", "echoes", "reads-both"), {WARES, NOTES}),
    ],
)
def test_entities_from_outside_are_found_where_xml_is_read(traits: tuple[str, ...], operations: set[str]) -> None:
    assert found(*traits) == operations


def test_it_is_found_again_until_it_is_mended() -> None:
    with shop("resolves") as (live, _), World(live) as world:
        (finding,) = examine_entities(Scene(world, DOCUMENT, 1)).findings
    examination = examination_of(finding)
    assert examination is not None
    again = [{each.fingerprint for each in examination(Shops(traits), DOCUMENT, 1).findings} for traits in (("resolves",), ())]
    assert [finding.fingerprint in each for each in again] == [True, False]


def test_hostile_input_reaches_what_takes_xml() -> None:
    run = RobustnessRun(Shops(), DOCUMENT, 1).run()
    tried = run.of(WARES)
    assert tried is not None
    assert (tried.note, tried.findings, tried.sent > 20) == ("", [], True)


def test_a_good_body_is_read_as_the_document_names_it() -> None:
    with shop() as (live, taken), World(live) as world:
        scene = Scene(world, DOCUMENT, 1)
        operation = DOCUMENT.operation(WARES)
        answer = scene.ask(
            scene.draft(operation, scene.caller(operation)).with_body(scene.bodies(operation)[0]).request("clerk", "ann")
        )
    assert (answer.status, taken.roots) == (201, ["wares"])


def test_members_are_elements_and_lists_the_same_one_again() -> None:
    body = {"ware": [{"name": "A & <B>", "cents": 5}, {"name": None, "sold": True}]}
    text, media_type = encoded(body, "application/xml", "wares")
    inner = "<ware><name>A &amp; &lt;B&gt;</name><cents>5</cents></ware><ware><name></name><sold>true</sold></ware>"
    assert text == f'<?xml version="1.0" encoding="UTF-8"?>\n<wares>{inner}</wares>'
    assert media_type == "application/xml"


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"$ref": "#/components/schemas/Wares"}, "wares"),
        ({"$ref": "#/components/schemas/Plain"}, "Plain"),
        ({"type": "object"}, "request"),
        ({"$ref": "#/nowhere"}, "request"),
    ],
)
def test_the_outermost_element_has_the_schemas_name(schema: object, name: str) -> None:
    data = {"components": {"schemas": {"Wares": {"type": "object", "xml": {"name": "wares"}}, "Plain": {"type": "object"}}}}
    assert root_of(Schemas(data), schema) == name
