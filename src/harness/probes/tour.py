"""A visit to everything that answers: each operation as each role that may, the errors that it can give, and the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.probes.deaths import Death, death_by
from harness.probes.http.answers import Answer
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.http.pages import Browsing, PageSession, log_in
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import attempts
from harness.probes.scene.code_exchange import confirmed
from harness.probes.scene.destruction import locks_out
from harness.probes.scene.scene import NOBODY, Asker, Scene, Untestable

PAGES_MAX = 12


class What(StrEnum):
    """What an answer is an example of."""

    SUCCESS = "a success"
    ANONYMOUS = "a request without a credential"
    BROKEN = "a request that is not well formed"
    UNKNOWN_PATH = "a path that is not there"
    WRONG_METHOD = "a method that is not allowed"
    PAGE = "a page"
    ERROR_PAGE = "a page that is not there"


@dataclass(frozen=True)
class Visit:
    """One answer, and how it came about. `operation` is "" for what is no operation of the document."""

    what: What
    operation: str
    asker: Asker
    request: Request
    answer: Answer

    @property
    def route(self) -> str:
        """The template, or the path of what is no operation."""
        return self.operation.partition(" ")[2] if self.operation else self.request.path.partition("?")[0]


@dataclass
class Tour:
    """Everything that was visited. `reached` are the operations that succeeded for somebody, `notes` why others did not."""

    visits: list[Visit] = field(default_factory=list)
    operations: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    requests: int = 0
    death: Death | None = None

    @property
    def died(self) -> str:
        """How the target ended; "" where it did not."""
        return self.death.note if self.death else ""

    @property
    def reached(self) -> tuple[str, ...]:
        """Operations that succeeded for somebody."""
        seen = {visit.operation for visit in self.visits if visit.what is What.SUCCESS}
        return tuple(name for name in self.operations if name in seen)

    def of(self, operation: str) -> list[Visit]:
        """The visits of one operation; with "" those of what is no operation."""
        return [visit for visit in self.visits if visit.operation == operation]


def take_tour(doors: Doors, document: Document, seed: int, say: Callable[[str], None] = lambda _name: None) -> Tour:
    """Visits everything on a fresh target; what destroys credentials or data comes last.

    What locks a user out has a target of its own: after it nobody could visit the next one.
    """
    tour = Tour(operations=document.names)
    with doors.fresh("tour") as door, World(door) as world:
        guide = _Guide(Scene(world, document, seed), tour, isolated=doors.isolated, say=say)
        apart = guide.lead()
        tour.requests = world.traffic.requests
    for operation in apart:
        with doors.fresh("tour") as door, World(door) as world:
            _Guide(Scene(world, document, seed), tour, isolated=True, say=say).visit(operation)
            tour.requests += world.traffic.requests
    tour.roles = tuple(dict.fromkeys(v.asker.role for v in tour.visits if v.asker.role and v.what is What.SUCCESS))
    return tour


class _Guide:
    def __init__(self, scene: Scene, tour: Tour, *, isolated: bool, say: Callable[[str], None]) -> None:
        self._scene, self._tour, self._isolated, self._say = scene, tour, isolated, say
        self._destructive = scene.destructive

    def lead(self) -> list[Operation]:
        """Operations, then what is no operation; a dead target ends the tour. Gives what wants a target of its own."""
        self._bounded("pages", self._pages)
        apart = []
        for operation in sorted(self._scene.document.operations, key=self._scene.lateness):
            if self._isolated and self._locks_out(operation):
                apart.append(operation)
            else:
                self.visit(operation)
        self._bounded("paths", self._elsewhere)
        return apart

    def visit(self, operation: Operation) -> None:
        """One operation; why it did not succeed is noted."""
        self._bounded(operation.name, lambda: self._visit(operation))
        self._say(operation.name)

    def _locks_out(self, operation: Operation) -> bool:
        world = self._scene.world
        return operation.name in self._destructive and locks_out(self._scene.document, world.target, operation)

    def _bounded(self, name: str, act: Callable[[], None]) -> None:
        if self._tour.died:
            self._tour.notes[name] = self._tour.died
            return
        try:
            act()
        except (Untestable, HarnessError) as error:
            self._tour.notes[name] = str(error)
            if not self._scene.world.door.alive():
                self._tour.death = death_by(error)

    def _visit(self, operation: Operation) -> None:
        request = self._success(operation)
        if request is not None:
            bare = replace(request, role="", user="")
            if operation.is_secured:
                self._send(What.ANONYMOUS, operation.name, NOBODY, bare)
            if operation.bodies and operation.name not in self._destructive:
                broken = replace(request, body="{not json", headers={**request.headers, "Content-Type": "application/json"})
                self._send(What.BROKEN, operation.name, Asker(request.role, request.user), broken)

    def _success(self, operation: Operation) -> Request | None:
        """A success as each role that may; the last request that was tried."""
        if operation.name in self._destructive and not self._isolated:
            raise Untestable("it destroys credentials or data, and this target cannot be given fresh ones")
        by_code = confirmed(self._scene, operation)
        if by_code is not None:
            self._tour.visits.append(Visit(What.SUCCESS, operation.name, by_code.asker, by_code.request, by_code.answer))
            return by_code.request
        last: Request | None = None
        for asker in self._askers(operation):
            for call in attempts(self._scene, operation, asker):
                last = call.request
                if call.succeeded and call.answer.endless:
                    self._tour.notes[operation.name] = f"the answer to {asker.title} did not end in {call.answer.elapsed_s:.0f} s"
                    break
                if call.succeeded:
                    self._tour.visits.append(Visit(What.SUCCESS, operation.name, asker, call.request, call.answer))
                    break
            else:
                self._tour.notes[operation.name] = f"no request of {asker.title} succeeded"
            if operation.name in self._destructive:
                self._scene.world.forget(asker.role, asker.user)
                break
        return last

    def _askers(self, operation: Operation) -> Iterator[Asker]:
        if not operation.is_secured:
            yield NOBODY
            return
        for role in self._scene.roles:
            if self._scene.permissions.of(operation, role).permitted is not False:
                yield Asker.first_of(role)

    def _send(self, what: What, operation: str, asker: Asker, request: Request) -> None:
        world = self._scene.world
        answer = world.send(request) if asker.role else world.send_as(request, self._scene.anonymous)
        self._tour.visits.append(Visit(what, operation, asker, request, answer))

    def _elsewhere(self) -> None:
        """Paths that nothing serves, and a method that nothing takes."""
        base = self._scene.drafter.base_path
        for path in (f"{base}/api/no-such-path-7f3e", "/no-such-page-7f3e"):
            self._send(What.UNKNOWN_PATH, "", NOBODY, Request("GET", path))
        readable = next((op for op in self._scene.document.operations if op.method == "GET" and "{" not in op.path), None)
        if readable is not None:
            self._send(What.WRONG_METHOD, "", NOBODY, Request("TRACE", base + readable.path))

    def _pages(self) -> None:
        """The log-in pages, and what is behind them."""
        for role in self._scene.roles:
            if not role.page_login:
                continue
            browsing = Browsing(self._scene.world)
            session = log_in(browsing, role, role.users[0])
            seen = [(request, answer) for request, answer in browsing.answers if answer.is_html]
            asker = Asker.first_of(role) if session else NOBODY
            for request, answer in seen:
                self._tour.visits.append(Visit(What.PAGE, "", asker, request, answer))
            if session is not None:
                self._linked(browsing, asker, session)

    def _linked(self, browsing: Browsing, asker: Asker, session: PageSession) -> None:
        for _, answer in islice(browsing.walk(session, PAGES_MAX), 1, None):  # the first is what the log-in led to
            if answer.is_html:
                self._tour.visits.append(Visit(What.PAGE, "", asker, browsing.answers[-1][0], answer))
