"""What becomes of a target whose database is away for some seconds: it says so, lives, and goes on by itself afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from harness.model.errors import HarnessError
from harness.model.finding import Finding, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.audits.exposure import internals_in
from harness.probes.checks import Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.door import Door
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.tour import Visit, What

ANSWERED_S_MAX = 12.0  # with the database away: longer, and whoever waits has gone
RECOVERED_S_MAX = 15.0
LAST_CHANCE_S_MAX = 30.0  # a target that answers within this is slow to come back, not dead
PER_ROLE_MAX = 3
WHILE_HANGING_MAX = 1  # it may take as long as the bound
_POLL_S = 0.25
_CLEAR = (429, 502, 503, 504)

_UNCLEAR = Weakness(
    "robustness.outage-unclear",
    Severity.LOW,
    755,
    "API8:2023",
    "While its database is away the target answers 503.",
    "A caller cannot tell that it should come back later, and monitoring takes the outage for a defect, or for none.",
    "Map errors of the database's connection to 503 with Retry-After, in one place for all routes.",
    ("2.1.5.a",),
)
_HANGS = Weakness(
    "robustness.outage-hangs",
    Severity.MEDIUM,
    1088,
    "API4:2023",
    f"While its database says nothing the target answers within {ANSWERED_S_MAX:g} s.",
    "Every request waits, connections and workers are used up, and what needs no database is gone as well.",
    "Bound the time for a connection, for a statement, and for the wait for a free connection of the pool.",
    ("2.1.5.a",),
)
_STAYS = Weakness(
    "robustness.outage-stays",
    Severity.HIGH,
    755,
    "API8:2023",
    f"Within {RECOVERED_S_MAX:g} s after its database is back the target serves as before, and nobody has to restart it.",
    "A short outage of the database becomes a long one of the platform.",
    "Check connections before they are used again, and throw broken ones away.",
    ("2.1.5.a",),
)
_DIED = Weakness(
    "robustness.outage-kills",
    Severity.HIGH,
    755,
    "API8:2023",
    "The target lives on while its database is away.",
    "A short outage of the database becomes a long one of the platform.",
    "Catch the errors of the database's connection where requests are answered.",
    ("2.1.5.a",),
)


class Line(Protocol):
    """The line between the target and its database."""

    def refuse(self) -> None:
        """Breaks every connection; new ones are refused."""

    def hang(self) -> None:
        """Keeps the connections and passes nothing on."""

    def mend(self) -> None:
        """Passes on again."""


@runtime_checkable
class Severable(Protocol):
    """Gives targets whose line to the database is in our hands."""

    def severable(self, label: str) -> AbstractContextManager[tuple[Door, Line]]:
        """A running target on fresh data, and its line."""


def examine_outage(doors: Severable, document: Document, seed: int) -> Report:
    """Cuts the line in both ways. What is found is looked for on a second target by the caller (`seen_again`)."""
    report = Report("outage")
    try:
        with doors.severable("outage") as (door, line), World(door) as world:
            if not door.target.allow.faults:
                report.note = "the target file does not allow faults"
                return report
            asked = _working(Scene(world, document, seed))
            if not asked:
                report.note = "no reading operation without parameters succeeded"
                return report
            for how, cut, count in (("broken", line.refuse, len(asked)), ("silent", line.hang, WHILE_HANGING_MAX)):
                _Outage(world, how, asked, report).run(cut, line.mend, count)
                if any(finding.rule in (_STAYS.rule, _DIED.rule) for finding in report.findings):
                    break
    except HarnessError as error:
        report.note = report.note or str(error)
        report.broken = str(error)
    return report


def _working(scene: Scene) -> list[tuple[str, Asker, Request]]:
    """Some reading operations of each role, with a request that succeeds."""
    found: list[tuple[str, Asker, Request]] = []
    for role in scene.roles:
        asker = Asker.first_of(role)
        mine: list[tuple[str, Asker, Request]] = []
        for operation in scene.document.operations:
            if len(mine) == PER_ROLE_MAX or operation.method != "GET" or not operation.is_secured or "{" in operation.path:
                continue
            if scene.permission(operation, asker).permitted is False:
                continue
            try:
                request = scene.draft(operation, asker).request(asker.role, asker.user)
            except Untestable:
                continue
            if scene.world.send(request).is_success:
                mine.append((operation.name, asker, request))
        found += mine
    return found


@dataclass
class _Outage:
    world: World
    how: str  # "broken", "silent"
    asked: list[tuple[str, Asker, Request]]
    report: Report

    def run(self, cut: Callable[[], None], mend: Callable[[], None], count: int) -> None:
        """Cuts the line, asks, mends it, and waits until the target serves again."""
        cut()
        try:
            for name, asker, request in self.asked[:count]:
                self.report.tried += 1
                answer = self._ask(request)
                self._judge(name, asker, request, answer)
                if answer.status == 0:
                    break  # the others would keep us waiting as long, and say the same
        finally:
            mend()
        self._recovers()

    def _ask(self, request: Request) -> Answer:
        begun = time.monotonic()
        try:
            return self.world.send_as(request, self.world.credential(request.role, request.user))
        except HarnessError as error:  # no answer, and none from its health address: it may wait for the database as well
            return Answer(0, error=str(error), elapsed_s=time.monotonic() - begun)

    def _judge(self, name: str, asker: Asker, request: Request, answer: Answer) -> None:
        if answer.is_success or answer.status in _CLEAR:
            if answer.elapsed_s > ANSWERED_S_MAX:
                self._say(_HANGS, name, f"It took {answer.elapsed_s:.0f} s to answer {answer.status}")
            return
        if answer.status == 0:
            if "Timeout" not in answer.error:
                self._say(_HANGS, name, "It closed the connection without an answer")
            elif answer.elapsed_s >= ANSWERED_S_MAX:  # a route that was late before is not waited for so long again
                self._say(_HANGS, name, f"It gave no answer within {answer.elapsed_s:.0f} s")
            return
        inside = list(internals_in(name, Visit(What.BROKEN, name, asker, request, answer)))
        told = any(finding.rule == each.rule for each in inside for finding in self.report.findings)
        self.report.findings += [] if told else inside[:1]
        if not inside:
            self._say(_UNCLEAR, name, f"{asker.title.capitalize()} was answered {answer.status}")

    def _say(self, weakness: Weakness, name: str, observed: str) -> None:
        """One finding for each rule: all routes reach the database in one way."""
        if any(finding.rule == weakness.rule for finding in self.report.findings):
            return
        observed = f"{observed} ({name}) while the line to its database was {self.how}."
        title = {
            _UNCLEAR.rule: "An outage of the database is not told as one",
            _HANGS.rule: "An outage of the database leaves callers without an answer",
            _STAYS.rule: "The target does not come back after its database did",
        }.get(weakness.rule, "The target dies of an outage of its database")
        self.report.findings.append(_finding(weakness, title, observed))

    def _recovers(self) -> None:
        name, _, request = self.asked[0]
        deadline = time.monotonic() + RECOVERED_S_MAX
        last = self._ask(request)
        while not last.is_success and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            last = self._ask(request)
        if last.is_success:
            return
        if self._answers_at_last():
            said = f"answered {last.status}" if last.status else "not answered"
            self._say(_STAYS, name, f"{RECOVERED_S_MAX:g} s after the line was mended it was still {said}")
        else:
            self._say(_DIED, name, "It did not answer any more")

    def _answers_at_last(self) -> bool:
        """Whether it is merely slow to come back: what still waits for a lost connection is not dead."""
        deadline = time.monotonic() + LAST_CHANCE_S_MAX
        while not (alive := self.world.door.alive()) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return alive


def _finding(weakness: Weakness, title: str, observed: str) -> Finding:
    return finding_of(weakness, Place(), title, observed, (), Symptom())
