"""Texts one after the other into the same object, whose version each of them moves."""

from __future__ import annotations

import psycopg

from harness.databases.embedded import EmbeddedServer
from harness.probes.http.exchange import World
from harness.probes.injection.slots import slots_of
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.scene import Scene
from harness.targets.live import LiveTarget
from tests.witness.orders import schema, served, target
from tests.witness.orders_document import DOCUMENT


def test_a_text_that_was_taken_does_not_make_the_next_one_stale(server: EmbeddedServer) -> None:
    dsn = server.create("slots")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema(frozenset()))  # type: ignore[arg-type]
    with served(dsn, frozenset()) as base_url, World(LiveTarget(target(base_url), base_url)) as world:
        scene = Scene(world, DOCUMENT, 1)
        operation = next(op for op in DOCUMENT.operations if op.name == "PATCH /orders/{order_id}")
        asker = scene.caller(operation)
        (slot,) = slots_of(scene, next(valid_drafts(scene, operation, asker)), asker)
        assert slot.name == "note"
        assert [slot.ask(text).status for text in ("one", "two", "three")] == [200] * 3
