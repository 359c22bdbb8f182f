"""Databases of a server: clones are apart, templates are closed, the target has no more rights than it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from harness.databases import Access, Databases
from harness.databases.embedded import EmbeddedServer, open_embedded
from harness.databases.settings import PLANNED
from harness.model.errors import DatabaseError


def count(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM leads").fetchone()
    assert row is not None
    return int(row[0])


def log_lines(server: EmbeddedServer, database: str) -> list[dict[str, Any]]:
    assert server.log_path is not None
    lines = [json.loads(line) for line in server.log_path.read_text().splitlines()]
    return [line for line in lines if line.get("dbname") == database]


def awaited_messages(server: EmbeddedServer, database: str, wanted: str) -> list[dict[str, Any]]:
    """The log's collector is a process of its own, a few milliseconds behind."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = [line for line in log_lines(server, database) if wanted in line["message"]]
        if found:
            return found
        time.sleep(0.02)
    return []


def test_a_clone_holds_the_templates_rows_and_is_apart_from_other_clones(server: EmbeddedServer, template: str) -> None:
    one, two = server.clone(template, "apart_one"), server.clone(template, "apart_two")
    with psycopg.connect(one) as connection:
        connection.execute("DELETE FROM leads WHERE id > 10")
    assert (count(one), count(two)) == (10, 100)
    assert count(server.clone(template, "apart_three")) == 100


def test_a_template_refuses_connections(server: EmbeddedServer, template: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(server.dsn(template))


def test_freezing_cuts_who_is_connected(server: EmbeddedServer) -> None:
    with psycopg.connect(server.create("busy")) as connection:
        server.freeze("busy")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    server.clone("busy", "busy_clone")


def test_a_clone_has_statistics_of_its_template(server: EmbeddedServer, template: str) -> None:
    with psycopg.connect(server.clone(template, "statistics")) as connection:
        row = connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'leads'").fetchone()
    assert row == (100,)


def test_the_targets_role_is_no_superuser_but_owns_its_database(server: EmbeddedServer, template: str) -> None:
    with psycopg.connect(server.clone(template, "owned"), autocommit=True) as connection:
        rights = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(rights).fetchone() == (False, False, False)
        connection.execute("ALTER TABLE leads ADD COLUMN note text")
        connection.execute("CREATE EXTENSION citext")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE more")


def test_a_wrong_password_is_refused(server: EmbeddedServer, template: str) -> None:
    dsn = server.clone(template, "password")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn.replace(server.access.role_password, "wrong"))
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(server.admin_dsn.replace(f":{server.access.admin_password}", ""))


def test_a_taken_name_is_refused_with_a_hint(server: EmbeddedServer, template: str) -> None:
    server.clone(template, "taken")
    with pytest.raises(DatabaseError, match=r'database "taken" already exists\nhint: each clone needs a name of its own'):
        server.clone(template, "taken")


def test_a_template_that_does_not_exist_is_refused(server: EmbeddedServer) -> None:
    with pytest.raises(DatabaseError, match='template database "nothing" does not exist'):
        server.clone("nothing", "of_nothing")


def test_dropping_takes_connected_databases_and_templates_and_nothing_is_fine(server: EmbeddedServer, template: str) -> None:
    with psycopg.connect(server.clone(template, "dropped")):
        server.drop("dropped")
    server.create("dropped_template")
    server.freeze("dropped_template")
    server.drop("dropped_template")
    server.drop("never_there")
    assert not {"dropped", "dropped_template", "never_there"} & set(server.names())


def test_replacing_puts_the_templates_rows_back_under_the_same_address(server: EmbeddedServer, template: str) -> None:
    dsn = server.clone(template, "replaced")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM leads")
    assert server.replace("replaced", template) == dsn
    assert count(dsn) == 100


def test_long_names_are_told_apart(server: EmbeddedServer, template: str) -> None:
    name = "x" * 70
    server.clone(template, name + "1")
    server.clone(template, name + "2")
    physical = [server.access.physical(name + end) for end in "12"]
    assert set(physical) <= set(server.names())
    assert all(len(each) == 63 for each in physical)


def test_a_recorded_clone_logs_statements_with_their_values(server: EmbeddedServer, template: str) -> None:
    with psycopg.connect(server.clone(template, "recorded", recorded=True)) as connection:
        connection.execute("SELECT name FROM leads WHERE id = %s", [42])
    (line,) = awaited_messages(server, "recorded", "execute <unnamed>: SELECT name FROM leads WHERE id = $1")
    assert line["detail"] == "Parameters: $1 = '42'"
    assert line["user"] == server.access.role


