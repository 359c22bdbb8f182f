"""A database that is away for some seconds, under a platform that is not the reference one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import psycopg
import pytest

from harness.databases.embedded import EmbeddedServer, open_embedded
from harness.model.finding import Confidence, Finding, Severity
from harness.model.target import Allow, Limits
from harness.probes.audits import outage
from harness.probes.audits.outage import examine_outage
from harness.probes.checks import Report
from harness.probes.examinations import Found, examination_of, has_requests
from harness.targets.live import LiveTarget
from harness.targets.relay import Relay
from tests.probes.servers.gate_server import DOCUMENT, Gate, Gates, target
from tests.probes.servers.small_http import Asked, Given, served

FINDING = Finding("a.rule", "It shows", Severity.HIGH, Confidence.HIGH, "security", ("probes",))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with open_embedded(tmp_path_factory.mktemp("server")) as opened:
        opened.create("gate")
        yield opened


@dataclass
class WithDatabase:
    """The gate, whose `/me` asks a database; its defects say how badly it takes an outage."""

    dsn: str
    defects: frozenset[str]
    gate: Gate = field(default_factory=lambda: Gate(limits=Limits()))
    kept: psycopg.Connection | None = None

    def answer(self, asked: Asked) -> Given:
        given = self.gate.answer(asked)
        if asked.path != "/me" or given.status != 200:
            return given
        try:
            return Given(200, {"now": self._ask()})
        except psycopg.Error as error:
            if "tells-inside" in self.defects:
                return Given(500, f"psycopg.errors.{type(error).__name__}: {error}")
            return Given(500 if "answers-500" in self.defects else 503, {"error": "later"})

    def _ask(self) -> str:
        if self.kept is None or "reconnects-never" not in self.defects:
            with suppress(psycopg.Error):
                if self.kept is not None:
                    self.kept.close()
            self.kept = psycopg.connect(self.dsn, connect_timeout=2, autocommit=True)
        return str(self.kept.execute("SELECT now()").fetchone())


@dataclass
class Doors:
    server: EmbeddedServer
    defects: frozenset[str]
    faults: bool = True
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        with self.severable(label) as (live, _):
            yield live

    @contextmanager
    def severable(self, label: str) -> Iterator[tuple[LiveTarget, Relay]]:
        assert label
        address = urlsplit(self.server.dsn("gate"))
        with Relay(address.hostname or "", address.port or 0) as relay:
            dsn = address._replace(netloc=f"{address.netloc.rpartition('@')[0]}@127.0.0.1:{relay.port}").geturl()
            with served(
                replace(target(Limits()), allow=Allow(writes=True, faults=self.faults)), WithDatabase(dsn, self.defects).answer
            ) as live:
                yield live, relay


def examined(server: EmbeddedServer, *defects: str) -> Report:
    return examine_outage(Doors(server, frozenset(defects)), DOCUMENT, 1)


def test_a_platform_that_says_503_and_comes_back_gives_no_finding(server: EmbeddedServer) -> None:
    report = examined(server)
    assert report.findings == []
    assert report.tried == 3


@pytest.mark.parametrize(
    ("defect", "rule"),
    [
        ("answers-500", "robustness.outage-unclear"),
        ("tells-inside", "exposure.internals"),
        ("reconnects-never", "robustness.outage-stays"),
    ],
)
def test_an_outage_that_is_taken_badly_is_said_once(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, defect: str, rule: str
) -> None:
    monkeypatch.setattr(outage, "RECOVERED_S_MAX", 1.0)
    assert [finding.rule for finding in examined(server, defect).findings] == [rule]


def test_one_that_is_taken_badly_is_found_again_until_it_is_mended(server: EmbeddedServer) -> None:
    (finding,) = examined(server, "answers-500").findings
    assert not has_requests(finding)
    examination = examination_of(finding)
    assert examination is not None
    again = examination(Doors(server, frozenset({"answers-500"})), DOCUMENT, 1)
    assert [found.fingerprint for found in again.findings] == [finding.fingerprint]
    assert examination(Doors(server, frozenset()), DOCUMENT, 1) == Found(())


def test_no_line_is_cut_where_that_is_not_allowed_or_cannot_be_done(server: EmbeddedServer) -> None:
    examination = examination_of(replace(FINDING, rule="robustness.outage-hangs"))
    assert examination is not None
    assert examination(Doors(server, frozenset(), faults=False), DOCUMENT, 1).gap == "the target file does not allow faults"
    assert "not in our hands" in examination(Gates(), DOCUMENT, 1).gap


def test_an_answer_that_comes_too_late_is_no_answer(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "ANSWERED_S_MAX", 1.0)
    assert [finding.rule for finding in examined(server).findings] == ["robustness.outage-hangs"]
