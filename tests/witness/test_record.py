"""What a client does is read from the server's log once each, with parameters, plans and the fate of its transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer
from harness.databases.recorded import Recorded
from harness.witness.statements import Statement
from harness.witness.watcher import Silent, Watcher
from tests.witness.conftest import MakeRecorded

TABLES = """
CREATE TABLE items (id serial PRIMARY KEY, name text, owner int);
CREATE TABLE audit (id serial PRIMARY KEY, item int);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS
  $f$ BEGIN INSERT INTO audit (item) VALUES (NEW.id); RETURN NEW; END $f$;
INSERT INTO items (name, owner) SELECT 'item ' || n, n % 10 FROM generate_series(1, 100) AS n;
"""


@pytest.fixture(scope="module")
def template(server: EmbeddedServer) -> str:
    with psycopg.connect(server.create("record_template")) as connection:
        connection.execute(TABLES)
    server.freeze("record_template")
    return "record_template"


@pytest.fixture
def place(recorded: MakeRecorded, template: str) -> Recorded:
    return recorded(template)


@pytest.fixture
def watcher(place: Recorded) -> Iterator[Watcher]:
    with Watcher(None, place) as opened:  # type: ignore[arg-type] - nothing is sent here
        yield opened


@pytest.fixture
def client(server: EmbeddedServer, place: Recorded, watcher: Watcher) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.dsn(place.name), autocommit=True) as connection:
        watcher.catch_up()
        yield connection


def seen(watcher: Watcher) -> list[Statement]:
    return watcher.catch_up()[0]


def test_one_execution_is_counted_once_by_either_protocol(client: psycopg.Connection, watcher: Watcher) -> None:
    client.execute("SELECT name FROM items WHERE id = %s", [3])  # parse, bind, execute
    client.execute("SELECT name FROM items WHERE id = 4")  # one message
    for number in (5, 6, 7):
        client.execute("SELECT name FROM items WHERE id = %s", [number], prepare=True)
    statements = seen(watcher)
    assert len(statements) == 5
    assert len({statement.shape for statement in statements}) == 1
    assert [statement.parameters for statement in statements] == [("3",), (), ("5",), ("6",), ("7",)]


def test_a_statement_knows_its_plan_and_the_rows_that_it_gave(client: psycopg.Connection, watcher: Watcher) -> None:
    client.execute("SELECT name FROM items WHERE owner = %s", [3]).fetchall()
    client.execute("SELECT count(*) FROM items").fetchall()
    first, second = seen(watcher)
    assert (first.rows, second.rows) == (10, 1)
    assert first.plan is not None
    assert first.plan.scans[0].is_sequential
    assert (first.plan.scans[0].table, first.plan.scans[0].removed) == ("items", 90)


def test_the_harness_itself_does_not_stand_in_the_record(watcher: Watcher) -> None:
    watcher.connection.execute("SELECT * FROM items").fetchall()
    assert seen(watcher) == []


def test_writes_are_read_from_plans_whatever_the_statement_looks_like(client: psycopg.Connection, watcher: Watcher) -> None:
    client.execute("WITH gone AS (DELETE FROM items WHERE id < 4 RETURNING id) SELECT count(*) FROM gone")
    client.execute("UPDATE items SET name = 'x' WHERE id = 0")
    client.execute("INSERT INTO items (id, name) VALUES (50, 'again') ON CONFLICT DO NOTHING")
    client.execute("SELECT name FROM items WHERE name = 'INSERT INTO items'")
    first, *others = seen(watcher)
    assert [(write.table, write.verb, write.rows) for write in first.writes] == [("items", "DELETE", 3)]
    assert [other.writes for other in others] == [(), (), ()]


def test_what_a_trigger_writes_belongs_to_the_statement_that_fired_it(client: psycopg.Connection, watcher: Watcher) -> None:
    client.execute("CREATE TRIGGER t AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION noted()")
    seen(watcher)
    client.execute("INSERT INTO items (name) VALUES (%s)", ["new"])
    (statement,) = seen(watcher)
    assert {write.table for write in statement.writes} == {"items", "audit"}


def test_copy_and_truncate_are_writes_though_they_have_no_plan(client: psycopg.Connection, watcher: Watcher) -> None:
    with client.cursor().copy("COPY items (name) FROM STDIN") as copy:
        copy.write_row(("copied",))
    with client.cursor().copy("COPY items TO STDOUT") as copy:
        list(copy)
    client.execute('TRUNCATE "audit"')
    assert [[write.table for write in statement.writes] for statement in seen(watcher)] == [["items"], [], ["audit"]]


def test_several_statements_in_one_text_each_have_their_plan(client: psycopg.Connection, watcher: Watcher) -> None:
    client.execute("INSERT INTO items (name) VALUES ('a'); UPDATE items SET name = 'b' WHERE id = 1; SELECT 1")
    statements = seen(watcher)
    assert [statement.verb for statement in statements] == ["INSERT", "UPDATE", "SELECT"]
    assert [len(statement.writes) for statement in statements] == [1, 1, 0]


def fates(watcher: Watcher) -> list[bool | None]:
    return [statement.committed for statement in seen(watcher) if not statement.is_transaction_word]


def test_the_fate_of_a_transaction_is_that_of_its_statements(client: psycopg.Connection, watcher: Watcher) -> None:
    insert = "INSERT INTO items (name) VALUES (%s)"
    with client.transaction():
        client.execute(insert, ["kept"])
        client.execute(insert, ["kept too"])
    with client.transaction(force_rollback=True):
        client.execute(insert, ["undone"])
    with client.transaction():
        client.execute(insert, ["kept"])
        with client.transaction(force_rollback=True):
            client.execute(insert, ["undone to a savepoint"])
    assert fates(watcher) == [True, True, False, True, False]


def test_what_was_done_in_one_transaction_shares_its_name(client: psycopg.Connection, watcher: Watcher) -> None:
    with client.transaction():
        client.execute("INSERT INTO items (name) VALUES ('a')")
        client.execute("UPDATE items SET name = %s WHERE id = 1", ["b"])
    client.execute("DELETE FROM items WHERE id = %s", [2])
    client.execute("DELETE FROM items WHERE id = 3")
    names = [statement.transaction for statement in seen(watcher) if statement.writes]
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert "" not in names


def test_a_failed_statement_undoes_its_transaction_and_keeps_its_text(client: psycopg.Connection, watcher: Watcher) -> None:
    with suppress(psycopg.errors.UniqueViolation), client.transaction():
        client.execute("UPDATE items SET name = 'x' WHERE id = 1")
        client.execute("INSERT INTO items (id) VALUES (%s)", [1])
    with pytest.raises(psycopg.errors.SyntaxError):
        client.execute("SELECT 'open")
    first, second, third = [statement for statement in seen(watcher) if not statement.is_transaction_word]
    assert first.committed is False
    assert (second.committed, second.code, second.writes) == (False, "23505", ())
    assert (third.code, third.text) == ("42601", "SELECT 'open")


def test_what_a_pipeline_did_before_it_failed_is_undone(client: psycopg.Connection, watcher: Watcher) -> None:
    with suppress(psycopg.errors.UniqueViolation), client.pipeline():
        client.execute("UPDATE items SET name = %s WHERE id = 1", ["x"])
        client.execute("INSERT INTO items (id) VALUES (%s)", [1])
    assert fates(watcher) == [False, False]


def test_a_transaction_that_is_still_open_is_neither_kept_nor_undone(client: psycopg.Connection, watcher: Watcher) -> None:
    client.execute("BEGIN")
    client.execute("DELETE FROM items WHERE id = 1")
    statements, backends = watcher.catch_up()
    assert statements[-1].committed is None
    assert [backend.is_stuck for backend in backends] == [True]
    client.execute("COMMIT")
    watcher.catch_up()
    assert statements[-1].committed is True


def test_what_runs_while_nobody_asks_is_learned(
    client: psycopg.Connection, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.witness.watcher.pause", lambda _seconds: client.execute("SELECT 42"))
    assert watcher.learn_idle(0.1) == {"SELECT ?"}


def test_a_log_that_is_not_the_servers_is_silent_and_said_so(place: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    monkeypatch.setattr("harness.witness.watcher.MARK_TIMEOUT_S", 0.2)
    elsewhere = place.log.with_name("elsewhere.json")
    elsewhere.write_text("not json\n")
    with Watcher(None, dataclasses.replace(place, log=elsewhere)) as deaf, pytest.raises(Silent, match="does not show"):  # type: ignore[arg-type]
        deaf.catch_up()
