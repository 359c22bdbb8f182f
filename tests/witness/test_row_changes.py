"""A write that is refused and done all the same, where nobody is shown that it was done."""

from __future__ import annotations

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer
from harness.probes.access.cells import Examined
from harness.probes.access.row_changes import Rows, row_changes, rows_about
from harness.probes.access.writes import examine_write
from harness.probes.http.exchange import World
from harness.probes.http.oracle import Change
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Scene
from harness.targets.live import LiveTarget
from tests.witness.orders import schema, served, target
from tests.witness.orders_document import DOCUMENT


def examined(server: EmbeddedServer, name: str, operation: str, *defects: str, witness: bool = True) -> Examined:
    dsn = server.create(name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema(frozenset(defects)))
    with served(dsn, frozenset(defects)) as base_url:
        door = LiveTarget(target(base_url), base_url, dsn=dsn if witness else "")
        with World(door) as world:
            scene = Scene(world, DOCUMENT, 1)
            return examine_write(scene, found := _operation(operation), scene.references(found)[-1])


def _operation(name: str) -> Operation:
    return next(operation for operation in DOCUMENT.operations if operation.name == name)


LABEL, REMOVE = "PUT /orders/{order_id}/label", "DELETE /orders/{order_id}"


def test_a_refused_write_that_only_a_row_shows_is_found_with_the_database_alone(server: EmbeddedServer) -> None:
    seen = examined(server, "late_seen", LABEL, "refuses-late", "hides-label")
    by_peer = [finding for finding in seen.findings if finding.role == "buyer"]
    assert [finding.rule for finding in by_peer] == ["authorization.write-of-another"]
    assert "answered 404, and the database sees the change: orders.label: '' → " in by_peer[0].observed
    assert not by_peer[0].symptom.status
    assert examined(server, "late_unseen", LABEL, "refuses-late", "hides-label", witness=False).findings == ()


@pytest.mark.parametrize("operation", [LABEL, REMOVE, "PATCH /orders/{order_id}"])
def test_refusals_that_wrote_nothing_give_no_finding(server: EmbeddedServer, operation: str) -> None:
    seen = examined(server, f"clean_{operation.split()[0].lower()}", operation)
    assert seen.findings == ()
    assert seen.has_success


def test_rows_are_about_an_object_by_key_and_by_reference(server: EmbeddedServer) -> None:
    dsn = server.create("about")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema(frozenset()))
    assert rows_about(dsn, 7).own == frozenset()  # the customer 7 has that number too
    rows = rows_about(dsn, 7, "orders")
    assert rows.own == {("orders", "7")}
    assert not rows.unique
    assert {place[0] for place in rows.by_key} >= {"orders", "lines", "customers"}
    assert rows_about(dsn, "no-such-order") == Rows()
    assert rows_about(dsn, 10**30).by_key == {}
    assert rows_about("", 7) == Rows()


ORDER, LINE = ("orders", "7"), ("lines", "1")


def rows(**columns: object) -> Rows:
    return Rows({ORDER: {"id": 7, **columns}}, frozenset({ORDER}))


@pytest.mark.parametrize(
    ("before", "after", "body", "told"),
    [
        (rows(note="a"), rows(note="zq"), {"note": "zq"}, ["orders.note"]),
        (rows(credit_limit=1), rows(credit_limit=9), {"terms": {"creditLimit": 9}}, ["orders.credit_limit"]),
        (rows(note="zq"), rows(note="zq"), {"note": "zq"}, []),
        (rows(note="a", seen=1), rows(note="a", seen=2), {"note": "zq"}, []),
        (rows(status="open"), rows(status="cancelled"), None, ["orders.status"]),
        (rows(status="open", updated_at="1"), rows(status="open", updated_at="2"), None, []),
        (rows(note="a"), Rows(), {"note": "zq"}, ["the row 7 of orders"]),
        (Rows({ORDER: {"id": 7}, LINE: {"id": 1, "order_id": 7}}), Rows({ORDER: {"id": 7}}), None, ["the row 1 of lines"]),
        (Rows({ORDER: {"id": 7}, LINE: {"id": 1, "order_id": 7}}), Rows({ORDER: {"id": 7}}), {"note": "zq"}, []),
        (Rows({LINE: {"id": 1, "order_id": 7}}, unique=False), Rows(unique=False), None, []),
        (Rows(), Rows({("notes", "1"): {"id": 1, "text": "zq"}}), {"text": "zq"}, ["notes.text"]),
    ],
)
def test_only_what_is_the_writes_own_counts(before: Rows, after: Rows, body: object, told: list[str]) -> None:
    assert [change.path for change in row_changes(before, after, body)] == told
    assert all(isinstance(change, Change) for change in row_changes(before, after, body))
