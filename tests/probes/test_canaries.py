"""What is put into an empty secret column is found wherever it comes out, and stands in nobody's way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer, open_embedded
from harness.model.errors import TargetError
from harness.probes.audits.canaries import examine_canaries
from harness.probes.audits.watched_log import examine_logs
from harness.probes.checks import Report
from harness.probes.scene.secret_columns import empty_columns, plant, secret_values
from harness.probes.tour import take_tour
from tests.probes.servers.club_server import DOCUMENT, Clubs

SECRET = ("password_hash", "recovery_code", "otp_code", "totp_secret", "reset_token", "salt", "code_hash")
ABOUT_SECRETS = ("pin_code", "password_changed_at", "recovery_email", "secret_question", "mfa_enabled", "name")
GIVEN = [("exposure.secret", "GET /members", "members[].ref")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with open_embedded(tmp_path_factory.mktemp("clubs")) as opened:
        yield opened


@pytest.fixture
def clubs(server: EmbeddedServer, tmp_path: Path) -> Clubs:
    return Clubs(server, tmp_path)


def examined(clubs: Clubs, *defects: str, secret_columns: tuple[str, ...] = ()) -> Report:
    clubs = Clubs(clubs.server, clubs.folder, frozenset(defects), secret_columns)
    usual = take_tour(clubs, DOCUMENT, 1)
    with clubs.fresh("shared") as shared:
        return examine_canaries(clubs, shared, DOCUMENT, 1, usual)


def found(report: Report) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.operation, finding.parameter) for finding in report.findings]


def rows(dsn: str, column: str) -> list[str | None]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute(f"SELECT {column} FROM members ORDER BY name").fetchall()]  # type: ignore[arg-type]


def test_a_clean_club_is_left_in_peace(clubs: Clubs) -> None:
    report = examined(clubs)
    assert (report.findings, report.note) == ([], "")
    assert report.tried


def test_a_column_that_is_empty_everywhere_is_seen_to_be_given_away(clubs: Clubs) -> None:
    report = examined(clubs, "gives-reset-token")
    assert found(report) == GIVEN
    assert "it carries members.reset_token" in report.findings[0].observed


def test_it_is_searched_for_in_the_log_too(clubs: Clubs) -> None:
    assert found(examined(clubs, "logs-rows")) == [("exposure.secret-in-log", "", "members.reset_token")]


def test_there_it_is_found_again_until_it_is_mended(clubs: Clubs) -> None:
    leaking = Clubs(clubs.server, clubs.folder, frozenset({"logs-rows"}))
    again = [("exposure.secret-in-log", "", "members.reset_token")]
    assert again[0] in found(examine_logs(leaking, DOCUMENT, 1))
    assert found(examine_logs(clubs, DOCUMENT, 1)) == []


def test_a_club_that_dies_of_them_is_a_finding_with_the_request_before_it(clubs: Clubs) -> None:
    report = examined(clubs, "dies-of-tokens")
    assert found(report) == [("robustness.target-died", "GET /members", "")]
    assert report.findings[0].steps == ()
    assert report.tried, "the club lives where the users' rows are spared"


def test_a_log_in_that_a_canary_would_close_is_kept_open(clubs: Clubs) -> None:
    assert found(examined(clubs, "second-factor", "gives-reset-token")) == GIVEN
    clean = examined(clubs, "second-factor")
    assert (clean.findings, clean.note) == ([], "")


def test_a_column_can_be_named(clubs: Clubs) -> None:
    named = ("members.nickname",)
    assert found(examined(clubs, secret_columns=named)) == [("exposure.secret", "GET /members", "members[].nickname")]


@pytest.mark.parametrize("named", ["members.nick", "nickname", "people.nickname"])
def test_a_column_that_is_not_there_is_told(clubs: Clubs, named: str) -> None:
    with clubs.fresh("shared") as shared, pytest.raises(TargetError, match=named):
        secret_values(shared.dsn, (named,))


def test_no_value_is_overwritten_and_what_takes_no_text_is_left(clubs: Clubs) -> None:
    with clubs.fresh("shared") as shared:
        assert empty_columns(shared.dsn) == ("members.reset_token", "members.totp_secret", "members.salt")
        planted = plant(shared.dsn, 1)
        assert set(planted) == {"members.reset_token", "members.totp_secret"}
        (mark,) = planted["members.reset_token"]
        tokens = rows(shared.dsn, "reset_token")
        assert tokens[2] == "r-12345678"
        assert len(set(tokens)) == 4
        assert all(str(token).startswith(mark) for token in (*tokens[:2], tokens[3]))
        assert rows(shared.dsn, "pin_code") == rows(shared.dsn, "nickname") == [None] * 4
        assert plant(shared.dsn, 1) == {}


def test_the_rows_of_the_users_can_be_spared(clubs: Clubs) -> None:
    with clubs.fresh("shared") as shared:
        assert set(plant(shared.dsn, 1, spared=("ann",))) == {"members.reset_token", "members.totp_secret"}
        assert rows(shared.dsn, "reset_token")[0] is None
        assert rows(shared.dsn, "totp_secret")[0] == ""


@pytest.mark.parametrize(("name", "is_secret"), [*((name, True) for name in SECRET), *((name, False) for name in ABOUT_SECRETS)])
def test_a_secret_column_is_known_by_its_name(clubs: Clubs, name: str, *, is_secret: bool) -> None:
    with clubs.fresh("named") as club, psycopg.connect(club.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE others ({name} text); INSERT INTO others VALUES (NULL)")  # type: ignore[arg-type]
        assert (f"others.{name}" in empty_columns(club.dsn)) is is_secret


def test_where_no_column_has_room_it_says_so(clubs: Clubs) -> None:
    with clubs.fresh("full") as shared:
        plant(shared.dsn, 1)
        with psycopg.connect(shared.dsn, autocommit=True) as connection:
            connection.execute("UPDATE members SET salt = 'abc'")
        report = examine_canaries(clubs, shared, DOCUMENT, 1, take_tour(clubs, DOCUMENT, 1))
    assert (report.tried, report.findings, report.note) == (0, [], "no secret column has room for a canary")


def test_without_a_database_there_is_nothing_to_put() -> None:
    assert (empty_columns(""), plant("", 1), secret_values("", ("a.b",))) == ((), {}, {})
    nobody = "postgresql://nobody@127.0.0.1:1/none"
    assert (empty_columns(nobody), plant(nobody, 1), secret_values(nobody)) == ((), {}, {})
