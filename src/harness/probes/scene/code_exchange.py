"""Has codes sent and gives them back: each from a client of its own, and the codes read where they are seen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from harness.model.finding import Request
from harness.probes.http.addresses import fresh_address
from harness.probes.http.answers import Answer
from harness.probes.http.clients import can_be_many
from harness.probes.http.door import Credential, Door
from harness.probes.http.drafts import Draft
from harness.probes.http.exchange import World
from harness.probes.http.oracle import leaves
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import Call
from harness.probes.scene.code_flows import Codes, Log, Started
from harness.probes.scene.flows import Flow, flows_of, names_code
from harness.probes.scene.scene import Asker, Scene, Untestable

CANDIDATES_MAX = 3  # that are tried for the code of one start
LOG_AWAITED_S = 2.0  # a code may be sent after the answer
LATE_S = 0.3  # the line of an earlier start may come before that of this one
_POLL_S = 0.02
_CODE = re.compile(r"^\d{4,8}$")


@dataclass
class Correspondence:
    """All that is sent of one flow. `sighted` is set once a code that was seen has been accepted."""

    door: Door
    codes: Codes
    log: Log = field(init=False)
    sighted: bool = False
    confirmations: int = 0

    def __post_init__(self) -> None:
        self.log = Log(self.door.log_path)

    @property
    def flow(self) -> Flow:
        """Which operations start and confirm, and where the code goes."""
        return self.codes.flow

    @contextmanager
    def client(self) -> Iterator[World]:
        """A client that no limit knows yet, where the target can tell them apart."""
        door = self.door.seen_from(fresh_address()) if can_be_many(self.door) else self.door
        with World(door) as world:
            yield world

    def send(self, request: Request, world: World | None = None) -> Answer:
        """Sends a request of the flow from `world`, or from a client of its own."""
        secured = self.flow.start.is_secured or self.flow.confirm.is_secured
        if world is None:
            with self.client() as own:
                return self.send(request, own)
        credential = self.codes.scene.world.credential(request.role, request.user) if secured else Credential()
        return world.send_as(request, credential)

    def start(self) -> Started:
        """Has a code sent to the next person.

        Raises:
            Untestable: it was refused, or no request could be made.
        """
        request, given = self.codes.start_request()
        address = self.codes.scene.world.user(request.role, request.user)[1].address if self.flow.is_reset else ""
        started = Started(request, given, self.send(request), address)
        if not started.answer.is_success:
            number, status = self.codes.starts, started.answer.status
            hint = f' ("{address}" is no e-mail address: give the user an `email`)' if address and "@" not in address else ""
            raise Untestable(f"start {number} of {self.flow.start.name} was answered {status}, so no code was sent{hint}")
        return started

    def confirm(self, started: Started, code: str, world: World | None = None) -> Answer:
        """Gives a code for that start."""
        self.confirmations += 1
        return self.send(self.codes.confirm_request(started, code), world)

    def confirm_as(self, role: str, user: str, started: Started, code: str) -> Answer:
        """Gives a code for that start in somebody else's session."""
        self.confirmations += 1
        return self.send(replace(self.codes.confirm_request(started, code), role=role, user=user))

    def told(self, started: Started) -> list[str]:
        """What in the answer looks like a code."""
        named = {path.rsplit(".", 1)[-1].lower(): str(value) for path, value in leaves(started.answer.json)}
        found = [value for name, value in named.items() if names_code(name, self.flow) and value not in ("None", "")]
        found += [value for value in named.values() if _CODE.match(value)]
        return list(dict.fromkeys(found))

    def seen(self, started: Started) -> list[str]:
        """Candidates for the code of a start, the likeliest first: of its answer, then of the log."""
        return [*self.told(started), *self._logged(started)]

    def _logged(self, started: Started) -> list[str]:
        """Codes that the log shows within the wait: those of lines about whom it was sent to, else all, the newest first."""
        begun, text = time.monotonic(), self.log.read()
        while True:
            lines = [line for line in reversed(text.splitlines()) if self.flow.log_pattern.search(line)]
            about = [line for line in lines if started.is_about(line)]
            patience_s = LATE_S if lines else LOG_AWAITED_S if self.flow.declared or self.sighted else LOG_AWAITED_S / 4
            if about or self.door.log_path is None or time.monotonic() - begun > patience_s:
                return list(dict.fromkeys(code for line in about or lines for code in self.flow.log_pattern.findall(line)))
            time.sleep(_POLL_S)
            text += self.log.read()

    def used(self, started: Started) -> tuple[str, int]:
        """The code that was accepted and the answer's status; `""` where none of those seen was."""
        for code in self.seen(started)[:CANDIDATES_MAX]:
            answer = self.confirm(started, code)
            if answer.is_success:
                return code, answer.status
        return "", 0

    def drafts(self) -> Iterator[Draft]:
        """The confirmation of one start, with each code that is seen for it."""
        self.log.skip()
        started = self.start()
        for code in self.seen(started)[:CANDIDATES_MAX]:
            yield self.codes.confirm_draft(started, code)

    def success(self) -> Call | None:
        """The first confirmation that succeeds, of one start."""
        self.log.skip()
        started = self.start()
        for code in self.seen(started)[:CANDIDATES_MAX]:
            request = self.codes.confirm_request(started, code)
            answer = self.send(request)
            if answer.is_success:
                return Call(Asker(request.role, request.user), request, answer)
        return None


def confirmed(scene: Scene, operation: Operation) -> Call | None:
    """A confirmation with the right code, which no generated request holds; None for other operations, or where none is seen.

    Raises:
        Untestable: the flow could not be started.
    """
    post = _correspondence(scene, operation)
    return post.success() if post else None


def confirming(scene: Scene, operation: Operation) -> Iterator[Draft]:
    """A confirmation with the codes that are seen for a new start; none for other operations.

    Raises:
        Untestable: the flow could not be started.
    """
    post = _correspondence(scene, operation)
    if post is not None:
        yield from post.drafts()


def _correspondence(scene: Scene, operation: Operation) -> Correspondence | None:
    flows = flows_of(scene.document, scene.world.target.codes)
    flow = next((flow for flow in flows if flow.confirm.name == operation.name), None)
    if flow is None or not scene.world.target.allow.writes:
        return None
    return Correspondence(scene.world.door, Codes(scene, flow))
