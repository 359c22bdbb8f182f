"""Nobody but the target is asked for anything, whatever its document names and wherever its answers lead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from harness.engines.contract.bounded import BoundedAdapter, OtherHost
from harness.engines.contract.campaign import ENUMERATED, Campaign
from harness.engines.contract.feeding import with_examples
from harness.engines.contract.job import Job, Secrets
from harness.engines.contract.legs import LegResult, run_leg
from harness.engines.contract.self_contained import self_contained, told_elsewhere
from harness.model.target import Allow, Environment, Target
from harness.probes.openapi.document import Document
from tests.contract.stand import BUDGET, clean_document, stand, told
from tests.probes.servers.small_http import Asked, Given, served

NOBODY = "http://127.0.0.1:9/elsewhere.json"


@dataclass
class Listener:
    """Another server of this machine, and what it was asked for."""

    address: str = ""
    heard: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Given:
        self.heard.append(asked.path)
        return Given(200, {"type": "string"})


def target(folder: Path) -> Target:
    return Target(name="small", title="", environment=Environment.LOCAL, folder=folder, hosts=("127.0.0.1",), allow=Allow())


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener()
    with served(target(tmp_path), listener.answer) as live:
        listener.address = f"{live.base_url}/elsewhere.json"
        yield listener


def plain() -> dict[str, Any]:
    """A document of one operation, `POST /x`, that refers to nothing."""
    text = {"type": "string"}
    body = {"content": {"application/json": {"schema": {"type": "object", "properties": {"a": text}}}}}
    answer = {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}
    operation = {
        "parameters": [{"name": "q", "in": "query", "schema": text}],
        "requestBody": body,
        "responses": {"200": answer},
    }
    return {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/x": {"post": operation}}}


def post(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["paths"]["/x"]["post"]
    return found


def body_schema(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = post(data)["requestBody"]["content"]["application/json"]["schema"]
    return found


def parameter_of_components(data: dict[str, Any], address: str) -> None:
    data["components"] = {"parameters": {"Q": {"name": "q", "in": "query", "schema": {"$ref": address}}}}
    post(data)["parameters"] = [{"$ref": "#/components/parameters/Q"}]


NAMING: dict[str, Callable[[dict[str, Any], str], object]] = {
    "schema": lambda d, a: body_schema(d)["properties"].update(b={"$ref": a}),
    "parameter": lambda d, a: post(d).update(parameters=[{"$ref": a}]),
    "parameter of components": parameter_of_components,
    "body": lambda d, a: post(d).update(requestBody={"$ref": a}),
    "answer": lambda d, a: post(d)["responses"].update({"200": {"$ref": a}}),
    "header": lambda d, a: post(d)["responses"]["200"].update(headers={"X-One": {"$ref": a}}),
    "link": lambda d, a: post(d)["responses"]["200"].update(links={"next": {"operationRef": f"{a}#/paths/~1x/post"}}),
    "path": lambda d, a: d["paths"].update({"/y": {"$ref": a}}),
    "example": lambda d, a: post(d)["parameters"][0].update(examples={"one": {"externalValue": a}}),
    "listed example": lambda d, a: body_schema(d).update(examples=[{"externalValue": a}]),
    "dialect": lambda d, a: body_schema(d).update({"$schema": a}),
    "dynamic": lambda d, a: body_schema(d)["properties"].update(b={"$dynamicRef": a}),
}
EVERY_PLACE = tuple(NAMING)


def naming(place: str, address: str) -> dict[str, Any]:
    """The document, naming an address in one place."""
    data = plain()
    NAMING[place](data, address)
    return data


def naming_everywhere(address: str) -> dict[str, Any]:
    """All of them in one document: `POST /0` names the address in the first place, and so on."""
    made = [naming(place, address) for place in NAMING]
    paths = {f"/{number}": data["paths"].pop("/x") for number, data in enumerate(made)}
    components = next(data["components"] for data in made if "components" in data)
    return {**made[0], "paths": {**paths, "/y": {"$ref": address}}, "components": components}


def leg(document: dict[str, Any], base_url: str) -> LegResult:
    job = Job(
        document=document,
        base_url=base_url,
        role="",
        phases=("examples", "coverage", "fuzzing", "stateful"),
        seed=1,
        cases={f"POST {path}": 2 for path, item in document["paths"].items() if "post" in item},
        scenarios_max=1,
        secrets=Secrets(),
    )
    return run_leg(job, lambda _: None)


def test_what_a_document_names_elsewhere_is_not_fetched(tmp_path: Path, elsewhere: Listener) -> None:
    document = Document.of(naming_everywhere(elsewhere.address))
    ids = {f"POST /{EVERY_PLACE.index('parameter of components')}": {"q": ("a",)}}
    with served(target(tmp_path), lambda _: Given(200, {})) as live:
        result = leg(with_examples(document, ids), live.base_url)
    assert elsewhere.heard == []
    assert {tally.operation for s in result.scenarios for tally in s.tallies if tally.cases} == set(document.names)
    assert [trouble.text for trouble in result.troubles] == []
    assert result.ended.reason == ""


def test_the_engine_itself_is_held_to_the_host(tmp_path: Path, elsewhere: Listener) -> None:
    document = naming_everywhere(elsewhere.address)
    del document["paths"][f"/{EVERY_PLACE.index('dialect')}"]  # fetched without the adapter: it must not get so far
    with served(target(tmp_path), lambda _: Given(200, {})) as live:
        leg(document, live.base_url)
    assert elsewhere.heard == []


def test_an_answer_that_leads_elsewhere_is_not_followed(tmp_path: Path, elsewhere: Listener) -> None:
    asked = []

    def answer(request: Asked) -> Given:
        asked.append(request.path)
        return Given(307, headers={"Location": elsewhere.address})

    with served(target(tmp_path), answer) as live:
        result = leg(plain(), live.base_url)
    assert asked
    assert elsewhere.heard == []
    statuses = {status for s in result.scenarios for tally in s.tallies for status in tally.statuses}
    assert statuses - {"501"} == {"307"}, "a method that the server does not know is refused"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://127.0.0.1:80/api", "http://127.0.0.1:81/"),
        ("http://127.0.0.1/api", "https://127.0.0.1/"),
        ("http://127.0.0.1/api", "http://127.0.0.1.evil.test/"),
        ("http://127.0.0.1/api", "http://127.0.0.1@evil.test/"),
        ("http://127.0.0.1/api", "http://127.0.0.2/"),
        ("", "http://127.0.0.1/"),
    ],
)
def test_another_host_or_port_is_refused(base_url: str, url: str) -> None:
    class Adapter(BoundedAdapter):
        """Of this test alone."""

    Adapter.base_url = base_url
    with requests.Session() as session:
        session.mount("http://", Adapter())
        session.mount("https://", Adapter())
        with pytest.raises(OtherHost, match="nothing is sent there"):
            session.get(url, timeout=0.1)


@pytest.mark.parametrize("place", EVERY_PLACE)
def test_what_is_left_out_is_named_once(place: str) -> None:
    given = naming(place, NOBODY)
    data, left_out = self_contained(given)
    assert NOBODY not in json.dumps(data)
    assert [found.address.partition("#")[0] for found in left_out] == [NOBODY]
    assert given == naming(place, NOBODY), "the document itself stays as it is"


def test_a_document_that_refers_to_itself_alone_stays_as_it_is() -> None:
    data = json.loads(clean_document())
    data["components"]["schemas"]["Lead"]["$schema"] = "http://json-schema.org/draft-07/schema#"
    assert self_contained(data) == (data, ())
    assert told_elsewhere(Document.of(data)) == {}


@pytest.mark.parametrize("place", ["schema", "parameter", "parameter of components", "body", "answer", "header", "dynamic"])
def test_who_depends_on_what_lies_elsewhere_is_known(place: str) -> None:
    data = naming(place, NOBODY)
    data["paths"]["/other"] = {"get": {"responses": {"200": {"description": "ok"}}}}
    assert told_elsewhere(Document.of(data)) == {"POST /x": (NOBODY,)}


def test_an_operation_that_is_told_elsewhere_is_untested_in_part(tmp_path: Path, elsewhere: Listener) -> None:
    data = json.loads(clean_document())
    data["components"]["schemas"]["Me"]["properties"]["role"] = {"$ref": elsewhere.address}
    box = stand(tmp_path, document=json.dumps(data))
    operations = ("GET /api/me", "GET /api/leads")
    result = Campaign(
        box.document, box.target, box.fresh, seed=1, budget=BUDGET, operations=operations, phases=(ENUMERATED,)
    ).run()
    assert elsewhere.heard == []
    assert not result.findings, told(result)
    assert [(name, why.partition(":")[0]) for name, why in result.untested.items()] == [("GET /api/me", "in part")]
    assert elsewhere.address in result.untested["GET /api/me"]
    assert [note.text for note in result.observations if note.rule == "contract.document"] == [
        f"components/schemas/Me/properties/role: $ref {elsewhere.address} was not fetched"
    ]
    assert all(cases.successes for cases in result.cases)
