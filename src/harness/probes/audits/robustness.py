"""Input that is not right: it is refused clearly, never with a 5xx, never with the platform's inside, and nothing dies of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Symptom
from harness.model.weakness import Place
from harness.probes.audits.error_shapes import ErrorShapes
from harness.probes.audits.exposure import EVERYWHERE_MIN, INTERNALS_RULE, NAMED_MAX, internals_in
from harness.probes.checks import DIED, SERVER_ERROR, Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.doors import Doors
from harness.probes.http.drafts import Draft
from harness.probes.http.exchange import World
from harness.probes.http.xml_bodies import is_xml
from harness.probes.openapi.document import Document
from harness.probes.openapi.nested import members, replaced
from harness.probes.openapi.operations import Operation, Parameter
from harness.probes.openapi.schemas import JsonSchema, SchemaError
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.tour import Visit, What

LONG_TEXT = 20_000  # characters: more than any field holds, less than any limit on bodies
DEPTH = 2_000
_CUT_OFF = ("RemoteProtocolError", "ReadError")  # a worker that died takes its connections with it
CUT_OFF_TRIES = 4
READS_AGAIN = 3
INNER_MEMBERS_MAX = 8  # of one body, in the objects that it holds
LINE_CHARACTERS_MAX = 8_000
"""Of an address: a longer one a server refuses by itself, and may hang up before its refusal is read."""
_UNAVAILABLE = (501, 503, 505)  # says clearly that it does not serve this, or not now

_HOSTILE_TEXTS: tuple[tuple[str, str], ...] = (
    ("an empty value", ""),
    ("a negative number", "-1"),
    ("a number beyond 32 bits", str(2**31)),
    ("a number beyond 64 bits", str(2**63)),
    ("a huge number", "9" * 30),
    ("an infinite number", "1e999"),
    ("not a number", "NaN"),
    ("a NUL character", "a\0b"),
    ("a lone surrogate", "\ud800"),
    ("quotes", "'\"`\\"),
    ("a path upwards", "../../../etc/passwd"),
    ("an impossible date", "2026-13-45"),
    ("an unfinished escape", "%"),
    ("a text in another script", "\u202e\U0001d54f\u0301"),
    ("a very long text", "a" * LONG_TEXT),
)
_HOSTILE_VALUES: tuple[tuple[str, Any], ...] = (
    ("null", None),
    ("a number for a text", 1),
    ("an object", {}),
    ("a list", []),
    ("a boolean", True),
    ("a number beyond 32 bits", 2**31),
    ("a number beyond 64 bits", 2**63),
    ("a huge number", 10**30),
    *_HOSTILE_TEXTS,
)
_BODY = "body"  # names the whole of it
_LAST, _FIRST = "the last day of the calendar", "the first day of the calendar"
_EDGES = {  # a day more, or a zone, and it is none
    "date": ((_LAST, "9999-12-31"), (_FIRST, "0001-01-01")),
    "date-time": ((_LAST, "9999-12-31T23:59:59Z"), (_FIRST, "0001-01-01T00:00:00Z")),
}


@dataclass(frozen=True)
class Hostile:
    """One request with one thing wrong. `parameter` names where, `what` says what.

    `is_of_http` says that a server in front of the platform may refuse it by itself: its address or headers are wrong.
    """

    parameter: str
    what: str
    request: Request
    is_of_http: bool = False


@dataclass
class Tried:
    """What became of one operation. `note` says why there is nothing."""

    operation: str
    sent: int = 0
    let_in: bool = True
    findings: list[Finding] = field(default_factory=list)
    note: str = ""


@dataclass
class RobustnessRun:
    """Sends hostile input to every operation. What makes the target fail is sent a second time to a fresh one."""

    doors: Doors
    document: Document
    seed: int
    say: Callable[[str], None] = lambda _name: None
    tried: list[Tried] = field(default_factory=list)
    shapes: ErrorShapes = field(default_factory=ErrorShapes)
    died: str = ""

    def run(self) -> RobustnessRun:
        """All operations; a target that died is replaced by a fresh one, and the request that killed it is a finding."""
        waiting = list(self.document.operations)
        while waiting:
            waiting = self._on_one_target(waiting)
        self._leave_some()
        self._say_once()
        self._confirm()
        return self

    def _on_one_target(self, waiting: list[Operation]) -> list[Operation]:
        """Examines until the target dies; what destroys credentials or data comes last, each on a target of its own."""
        with self.doors.fresh("robustness") as door, World(door) as world:
            scene = Scene(world, self.document, self.seed)
            calm = [operation for operation in waiting if operation.name not in scene.destructive]
            for operation in calm or waiting[:1]:
                if operation.name in scene.destructive and not self.doors.isolated:
                    note = "it destroys credentials or data, and this target cannot be given fresh ones"
                    self.tried.append(Tried(operation.name, note=note))
                else:
                    self.tried.append(self._examine(scene, operation))
                self.say(operation.name)
                if not door.alive():
                    self.died = operation.name
                    break
        done = {item.operation for item in self.tried}
        left = [operation for operation in waiting if operation.name not in done]
        if self.died and not self.doors.isolated:
            self.tried += [Tried(operation.name, note=f"the target died at {self.died}") for operation in left]
            return []
        return left

    @property
    def report(self) -> Report:
        """What was tried and what could not be, without the findings: each operation has its own."""
        report = Report("robustness", sum(item.sent for item in self.tried))
        for item in self.tried:
            if not item.sent:
                report.leave_out(item.operation, item.note)
        return report

    def of(self, operation: str) -> Tried | None:
        """What became of one operation."""
        return next((item for item in self.tried if item.operation == operation), None)

    def _examine(self, scene: Scene, operation: Operation) -> Tried:
        tried = Tried(operation.name)
        if not operation.is_safe and not scene.world.target.allow.writes:
            tried.note = "the target file does not allow writes"
            return tried
        try:
            asker = _asker(scene, operation)
            draft = next(valid_drafts(scene, operation, asker))
        except (Untestable, HarnessError) as error:
            tried.note = str(error)
            return tried
        tried.let_in = not asker.role
        try:
            hostiles = list(hostile_requests(operation, draft, asker))
        except SchemaError as error:  # a kind of body that cannot be written
            tried.note = str(error)
            return tried
        for hostile in hostiles:
            tried.sent += 1
            try:
                answer = self._answered(scene, hostile, renew=operation.name not in scene.destructive)
            except HarnessError:
                if scene.world.door.alive():
                    tried.note = f"a request with {hostile.what} could not be sent"
                    continue
                tried.findings.append(_died(operation, asker, hostile))
                return tried
            tried.let_in |= not answer.is_of_the_door
            tried.findings += _judged(operation, asker, hostile, answer)
            if not hostile.is_of_http:
                self.shapes.look(operation.name, hostile.what, answer)
        tried.findings = _said_once(tried.findings)
        if not tried.let_in:
            tried.note = f"{asker.title} was let in with nothing: only the door was tested"
        return tried

    @staticmethod
    def _answered(scene: Scene, hostile: Hostile, *, renew: bool) -> Answer:
        """A whole answer where one comes: a server that refuses a request before it has read it may cut itself off."""
        answer = scene.world.send(hostile.request, renew=renew)
        for _ in range(CUT_OFF_TRIES - 1):
            if not _is_cut_off(answer):
                break
            answer = scene.world.send(hostile.request, renew=renew)
        return answer

    def _leave_some(self) -> None:
        """Of operations that show their inside the first ones: where many do, one handler of errors does it for all."""
        showing = [item for item in self.tried if any(finding.rule == INTERNALS_RULE for finding in item.findings)]
        for item in showing[EVERYWHERE_MIN - 1 :]:
            item.findings = [finding for finding in item.findings if finding.rule != INTERNALS_RULE]

    def _say_once(self) -> None:
        """Where many operations fail on the same whole body, whatever it is for, one reader of bodies does it for all."""
        failing: dict[str, list[Tried]] = {}
        for item in self.tried:
            for what in {_whole_body(finding) for finding in item.findings} - {""}:
                failing.setdefault(what, []).append(item)
        for what, items in failing.items():
            if len(items) < EVERYWHERE_MIN:
                continue
            first = next(finding for finding in items[0].findings if _whole_body(finding) == what)
            for item in items:
                item.findings = [finding for finding in item.findings if _whole_body(finding) != what]
            names = ", ".join(item.operation for item in items[1 : NAMED_MAX + 1])
            observed = f"{first.observed} So it is with {names}{' and others' if len(items) > NAMED_MAX + 1 else ''}."
            title = f"{len(items)} operations fail on {what}"
            items[0].findings.append(replace(first, title=title, observed=observed, method="", route="", role=""))

    def _confirm(self) -> None:
        """High confidence for what fails again on a fresh target; what does not is left at low."""
        found = [finding for item in self.tried for finding in item.findings]
        if not found or not self.doors.isolated:
            return
        again = {finding.fingerprint for finding in found if self._shows_again(finding)}
        for item in self.tried:
            item.findings = [
                replace(finding, confidence=Confidence.HIGH if finding.fingerprint in again else Confidence.LOW)
                for finding in item.findings
            ]

    def _shows_again(self, finding: Finding) -> bool:
        """Whether the same request fails on a fresh target; one that only reads each time, as some fail now and then at any."""
        request = finding.steps[-1]
        try:
            with self.doors.fresh("confirm") as door, World(door) as world:
                try:
                    answers = [world.send(request) for _ in range(READS_AGAIN if request.method == "GET" else 1)]
                except HarnessError:
                    return finding.rule == DIED.rule and not door.alive()
                return finding.rule != DIED.rule and all(_fails_as(finding, answer) for answer in answers)
        except HarnessError:
            return False


def _fails_as(finding: Finding, answer: Answer) -> bool:
    return answer.status in finding.symptom.status or answer.status >= 500 or answer.error.startswith(_CUT_OFF)


_JSON_WHOLES = (
    ("an unfinished body", '{"a": '),
    ("an empty body", ""),
    ("a list for an object", "[]"),
    ("null for an object", "null"),
    ("a text for an object", '"a"'),
    ("NaN, which is no JSON", '{"a": NaN}'),
    ("the same member twice", '{"a": 1, "a": 2}'),
    ("a body nested deeply", "[" * DEPTH + "]" * DEPTH),
    ("objects nested deeply", '{"a":' * DEPTH + "1" + "}" * DEPTH),
    ("a number with many digits", '{"a": ' + "1" * 5_000 + "}"),
)
_XML_WHOLES = (
    ("an unfinished document", "<a>"),
    ("an empty body", ""),
    ("a text that is no document", "zq"),
    ("an entity that is not declared", "<a>&zq;</a>"),
    ("a document nested deeply", "<a>" * DEPTH + "</a>" * DEPTH),
)


def _asker(scene: Scene, operation: Operation) -> Asker:
    if not operation.is_secured:
        return Asker()
    for role in scene.roles:
        if scene.permissions.of(operation, role).permitted is not False:
            return Asker(role.name, role.users[-1].name)
    raise Untestable("no role may call it")


def hostile_requests(operation: Operation, draft: Draft, asker: Asker) -> Iterator[Hostile]:
    """Each parameter, each member of the body, and the body as a whole, with one thing wrong at a time."""
    for parameter in operation.parameters:
        if parameter.where in ("path", "query"):
            yield from _in_parameter(draft, parameter, asker)
    good = draft.request(asker.role, asker.user)
    for name, value in (("Origin", "null"), ("Origin", "::not an origin::"), ("Accept", "x" * 4_000), ("Range", "bytes=9-1")):
        changed = replace(good, headers={**good.headers, name: value})
        yield Hostile(name, "a header that is not right", changed, is_of_http=True)
    if draft.media_type and isinstance(draft.body, Mapping):
        yield from _in_members(draft, asker)
    if draft.media_type:
        yield from _in_body(good, _XML_WHOLES if is_xml(draft.media_type) else _JSON_WHOLES)


def _in_parameter(draft: Draft, parameter: Parameter, asker: Asker) -> Iterator[Hostile]:
    for what, text in (*_HOSTILE_TEXTS, *_EDGES.get(_format(parameter.schema), ())):
        if parameter.where == "path" and text in ("", "../../../etc/passwd"):
            continue  # another path then, not another value
        escaped = _escaped(text)
        request = draft.with_value(parameter, "harness-mark").request(asker.role, asker.user)
        yield Hostile(
            parameter.name, what, replace(request, path=request.path.replace("harness-mark", escaped)), parameter.where == "path"
        )
    for what, escaped in (("bytes that are no UTF-8", "%FF%FE"), ("an escape of nothing", "%zz")):
        request = draft.with_value(parameter, "harness-mark").request(asker.role, asker.user)
        yield Hostile(parameter.name, what, replace(request, path=request.path.replace("harness-mark", escaped)), is_of_http=True)
    if parameter.where == "query":
        twice = draft.with_value(parameter, ["1", "2"]).request(asker.role, asker.user)
        yield Hostile(parameter.name, "the same parameter twice", twice)


def _format(schema: JsonSchema) -> str:
    """The format of a parameter's text, of one of its alternatives too (`anyOf` with null)."""
    schemas = (schema, *(each for each in schema.get("anyOf", ()) if isinstance(each, Mapping)))
    return next((form for each in schemas if isinstance(form := each.get("format"), str)), "")