def test_a_failed_statement_is_logged_with_its_text_and_values(server: EmbeddedServer, template: str) -> None:
    marker = "it's -- a marker"
    with (
        psycopg.connect(server.clone(template, "failed", recorded=True)) as connection,
        pytest.raises(psycopg.errors.SyntaxError),
    ):
        connection.execute(f"SELECT * FROM leads WHERE name = '{marker}'")  # type: ignore[call-overload]
    found = awaited_messages(server, "failed", "syntax error")
    assert [(line["state_code"], line["statement"]) for line in found] == [
        ("42601", f"SELECT * FROM leads WHERE name = '{marker}'")
    ]


def test_an_unrecorded_clone_logs_no_statement(server: EmbeddedServer, template: str) -> None:
    with psycopg.connect(server.clone(template, "unrecorded")) as connection:
        connection.execute("SELECT 'quiet' FROM leads")
    with psycopg.connect(server.clone(template, "unrecorded_end", recorded=True)) as connection:
        connection.execute("SELECT 'end of the test'")
    assert awaited_messages(server, "unrecorded_end", "end of the test")
    assert log_lines(server, "unrecorded") == []


def test_query_plans_are_logged_where_asked_for(server: EmbeddedServer, template: str) -> None:
    with psycopg.connect(server.clone(template, "planned", settings=PLANNED)) as connection:
        connection.execute("SELECT name FROM leads WHERE name = 'lead 7'")
    found = awaited_messages(server, "planned", "plan:")
    plan = json.loads(found[0]["message"].partition("plan:")[2])["Plan"]
    assert (plan["Node Type"], plan["Relation Name"], plan["Actual Rows"]) == ("Seq Scan", "leads", 1)


def test_the_statistics_of_statements_are_there_and_hold_no_password(server: EmbeddedServer) -> None:
    with server.connect() as connection:
        texts = [text for (text,) in connection.execute("SELECT query FROM pg_stat_statements").fetchall()]
    assert any(text.startswith("CREATE ROLE") for text in texts)
    assert not any(server.access.role_password in text or server.access.admin_password in text for text in texts)
    assert server.log_path is not None
    assert server.access.role_password not in server.log_path.read_text()


def test_another_process_clones_with_the_access_alone(server: EmbeddedServer, template: str) -> None:
    code = (
        "import os; from harness.databases import Access, Databases; "
        f"print(Databases(Access.from_text(os.environ['ACCESS'])).clone({template!r}, 'of_another'))"
    )
    environ = {**os.environ, "ACCESS": server.access.to_text()}
    said = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=30, check=True)
    assert count(said.stdout.strip()) == 100
    assert said.stdout.strip() == server.dsn("of_another")


def test_a_fork_leaves_its_parents_connection_alone(server: EmbeddedServer, template: str) -> None:
    server.clone(template, "before_fork")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            server.clone(template, "in_fork")
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    server.clone(template, "after_fork")
    assert {"before_fork", "in_fork", "after_fork"} <= set(server.names())


def test_a_cut_connection_of_ours_is_opened_again(server: EmbeddedServer, template: str) -> None:
    server.clone(template, "before_cut")
    with server.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user"
        )
    with pytest.raises(DatabaseError):
        server.clone(template, "at_cut")
    server.clone(template, "after_cut")
    assert "after_cut" in server.names()


def test_a_server_that_is_gone_is_an_error_with_its_address_unharmed() -> None:
    access = Access("127.0.0.1", 1, "postgres", "target", admin_password="made-up-for-this-test")
    with pytest.raises(DatabaseError, match="connection failed") as caught:
        Databases(access).create("x")
    assert "made-up-for-this-test" not in str(caught.value)


def test_an_access_never_shows_its_passwords(server: EmbeddedServer) -> None:
    assert server.access.admin_password not in repr(server.access)
    assert Access.from_text(server.access.to_text()) == server.access


def test_special_characters_survive_in_an_address() -> None:
    access = Access("::1", 5432, "a b", "r@le", role_password="p/w:@", prefix="run_", parameters="?sslmode=require")
    assert access.dsn("x y") == "postgresql://r%40le:p%2Fw%3A%40@[::1]:5432/run_x%20y?sslmode=require"


def test_the_log_goes_with_the_server(tmp_path: Path) -> None:
    with open_embedded(tmp_path, statement_record=False) as server:
        assert server.log_path is None
        server.create("plain")
    with open_embedded(tmp_path) as server:
        path = server.log_path
        assert path is not None
        assert path.is_file()
    assert not path.exists()
