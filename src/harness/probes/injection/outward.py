"""Where a caller can send the platform itself: calls to addresses that the caller gives, seen at a listener of ours."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.drafts import Draft
from harness.probes.injection.later_calls import Taken, calls_below
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import caller, valid_drafts
from harness.probes.scene.flows import members_of
from harness.probes.scene.scene import Asker, Scene, Untestable

OURS = "ours.example:80"
LATER = " some time later"
CALL_AWAITED_S = 0.3  # a call in the same request comes before its answer; this is for one that is handed to a worker
LATE_CALL_AWAITED_S = 1.0  # once, at the end of all: for what a worker comes to later
_ADDRESS = re.compile(
    r"ur[il]$|link$|href|website|webhook|callback|endpoint|avatar|image|logo|feed|host|domain|site|proxy|fetch", re.I
)
_REFUSED = (400, 409, 422)
_OUTGOING = Weakness(
    "abuse.outgoing-call",
    Severity.HIGH,
    918,
    "API7:2023",
    "The platform calls no address that a caller names.",
    "A caller reads what only the platform can reach: its own network, and the machine's credentials.",
    "Do not fetch given addresses, or only those of a list; refuse private and loopback addresses after the name is resolved.",
)


@dataclass
class Listener:
    """A server on the loopback that notes what is asked of it."""

    base_url: str
    paths: list[str] = field(default_factory=list)

    def visits(self, token: str) -> int:
        """How often a path with the token was asked for until now."""
        return sum(token in path for path in self.paths)

    def was_called(self, token: str, wait_s: float = CALL_AWAITED_S, *, before: int = 0) -> bool:
        """Whether a path with the token was asked for more often than before, now or within the wait."""
        deadline = time.monotonic() + wait_s
        while not (called := self.visits(token) > before) and time.monotonic() < deadline:
            time.sleep(0.02)
        return called


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port of the loopback; gone at the end."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _note(self) -> None:
            heard.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST = do_HEAD = do_PUT = do_OPTIONS = _note

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: what was asked is kept in `paths`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Listener(f"http://127.0.0.1:{server.server_address[1]}", heard)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def examine_outgoing(scene: Scene) -> Report:
    """Gives each parameter and member that may take an address the one of a listener, and sees whether it is called.

    Called at once, by an operation below the object that holds the address (`POST …/{id}/test`), or some time later.
    """
    report = Report("outgoing")
    waiting: list[Taken] = []
    with listening() as listener:
        for operation in scene.document.operations:
            if operation.name in scene.destructive or (not operation.is_safe and not scene.world.target.allow.writes):
                continue
            try:
                called: set[str] = set()
                for taken in _outgoing(scene, operation, listener.base_url, called):
                    report.tried += 1
                    if _was_called(listener, taken, report):
                        called.add(taken.name)
                    else:
                        waiting.append(taken)
            except (Untestable, HarnessError) as error:
                if not scene.world.door.alive():
                    raise
                if _may_take_an_address(scene, operation):
                    report.leave_out(operation.name, error)
        waiting = [taken for taken in waiting if not _is_called_below(scene, taken, listener, report)]
        deadline = time.monotonic() + LATE_CALL_AWAITED_S
        for taken in waiting:
            _was_called(listener, taken, report, LATER, max(0.0, deadline - time.monotonic()))
    report.note = "" if report.tried or report.untried else "nothing takes an address"
    return report


def _outgoing(scene: Scene, operation: Operation, base_url: str, called: Collection[str]) -> Iterator[Taken]:
    """Sends a good request for each place that may take an address, with an address of ours in it.

    Args:
        called: the places whose address was called by now: no other way of writing it is tried there.
    """
    parameters = [p for p in operation.placed("query") if _ADDRESS.search(p.name)]
    if not parameters and operation.body is None:
        return
    asker = caller(scene, operation)
    draft = next(valid_drafts(scene, operation, asker))
    for parameter in parameters:
        token = secrets.token_hex(8)
        yield _taken(scene, parameter.name, token, asker, draft.with_value(parameter, f"{base_url}/{token}"))
    for name in _address_members(draft.body):
        token = secrets.token_hex(8)
        taken = _taken(scene, name, token, asker, _with_member(draft, name, f"{base_url}/{token}"))
        if taken.answer.status in _REFUSED and not operation.is_safe:  # what its other members say may be taken already
            other = draft.with_body(next(iter(scene.bodies(operation, f" {token}"))))
            taken = _taken(scene, name, token, asker, _with_member(other, name, f"{base_url}/{token}"))
        yield taken
        for disguise in _disguises(draft.body[name]) if taken.answer.status in (*_REFUSED, 403) else ():
            if name not in called:
                token = secrets.token_hex(8)
                yield _taken(scene, name, token, asker, _with_member(taken.draft, name, disguise(base_url, token)))


def _disguises(good: Any) -> tuple[Callable[[str, str], str], ...]:
    """Ways to write an address of ours with the host of a good one in it, which a careless look takes for that host."""
    with suppress(ValueError):
        host = urlsplit(good).hostname if isinstance(good, str) and good.startswith(("http://", "https://")) else None
        if host:
            return (
                lambda base_url, token: f"{base_url}/{token}?{host}",
                lambda base_url, token: f"{base_url}/{token}#{host}",
                lambda base_url, token: f"{base_url}/{token}/{host}",
                lambda base_url, token: f"{base_url.replace('://', f'://{host}@')}/{token}",
            )
    return ()


def _may_take_an_address(scene: Scene, operation: Operation) -> bool:
    """Whether the document shows a parameter or a member that may take one."""
    members = members_of(scene.document, operation)
    named = any(_ADDRESS.search(name) for name in (*(p.name for p in operation.placed("query")), *members))
    return named or any(isinstance(member, dict) and member.get("format") in ("uri", "url") for member in members.values())


def _address_members(body: Any) -> list[str]:
    """Members whose name or good value is that of an address."""
    members = body.items() if isinstance(body, dict) else ()
    texts = [(name, value or "") for name, value in members if value is None or isinstance(value, str)]
    return [name for name, value in texts if _ADDRESS.search(name) or value.startswith(("http://", "https://"))]


def _with_member(draft: Draft, name: str, value: str) -> Draft:
    return draft.with_body({**(draft.body if isinstance(draft.body, dict) else {}), name: value})


def _taken(scene: Scene, name: str, token: str, asker: Asker, draft: Draft) -> Taken:
    return Taken(token, name, asker, draft, scene.ask(draft.request(asker.role, asker.user)))


def _address_of(taken: Taken) -> str:
    """The address that was sent."""
    body, query = taken.draft.body, dict(taken.draft.query)
    return str(body[taken.name] if isinstance(body, dict) and taken.name in body else query.get(taken.name, OURS))


def _was_called(listener: Listener, taken: Taken, report: Report, when: str = "", wait_s: float = CALL_AWAITED_S) -> bool:
    called = listener.was_called(taken.token, wait_s)
    if called:
        operation, name = taken.operation.name, taken.name
        address = _address_of(taken).replace(listener.base_url.removeprefix("http://"), OURS).replace(taken.token, "…")
        observed = f"With {name} set to {address}, where {OURS} is an address of ours, the platform called it{when}."
        title = f"{operation} takes any address as {name}, which is called{when}"
        title = title if when else f"{operation} calls any address that {name} names"
        place = Place(operation, name, taken.asker.role)
        report.findings.append(finding_of(_OUTGOING, place, title, observed, (), Symptom(), Confidence.HIGH))
    return called


def _is_called_below(scene: Scene, taken: Taken, listener: Listener, report: Report) -> bool:
    """Whether a call below makes the platform call; where a second one does not, the first came at the same time by chance."""
    try:
        for operation, request in calls_below(scene, taken):
            scene.ask(request)
            if listener.was_called(taken.token):
                before = listener.visits(taken.token)
                scene.ask(request)
                caused = listener.was_called(taken.token, before=before)
                return _was_called(listener, taken, report, f" when {operation.name} was called" if caused else LATER)
    except HarnessError as error:
        if not scene.world.door.alive():
            raise
        report.leave_out(f"what is below {taken.operation.name}", error)
    return False