def _escaped(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", errors="surrogatepass"))


def _in_members(draft: Draft, asker: Asker) -> Iterator[Hostile]:
    inner = (names for names, _ in members(draft.body) if len(names) > 1)
    for names in (*((name,) for name in draft.body), *islice(inner, INNER_MEMBERS_MAX)):
        for what, value in (*_HOSTILE_VALUES, *_EDGES.get(_form_of(draft.body, names), ())):
            body = replaced(draft.body, names, value)
            request = draft.with_body(body).request(asker.role, asker.user)
            hostile = replace(request, body=json.dumps(body)) if "json" in draft.media_type else request
            yield Hostile(".".join(names), what, hostile)


def _form_of(body: Any, names: tuple[str, ...]) -> str:
    """The format of the text at a place of the body, where it is a day."""
    value = next((value for at, value in members(body) if at == names), None)
    form = re.fullmatch(r"\d{4}-\d\d-\d\d(T.+)?", value) if isinstance(value, str) else None
    return "" if form is None else "date-time" if form[1] else "date"


def _in_body(good: Request, wholes: tuple[tuple[str, str], ...]) -> Iterator[Hostile]:
    for what, text in wholes:
        yield Hostile(_BODY, what, replace(good, body=text))
    for media_type in ("text/plain", "application/xml", "application/json; charset=no-such", "multipart/form-data", "nonsense"):
        yield Hostile(
            "Content-Type", f"the media type {media_type}", replace(good, headers={**good.headers, "Content-Type": media_type})
        )


def _is_cut_off(answer: Answer) -> bool:
    return answer.status == 0 and answer.error.startswith(_CUT_OFF)


def _judged(operation: Operation, asker: Asker, hostile: Hostile, answer: Answer) -> Iterator[Finding]:
    place = Place(operation.name, hostile.parameter, asker.role)
    is_cut_off = _is_cut_off(answer) and len(hostile.request.path) <= LINE_CHARACTERS_MAX
    if is_cut_off or (answer.status >= 500 and answer.status not in _UNAVAILABLE):
        came = f"was answered {answer.status}" if answer.status else "ended with the connection: no answer came"
        observed = f"{hostile.what.capitalize()} in {hostile.parameter}, sent by {asker.title}, {came}."
        title = f"{operation.name} fails on {hostile.what} in {hostile.parameter}"
        symptom = Symptom(status=() if is_cut_off else (answer.status,), server_error=True)
        yield finding_of(SERVER_ERROR, place, title, observed, (hostile.request,), symptom)
    # A fault that shows its inside is two defects: the next fault shows it too, when this one is mended.
    yield from internals_in(operation.name, Visit(What.BROKEN, operation.name, asker, hostile.request, answer))


def _died(operation: Operation, asker: Asker, hostile: Hostile) -> Finding:
    observed = f"After {hostile.what} in {hostile.parameter}, sent by {asker.title}, the target did not answer any more."
    title = f"{operation.name} kills the target with {hostile.what} in {hostile.parameter}"
    place = Place(operation.name, hostile.parameter, asker.role)
    return finding_of(DIED, place, title, observed, (hostile.request,), Symptom(server_error=True))


def _whole_body(finding: Finding) -> str:
    """On which whole body an operation fails ("a body nested deeply in body"), "" where it is another finding."""
    is_one = finding.rule == SERVER_ERROR.rule and finding.parameter == _BODY
    return finding.title.partition(" fails on ")[2] if is_one else ""


def _said_once(findings: list[Finding]) -> list[Finding]:
    """One finding per place; where most places of an operation fail, one for the operation: there is one cause."""
    by_place = {finding.fingerprint: finding for finding in reversed(findings)}
    kept = list(reversed(by_place.values()))
    errors = [finding for finding in kept if finding.rule == SERVER_ERROR.rule]
    if len(errors) > 3:
        names = ", ".join(finding.parameter for finding in errors)
        whole = replace(errors[0], parameter="", observed=f"{errors[0].observed} So it is in {names}.")
        kept = [whole, *(finding for finding in kept if finding.rule != SERVER_ERROR.rule)]
    return kept
