"""A member that no answer shows, and that stands in a row all the same."""

from __future__ import annotations

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer
from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.http.exchange import World
from harness.probes.scene.foreign_keys import another_parent, keys_beside
from harness.probes.scene.rows import columns_beside, grown, standing
from harness.probes.scene.scene import Scene
from harness.targets.live import LiveTarget
from tests.witness.orders import TAKES_CUSTOMER, schema, served, target
from tests.witness.orders_document import DOCUMENT


def found(server: EmbeddedServer, name: str, *defects: str, witness: bool = True) -> list[tuple[str, str]]:
    dsn = server.create(name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema(frozenset(defects)))  # type: ignore[arg-type]
    with served(dsn, frozenset(defects)) as base_url:
        door = LiveTarget(target(base_url), base_url, dsn=dsn if witness else "")
        with World(door) as world:
            report = examine_mass_assignment(Scene(world, DOCUMENT, 1))
    assert report.tried >= 2
    return [(finding.operation, finding.parameter) for finding in report.findings]


def test_a_right_that_only_the_row_shows_is_found_with_the_database_alone(server: EmbeddedServer) -> None:
    assert found(server, "rights_seen", "takes-rights") == [("PUT /orders/{order_id}/label", "is_admin")]
    assert found(server, "rights_unseen", "takes-rights", witness=False) == []


def test_a_platform_that_ignores_it_gives_no_finding(server: EmbeddedServer) -> None:
    assert found(server, "rights_ignored") == []


def test_a_foreign_key_is_given_another_row_that_is_there(server: EmbeddedServer) -> None:
    assert found(server, "rights_customer", TAKES_CUSTOMER) == [("PUT /orders/{order_id}/label", "customer_id")]


def test_the_rows_that_a_member_may_refer_to_are_read_from_the_catalogue(server: EmbeddedServer) -> None:
    dsn = server.create("parents")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema(frozenset()))  # type: ignore[arg-type]
    assert another_parent(dsn, "customer_id", 1) == 40
    assert another_parent(dsn, "customerId", 40) == 39
    assert another_parent(dsn, "orderId") == 40
    assert another_parent(dsn, "customer_id", 41) is None  # refers to something else
    assert another_parent(dsn, "id", 1) is None
    assert another_parent(dsn, "title", "x") is None
    assert another_parent("", "customer_id", 1) is None
    assert keys_beside(dsn, ("colour", "label")) == ("customer_id",)
    assert keys_beside(dsn, ("colour", "label", "customerId")) == ()


@pytest.mark.parametrize(("member", "value"), [("is_admin", True), ("isAdmin", True), ("customer_id", 1), ("label", "red")])
def test_a_value_is_counted_in_the_columns_of_its_name(server: EmbeddedServer, member: str, value: object) -> None:
    dsn = server.create(f"standing_{member.lower()}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema(frozenset()))  # type: ignore[arg-type]
        before = standing(dsn, {member: value, "no_such_column": 1})
        connection.execute("UPDATE orders SET is_admin = true, customer_id = 1, label = 'red' WHERE id = 7")
        after = standing(dsn, {member: value})
    assert set(before) == {member}
    assert grown(before, after) == {member}
    assert grown(after, after) == frozenset()


def test_columns_beside_the_declared_members_are_known_without_keys_and_times(server: EmbeddedServer) -> None:
    dsn = server.create("beside")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(schema(frozenset()))  # type: ignore[arg-type]
    columns = {"owner": "text", "title": "text", "note": "text", "is_admin": "boolean", "closed": "boolean"}
    assert columns_beside(dsn, ("colour", "label")) == columns
    assert columns_beside(dsn, ("colour", "no_such_column")) == {}
    assert columns_beside("", ("colour", "label")) == {}


@pytest.mark.parametrize("value", [77, "77.00", 77.0])
def test_an_amount_is_counted_however_many_decimals_its_column_keeps(server: EmbeddedServer, value: object) -> None:
    dsn = server.create(f"amounts_{str(value).replace('.', '_')}_{type(value).__name__}")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bills (id bigint, amount numeric(8,2), label text)")
        connection.execute("INSERT INTO bills VALUES (1, 77, '77'), (2, 78, '77.00')")
    assert standing(dsn, {"amount": value}) == {"amount": 1}
    assert standing(dsn, {"amount": "seventy"}) == {"amount": 0}
