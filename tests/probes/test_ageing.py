"""Sessions and codes that must end by themselves, on a platform that keeps them in its database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.databases.embedded import EmbeddedServer, open_embedded
from harness.model.finding import Confidence
from harness.probes.abuse.codes import examine_codes
from harness.probes.again import examined_twice
from harness.probes.checks import Report
from harness.probes.examinations import examination_of
from harness.probes.http.exchange import World
from harness.probes.scene.ageing import says_its_end
from harness.probes.scene.scene import Scene
from harness.probes.sessions.endings import Ended
from harness.probes.sessions.session_age import examine_age
from harness.probes.sessions.sessions import SessionsRun
from tests.probes.servers.gate_server import DOCUMENT as GATE
from tests.probes.servers.gate_server import Gates
from tests.probes.servers.locker_server import DOCUMENT, Lockers

NEVER_ENDS = ("codes.never-ends", "POST /password/reset", Confidence.HIGH)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with open_embedded(tmp_path_factory.mktemp("lockers")) as opened:
        yield opened


def sessions(server: EmbeddedServer, folder: Path, *traits: str) -> Ended:
    with Lockers(server, folder, frozenset(traits)).fresh("age") as live, World(live) as world:
        scene = Scene(world, DOCUMENT, 1)
        return examine_age(scene, scene.roles[0])


def codes(server: EmbeddedServer, folder: Path, *traits: str) -> Report:
    return examined_twice(Lockers(server, folder, frozenset(traits)), "codes", lambda door: examine_codes(door, DOCUMENT, 1))


def said(report: Report) -> list[tuple[str, str, Confidence]]:
    return [(finding.rule, finding.operation, finding.confidence) for finding in report.findings]


@pytest.mark.parametrize("traits", [(), ("logs-requests",), ("no-end",), ("in-parts",)])
def test_a_session_that_ends_or_promises_no_end_gives_no_finding(
    server: EmbeddedServer, tmp_path: Path, traits: tuple[str, ...]
) -> None:
    ended = sessions(server, tmp_path, *traits)
    assert (ended.tried, ended.finding, ended.note) == (True, None, "")


@pytest.mark.parametrize("more", [(), ("logs-requests",), ("in-parts",)])
@pytest.mark.parametrize(
    ("defect", "operation", "what"), [("token-forever", "POST /login", "token"), ("cookie-forever", "POST /enter", "cookie")]
)
def test_a_session_whose_end_is_not_asked_for_is_found(
    server: EmbeddedServer, tmp_path: Path, defect: str, operation: str, what: str, more: tuple[str, ...]
) -> None:
    finding = sessions(server, tmp_path, defect, *more).finding
    assert finding is not None
    assert (finding.rule, finding.operation, finding.cwe) == ("sessions.end-not-asked", operation, 613)
    assert finding.title.startswith(f"The {what} of member")
    assert "sessions" in finding.observed


@pytest.mark.parametrize("defect", ["token-forever", "cookie-forever"])
def test_it_is_found_again_until_it_is_mended(server: EmbeddedServer, tmp_path: Path, defect: str) -> None:
    faulty, mended = (Lockers(server, tmp_path, frozenset(traits)) for traits in ((defect,), ()))
    (finding,) = SessionsRun(faulty, DOCUMENT, 1).run().ended_findings("age")
    examination = examination_of(finding)
    assert finding.confidence is Confidence.HIGH
    assert examination is not None
    found = [{each.fingerprint for each in examination(doors, DOCUMENT, 1).findings} for doors in (faulty, mended)]
    assert [finding.fingerprint in each for each in found] == [True, False]


def test_what_hangs_on_no_row_is_not_judged(server: EmbeddedServer, tmp_path: Path) -> None:
    ended = sessions(server, tmp_path, "in-memory")
    assert (ended.tried, ended.finding) == (False, None)
    assert "no row that could be taken away" in ended.note
    ended = sessions(server, tmp_path, "in-memory", "logs-requests")
    assert (ended.tried, ended.finding) == (False, None)
    assert "good without the rows" in ended.note


def test_rows_that_a_trigger_puts_right_again_are_not_judged(server: EmbeddedServer, tmp_path: Path) -> None:
    ended = sessions(server, tmp_path, "renews")
    assert (ended.tried, ended.finding) == (False, None)


def test_rows_whose_end_is_told_in_words_are_not_judged(server: EmbeddedServer, tmp_path: Path) -> None:
    ended = sessions(server, tmp_path, "told-in-words")
    assert (ended.tried, ended.finding) == (False, None)
    assert "not all that it wrote could be made older" in ended.note


@pytest.mark.parametrize(("text", "may"), [("a" * 40, False), ("s:id.signature", False), ("head.claims.signature", True)])
def test_what_is_signed_may_hold_its_own_end(text: str, may: bool) -> None:
    assert says_its_end(text) is may


def test_without_a_database_nothing_is_judged() -> None:
    with Gates().fresh("age") as live, World(live) as world:
        scene = Scene(world, GATE, 1)
        ended = examine_age(scene, scene.roles[0])
    assert (ended.tried, ended.finding) == (False, None)
    assert "does not provide the target's database" in ended.note


@pytest.mark.parametrize("traits", [(), ("code-in-row",), ("logs-requests",)])
def test_a_code_that_ends_gives_no_finding(server: EmbeddedServer, tmp_path: Path, traits: tuple[str, ...]) -> None:
    report = codes(server, tmp_path, *traits)
    assert said(report) == []
    assert "codes.not-seen" not in {each.rule for each in report.observations}


@pytest.mark.parametrize("traits", [(), ("code-in-row",), ("logs-requests",)])
def test_a_code_that_is_good_for_ever_is_found(server: EmbeddedServer, tmp_path: Path, traits: tuple[str, ...]) -> None:
    assert said(codes(server, tmp_path, "code-forever", *traits)) == [NEVER_ENDS]
