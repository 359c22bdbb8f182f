"""Which objects a request is made for, and that one without what the path goes on to is passed over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.target import ObjectKind
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import OBJECTS_TRIED_MAX, turned, valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable
from tests.probes.servers.projects_server import DOCUMENT, Servers

IDS = tuple(range(30))
ANN = Asker("member", "ann")
TASK = "/projects/{projectId}/tasks/{taskId}"


def test_a_read_takes_the_objects_as_they_are_listed() -> None:
    assert turned(Operation("GET", "/things/{id}"), IDS) == IDS


def test_writes_begin_at_different_objects_and_lose_none() -> None:
    orders = [turned(Operation("PUT", f"/things/{{id}}/{name}"), IDS) for name in ("state", "notes", "owner", "price", "label")]
    assert len({order[0] for order in orders}) > 1
    assert all(sorted(order) == list(IDS) for order in orders)
    assert all(order[0] < OBJECTS_TRIED_MAX for order in orders)


@pytest.mark.parametrize("identities", [(), (7,)])
def test_few_objects_are_no_trouble(identities: tuple[int, ...]) -> None:
    assert turned(Operation("PUT", "/things/{id}"), identities) == identities


def test_a_request_is_made_for_the_objects_that_have_what_the_path_goes_on_to() -> None:
    with Servers().fresh("calls") as door, World(door) as world:
        drafts = list(valid_drafts(Scene(world, DOCUMENT, seed=1), DOCUMENT.operation(f"GET {TASK}"), ANN))
        answers = [world.send(draft.request(ANN.role, ANN.user)) for draft in drafts]
    assert len({draft.path["projectId"] for draft in drafts}) > 1
    assert all(answer.is_success for answer in answers)


def test_without_any_it_says_what_is_missing() -> None:
    paths = {path: node for path, node in DOCUMENT.data["paths"].items() if not path.endswith("/tasks")}
    document = Document.of({**DOCUMENT.data, "paths": paths})
    with (
        Servers().fresh("calls") as door,
        World(door) as world,
        pytest.raises(Untestable, match=r"no value is known for .taskId"),
    ):
        list(valid_drafts(Scene(world, document, seed=1), document.operation(f"GET {TASK}"), ANN))


def test_a_body_names_an_object_of_the_callers_own_where_its_kind_is_described() -> None:
    schema = {"type": "object", "required": ["projectId"], "properties": {"projectId": {"type": "integer", "maximum": 9}}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    move = {"post": {"security": [{"token": []}], "requestBody": body, "responses": {"200": {"description": "moved"}}}}
    document = Document.of({**DOCUMENT.data, "paths": {**DOCUMENT.data["paths"], "/moves": move}})
    kind = ObjectKind("project", "member", ("projectId",), "/projects", "$.projects[*].id")
    with Servers().fresh("calls") as door:
        described = replace(door, target=replace(door.target, objects=(kind,)))
        with World(described) as world:
            scene = Scene(world, document, seed=1)
            named = {each["projectId"] for each in scene.bodies(document.operation("POST /moves"))}
            assert named <= set(scene.owned(ANN)["projectId"])
