"""A server that the user names: what was there stays, what is ours goes, and rights decide what is possible."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from harness.databases import open_server
from harness.databases.embedded import EmbeddedServer
from harness.databases.external import open_external
from harness.databases.server import set_password
from harness.model.errors import DatabaseError, PreflightError


def everything(server: EmbeddedServer) -> tuple[set[str], set[str]]:
    with server.connect() as connection:
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
    return databases, roles


@pytest.fixture
def user(server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a plain user of the server with the rights that the test asks for."""
    name, password = f"user_{secrets.token_hex(4)}", secrets.token_hex(12)
    with server.connect() as connection:
        set_password(connection, name, password)
        connection.execute(sql.SQL("ALTER ROLE {} " + request.param).format(sql.Identifier(name)))
    yield f"postgresql://{name}:{password}@127.0.0.1:{server.access.port}/postgres"
    with server.connect() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def work(dsn: str, folder: Path) -> str:
    """Makes a template, clones it and works in the clone; the role that the target has there."""
    with open_server("external", folder, external_dsn=dsn) as external:
        with psycopg.connect(external.create("leads")) as connection:
            connection.execute("CREATE TABLE leads (id integer); INSERT INTO leads VALUES (1)")
        external.freeze("leads")
        with psycopg.connect(external.clone("leads", "clone")) as connection:
            connection.execute("INSERT INTO leads VALUES (2)")
            row = connection.execute("SELECT current_user, count(*) FROM leads").fetchone()
        external.drop("clone")
    assert row is not None
    assert row[1] == 2
    return str(row[0])


def test_what_was_there_stays_and_what_is_ours_goes(server: EmbeddedServer, folder: Path) -> None:
    server.create("theirs")
    before = everything(server)
    with open_external(server.admin_dsn) as external:
        external.create("leads")
        during = everything(server)
        (ours,) = external.names()
        assert during[0] - before[0] == {ours} == {external.access.physical("leads")}
        assert during[1] - before[1] == {external.access.role}
        assert "there is no statement record" in external.notes[0]
    assert everything(server) == before
    assert work(server.admin_dsn, folder).startswith("harness_")
    assert everything(server) == before


def test_two_runs_on_one_server_do_not_meet(server: EmbeddedServer) -> None:
    with open_external(server.admin_dsn) as one, open_external(server.admin_dsn) as two:
        psycopg.connect(one.create("leads")).close()
        psycopg.connect(two.create("leads")).close()
        one.stop()
        psycopg.connect(two.dsn("leads")).close()


@pytest.mark.parametrize("user", ["CREATEDB CREATEROLE"], indirect=True)
def test_who_may_make_roles_gives_the_target_one_of_its_own(server: EmbeddedServer, folder: Path, user: str) -> None:
    before = everything(server)
    assert work(user, folder).endswith("_target")
    assert everything(server) == before


@pytest.mark.parametrize("user", ["CREATEDB"], indirect=True)
def test_who_may_not_make_roles_is_the_target_itself_and_it_is_said(server: EmbeddedServer, folder: Path, user: str) -> None:
    before = everything(server)
    assert work(user, folder) == user.split("//")[1].split(":")[0]
    with open_external(user) as external:
        assert any("the target connects as the user of the address" in note for note in external.notes)
    assert everything(server) == before


@pytest.mark.parametrize("user", ["CREATEDB"], indirect=True)
def test_a_record_that_the_user_may_not_have_is_refused(user: str) -> None:
    with open_external(user) as external:
        external.create("leads")
        external.freeze("leads")
        with pytest.raises(DatabaseError, match="permission denied to set parameter"):
            external.clone("leads", "clone", recorded=True)


@pytest.mark.parametrize("user", ["NOCREATEDB"], indirect=True)
def test_who_may_not_make_databases_is_refused(user: str) -> None:
    with pytest.raises(PreflightError, match=r"may not make databases\nhint: ALTER ROLE user_\w+ CREATEDB"):
        open_external(user)


def test_no_address_and_no_sense_in_it_are_refused(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.delenv("HARNESS_POSTGRES_DSN", raising=False)
    with pytest.raises(PreflightError, match="no address of an external PostgreSQL was given"):
        open_server("external", folder)
    monkeypatch.setenv("HARNESS_POSTGRES_DSN", "nonsense")
    with pytest.raises(PreflightError, match="the address of the external PostgreSQL is none"):
        open_server("external", folder)


def test_a_server_that_does_not_answer_is_refused() -> None:
    with pytest.raises(PreflightError, match="the external PostgreSQL refuses: connection failed"):
        open_external("postgresql://postgres@127.0.0.1:1/postgres")


def test_a_wrong_password_is_refused_without_being_repeated(server: EmbeddedServer) -> None:
    wrong = "wrong-" + secrets.token_hex(8)
    dsn = server.admin_dsn.replace(server.access.admin_password, wrong)
    with pytest.raises(PreflightError, match="password authentication failed") as caught:
        open_external(dsn)
    assert wrong not in str(caught.value)


def test_an_external_server_is_not_paused(server: EmbeddedServer) -> None:
    with open_external(server.admin_dsn) as external:
        with pytest.raises(DatabaseError, match="not ours to pause"):
            external.pause()
        with pytest.raises(DatabaseError, match="not ours to resume"):
            external.resume()


def test_an_unknown_provider_lists_the_known_ones(folder: Path) -> None:
    with pytest.raises(PreflightError, match="auto, docker, embedded, external"):
        open_server("oracle", folder)
