"""Where a caller can send others, or the platform itself: open redirects, and calls to addresses that the caller gives."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin, urlsplit

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Request, Severity, Symptom
from harness.model.target import Role
from harness.model.weakness import Place, Weakness
from harness.probes.calls import valid_drafts
from harness.probes.checks import Report, finding_of
from harness.probes.exchange import PASSWORD, USERNAME, Answer, World
from harness.probes.operations import Operation
from harness.probes.pages import Browsing, forms_of
from harness.probes.scene import Scene, Untestable

FOREIGN_HOST = "foreign.example.net"
CALL_AWAITED_S = 0.3  # a call in the same request comes before its answer; this is for one that is handed to a worker
_ONWARD = re.compile(
    r"^(next|url|uri|to|u|r|redir|redirect|redirect_?(to|url|uri)|return|return_?(to|url)|continue|dest|destination|goto|go|target"
    r"|back|back_?url|forward|success_?url|cancel_?url|callback|callback_?url|location)$",
    re.I,
)
_ADDRESS = re.compile(
    r"ur[il]$|link$|href|website|webhook|callback|endpoint|avatar|image|logo|feed|host|domain|site|proxy|fetch", re.I
)
_FOREIGN = (
    f"https://{FOREIGN_HOST}/",
    f"//{FOREIGN_HOST}/",
    f"/\\{FOREIGN_HOST}/",
    f"https:/{FOREIGN_HOST}/",
    f"/%09/{FOREIGN_HOST}/",
)

_REDIRECT = Weakness(
    "abuse.open-redirect",
    Severity.MEDIUM,
    601,
    "API8:2023",
    "A redirect leads to the platform's own pages only.",
    "A link that begins with the platform's address leads to a copy of its log-in.",
    "Accept paths of the platform's own (one slash, then no slash or backslash), and nothing else.",
)
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

    def was_called(self, token: str, wait_s: float = CALL_AWAITED_S) -> bool:
        """Whether a path with the token was asked for, now or within the wait."""
        deadline = time.monotonic() + wait_s
        while not (called := any(token in path for path in self.paths)) and time.monotonic() < deadline:
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


def leads_away(base_url: str, path: str, location: str) -> bool:
    """Whether a browser that is at `path` follows `location` to another host. Browsers take a backslash for a slash."""
    cleaned = re.sub(r"[\t\r\n]", "", location).replace("\\", "/")
    if re.match(r"^https?:/?[^/]", cleaned):
        cleaned = re.sub(r"^(https?:)/?", r"\1//", cleaned)
    host = urlsplit(urljoin(base_url + path, cleaned)).hostname
    return host is not None and host != urlsplit(base_url).hostname


def examine_redirects(scene: Scene) -> Report:
    """Parameters that name where to go next: of operations, and of the log-in pages."""
    report = Report("redirects")
    for operation in scene.document.operations:
        redirects = any(response.status.startswith("3") for response in operation.responses)
        names = [parameter for parameter in operation.placed("query") if redirects or _ONWARD.match(parameter.name)]
        if operation.method != "GET" or not names:
            continue
        with contextlib.suppress(Untestable):
            asker = scene.caller(operation)
            draft = next(valid_drafts(scene, operation, asker))
            for parameter in names:
                for foreign in _FOREIGN:
                    request = draft.with_value(parameter, foreign).request(asker.role, asker.user)
                    _redirected(report, scene.world, operation.name, parameter.name, request, scene.world.send(request))
    for role in scene.roles:
        if role.page_login:
            _log_in_page(report, scene.world, role)
    report.note = "" if report.tried else "no operation and no log-in page takes an address to go to"
    return report


def _redirected(report: Report, world: World, operation: str, parameter: str, request: Request, answer: Answer) -> None:
    report.tried += 1
    location = answer.header("location")
    if 300 <= answer.status < 400 and leads_away(world.door.base_url, request.path.partition("?")[0], location):
        if any(finding.operation == operation and finding.parameter == parameter for finding in report.findings):
            return
        title = f"{operation} redirects to any address that {parameter} names"
        observed = f"It was answered {answer.status} with Location: {location[:80]}."
        symptom = Symptom(status=(answer.status,), header="Location", header_value=location)
        report.findings.append(
            finding_of(_REDIRECT, Place(operation, parameter), title, observed, (request,), symptom, Confidence.HIGH)
        )


def _log_in_page(report: Report, world: World, role: Role) -> None:
    """Logs in with a foreign address in each of the usual names of the page's own parameter and of the form's fields."""
    user = role.users[0]
    for foreign in _FOREIGN[:3]:
        page = f"{role.page_login}?next={foreign}&redirect={foreign}&return_to={foreign}"
        browsing = Browsing(world)
        form = next((form for form in forms_of(browsing.get(page, follow=False)) if form.password and form.username), None)
        if form is None:
            return
        onward = {item.name: foreign for item in form.fields if _ONWARD.match(item.name)}
        answer = browsing.submit(page, form, {form.username: USERNAME, form.password: PASSWORD, **onward}, role.name, user.name)
        request = Request("POST", role.page_login, role.name, user.name)
        _redirected(report, world, f"POST {role.page_login}", "next", request, answer)


def examine_outgoing(scene: Scene) -> Report:
    """Gives each parameter and member that may take an address the one of a listener, and sees whether it is called."""
    report = Report("outgoing")
    with listening() as listener:
        for operation in scene.document.operations:
            if operation.name in scene.destructive or (not operation.is_safe and not scene.world.target.allow.writes):
                continue
            try:
                _outgoing(scene, operation, listener, report)
            except (Untestable, HarnessError) as error:
                if not scene.world.door.alive():
                    raise
                report.note = f"{operation.name}: {error}"
    report.note = report.note if report.tried else "nothing takes an address"
    return report


def _outgoing(scene: Scene, operation: Operation, listener: Listener, report: Report) -> None:
    asker = scene.caller(operation)
    parameters = [p for p in operation.placed("query") if _ADDRESS.search(p.name)]
    draft = next(valid_drafts(scene, operation, asker)) if parameters or operation.body else None
    if draft is None:
        return
    requests: list[tuple[str, Any]] = [(p.name, lambda at, p=p: draft.with_value(p, at)) for p in parameters]
    if isinstance(draft.body, dict):
        names = [
            name for name, value in draft.body.items() if _ADDRESS.search(name) and (value is None or isinstance(value, str))
        ]
        requests += [(name, lambda at, name=name: replace(draft, body={**draft.body, name: at})) for name in names]
    for name, made in requests:
        token = secrets.token_hex(8)
        request = made(f"{listener.base_url}/{token}").request(asker.role, asker.user)
        scene.world.send(request) if asker.role else scene.world.send_as(request, scene.anonymous)
        report.tried += 1
        if listener.was_called(token):
            observed = f"With {name} set to an address of ours, the platform called it."
            title = f"{operation.name} calls any address that {name} names"
            place = Place(operation.name, name, asker.role)
            report.findings.append(finding_of(_OUTGOING, place, title, observed, (), Symptom(), Confidence.HIGH))
