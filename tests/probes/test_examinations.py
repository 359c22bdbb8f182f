"""What no single request shows again is seen again by examining once more, and is not where it is mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import Limits
from harness.probes.access.authorization import AuthorizationRun
from harness.probes.examinations import Found, examination_of, has_requests
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.injection.injection import examine_injection
from harness.probes.scene.scene import Scene
from harness.probes.sessions.sessions import SessionsRun
from tests.probes.servers.board_server import DOCUMENT, Boards, board
from tests.probes.servers.gate_server import DOCUMENT as GATE
from tests.probes.servers.gate_server import Gates
from tests.probes.servers.notes_server import DOCUMENT as NOTES
from tests.probes.servers.notes_server import Servers
from tests.probes.servers.shelf_server import DOCUMENT as SHELF
from tests.probes.servers.shelf_server import Shelves

FINDING = Finding("a.rule", "It shows", Severity.HIGH, Confidence.HIGH, "security", ("probes",))


def is_found_again(finding: Finding, doors: Doors) -> bool:
    examination = examination_of(finding)
    assert examination is not None
    document = next((each for kind, each in ((Servers, NOTES), (Shelves, SHELF)) if isinstance(doors, kind)), DOCUMENT)
    found = examination(doors, document, 1)
    assert not found.gap
    return finding.fingerprint in {each.fingerprint for each in found.findings}


@pytest.mark.parametrize("defect", ["raw-page", "raw-search", "page-fails"])
def test_what_a_page_showed_is_found_again_until_it_is_mended(defect: str) -> None:
    with board(defect) as live, World(live) as world:
        (finding,) = examine_injection(Scene(world, DOCUMENT, 1)).findings
    assert not has_requests(finding)
    assert is_found_again(finding, Boards((defect,)))
    assert not is_found_again(finding, Boards())


def test_so_is_a_form_that_was_taken_from_elsewhere() -> None:
    (finding,) = SessionsRun(Boards(("token-off",)), DOCUMENT, 1).run().ended_findings("page forms")
    assert is_found_again(finding, Boards(("token-off",)))
    assert not is_found_again(finding, Boards())


def test_so_is_an_old_password_that_still_logs_in() -> None:
    (finding,) = SessionsRun(Shelves(("old-password-stays",)), SHELF, 1).run().ended_findings("password")
    assert (finding.rule, has_requests(finding)) == ("sessions.old-password-works", False)
    assert is_found_again(finding, Shelves(("old-password-stays",)))
    assert not is_found_again(finding, Shelves())


@pytest.mark.parametrize(
    ("defect", "secret"),
    [("logs-tokens", "a session's token"), ("logs-passwords", "a password that a log-in was refused with")],
)
def test_so_is_a_secret_in_the_log(defect: str, secret: str, tmp_path: Path) -> None:
    logs = tmp_path / "wrong", tmp_path / "mended"
    for log in logs:
        log.write_text("started\n")
    wrong = Gates(frozenset({defect}), Limits(), log=logs[0])
    finding = replace(FINDING, rule="exposure.secret-in-log", parameter=secret)
    examination = examination_of(finding)
    assert examination is not None
    assert [each.fingerprint for each in examination(wrong, GATE, 1).findings] == [finding.fingerprint]
    assert examination(Gates(limits=Limits(), log=logs[1]), GATE, 1) == Found(())
    assert "no log that can be read" in examination(Gates(limits=Limits()), GATE, 1).gap


def test_and_a_write_that_only_its_owner_sees() -> None:
    matrix = AuthorizationRun(Servers(frozenset({"patch-of-all"})), NOTES, seed=1).run()
    (finding,) = [found for item in matrix.examined for found in item.findings]
    assert is_found_again(finding, Servers(frozenset({"patch-of-all"})))
    assert not is_found_again(finding, Servers())


def test_requests_show_it_where_something_in_the_answer_does() -> None:
    sent = replace(FINDING, steps=(Request("GET", "/x"),))
    assert has_requests(replace(sent, symptom=Symptom(status=(200,))))
    assert not has_requests(sent)
    assert not has_requests(replace(FINDING, symptom=Symptom(status=(200,))))


def test_where_nothing_can_be_looked_at_it_says_so() -> None:
    gone = replace(FINDING, stage="authorization", method="GET", route="/gone")
    form = replace(FINDING, stage="sessions", rule="cookies.form-without-token")
    for finding, said in ((gone, "the document has no GET /gone any more"), (form, "no role has pages")):
        examination = examination_of(finding)
        assert examination is not None
        found = examination(Servers(), NOTES, 1)
        assert (found.findings, found.gap) == ((), said)


def test_what_the_witness_found_is_none_of_theirs() -> None:
    assert examination_of(replace(FINDING, stage="database", rule="injection.sql")) is None


def test_of_a_rule_that_nothing_examines_alone_nothing_is_promised() -> None:
    assert examination_of(replace(FINDING, rule="headers.nosniff")) is None
