"""What a good request has where a text or a number is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.probes.http.exchange import World
from harness.probes.injection.slots import numbers_of, slots_of
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import NOBODY, Scene
from tests.probes.servers.board_server import board

_RANKS = {"name": "rank", "in": "query", "schema": {"type": "integer", "minimum": 0}}
_SORT = {"name": "sort", "in": "query", "schema": {"type": "string", "enum": ["newest", "oldest"]}}
DOCUMENT = Document.of(
    {"openapi": "3.1.0", "info": {}, "paths": {"/posts": {"get": {"parameters": [_RANKS, _SORT], "responses": {}}}}}
)


@pytest.mark.parametrize(
    ("query", "good"),
    [({"rank": 0, "sort": "oldest"}, ["0", "oldest"]), ({"rank": 7, "sort": ""}, ["7", "newest"])],
)
def test_what_the_request_has_already_stays_be_it_nought(query: dict[str, Any], good: list[str]) -> None:
    with board() as live, World(live) as world:
        scene = Scene(world, DOCUMENT, 1)
        draft = replace(scene.draft(DOCUMENT.operation("GET /posts"), NOBODY), query=query)
        slots = [*numbers_of(scene, draft, NOBODY), *slots_of(scene, draft, NOBODY)]
    assert [slot.value for slot in slots] == good
