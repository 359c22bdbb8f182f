"""Secrets of the database and of the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from harness.databases.embedded import open_embedded
from harness.probes.audits.traces import examine_log
from harness.probes.scene.secret_columns import secret_values

SECRETS = {"a user's password": frozenset({"long-and-secret", "short"}), "a session's token": frozenset({"eyJhbGciOi"})}


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_embedded(tmp_path_factory.mktemp("server")) as server:
        address = server.create("people")
        with psycopg.connect(address) as connection:
            connection.execute("CREATE TABLE people (name text, password_hash text, reset_token text, password_changed_at text)")
            connection.execute(
                "INSERT INTO people VALUES ('ann barker', '$2b$12$abcdefgh', NULL, '2026-01-01'), ('ben', 'x', 'r-12345678', '')"
            )
        yield address


def test_the_values_of_secret_columns_are_read_and_no_others(dsn: str) -> None:
    assert secret_values(dsn) == {
        "people.password_hash": frozenset({"$2b$12$abcdefgh"}),
        "people.reset_token": frozenset({"r-12345678"}),
    }


@pytest.mark.parametrize("dsn_of_nothing", ["", "postgresql://nobody@127.0.0.1:1/none"])
def test_without_a_database_there_are_none(dsn_of_nothing: str) -> None:
    assert secret_values(dsn_of_nothing) == {}


def test_a_secret_in_the_log_is_named_by_what_it_is_and_never_quoted(tmp_path: Path) -> None:
    log = tmp_path / "target.log"
    log.write_text("started\nPOST /login name=ann password=long-and-secret\nand again long-and-secret\n")
    report = examine_log(log, SECRETS)
    assert [(finding.rule, finding.parameter) for finding in report.findings] == [("exposure.secret-in-log", "a user's password")]
    assert "Line 2" in report.findings[0].observed
    assert "long-and-secret" not in str(report.findings)


def test_a_clean_log_is_read_in_full_and_an_empty_one_proves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "target.log"
    log.write_text("started\nPOST /login short 200\n")
    report = examine_log(log, SECRETS)
    assert (report.findings, report.tried) == ([], 2)
    log.write_text("")
    assert (examine_log(log, SECRETS).tried, examine_log(None, SECRETS).tried) == (0, 0)
    assert examine_log(log, SECRETS).note
