"""What a scan begins with: one request for each operation that a role may call, with real ids and bodies, tried before ZAP is.

ZAP's own import would send the examples of the document to every operation, log itself out and delete what it is to scan.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from harness.model.errors import HarnessError
from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import text_of
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.calls import attempts
from harness.probes.scene.scene import NOBODY, Asker, Scene, Untestable
from harness.probes.sessions.endings import witness_of

NO_WRITES = "the target allows no writes"
"""Why something is left out on purpose."""
_DENIED = (401, 403)
_BEHIND_NO_DOOR = (0, 404, 405, 429, 501)


@dataclass(frozen=True)
class Aim:
    """One operation or page, and the request that reaches it. `status` is what the target answered just before the scan."""

    operation: str
    request: Request
    secured: bool
    status: int
    is_page: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """What can be attacked in it: values in the path, in the query, and members of the body, by name."""
        template = self.operation.partition(" ")[2].split("/")
        in_path = [part.strip("{}") for part in template if part.startswith("{")]
        in_query = [name for name, _ in parse_qsl(urlsplit(self.request.path).query, keep_blank_values=True)]
        return (*in_path, *in_query, *_members(self.request.body))


@dataclass(frozen=True)
class Aims:
    """What one role's scan aims at. `left_out` was left out on purpose, `lost` could not be aimed at; each with the reason.

    `proof` is a reading request that succeeds as this role and is refused to nobody: by it a log-in is known. It answers
    `proof_status` then.
    """

    asker: Asker
    aims: tuple[Aim, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    proof: Request | None = None
    proof_status: int = 0

    @property
    def operations(self) -> tuple[str, ...]:
        """Operations that the scan is to reach."""
        return (*(aim.operation for aim in self.aims if not aim.is_page), *self.lost)

    @property
    def pages(self) -> tuple[str, ...]:
        """Pages that the scan is to reach."""
        return tuple(aim.operation for aim in self.aims if aim.is_page)

    @property
    def as_far_as_left_out(self) -> dict[str, str]:
        """`left_out`, with what ZAP cannot be kept from: it leaves out addresses whatever the method, and some are aimed at."""
        aimed = {aim.operation.partition(" ")[2]: aim.operation for aim in self.aims}
        shared = {name: aimed.get(name.partition(" ")[2], "") for name in self.left_out}
        return {
            name: f"{why}; not its address, which is aimed at as {shared[name]}" if shared[name] else why
            for name, why in self.left_out.items()
        }


def aims_of(scene: Scene, asker: Asker, *, public: bool) -> Aims:
    """The aims of one role.

    Args:
        public: whether operations that ask for no credential are aimed at too: one role is enough for those.
    """
    aims: list[Aim] = []
    left_out: dict[str, str] = {}
    lost: dict[str, str] = {}
    destroys = scene.destructive - scene.resets  # without the right code nobody's password is another one
    for operation in _order(scene, asker, public):
        if why := _why_left_out(scene, operation, destroys):
            left_out[operation.name] = why
            continue
        try:
            aims.append(_aim(scene, operation, asker))
        except (Untestable, SchemaError, HarnessError) as error:
            lost[operation.name] = str(error).splitlines()[0]
    return Aims(asker, tuple(aims), left_out, lost, *_proof(scene, asker))


def _order(scene: Scene, asker: Asker, public: bool) -> list[Operation]:
    """What the asker may call, readings first: what they need is still there."""
    own = [op for op in scene.document.operations if op.is_secured and _may(scene, op, asker)]
    free = [op for op in scene.document.operations if public and not op.is_secured]
    return sorted((*own, *free), key=lambda op: not op.is_safe)


def _may(scene: Scene, operation: Operation, asker: Asker) -> bool:
    return bool(asker.role) and scene.permission(operation, asker).permitted is not False


def _why_left_out(scene: Scene, operation: Operation, destroys: Container[str]) -> str:
    if operation.name in destroys:
        return "it ends sessions or destroys what the scan needs, by the target file or by its own form"
    if scene.refreshes(operation):
        return "what it takes is good once, and the session that it belongs to is over then"
    if operation.method == "DELETE":
        return "it deletes what the rest of the scan needs"
    if not operation.is_safe and not scene.world.target.allow.writes:
        return NO_WRITES
    return ""


def _aim(scene: Scene, operation: Operation, asker: Asker) -> Aim:
    if scene.login_role(operation):
        return _strangers_log_in(scene, operation)
    sender = asker if operation.is_secured else NOBODY
    last: tuple[Request, Answer] | None = None
    for call in attempts(scene, operation, sender):
        last = call.request, call.answer
        if call.answer.is_success:
            break
    if last is None:
        raise Untestable("no request could be made")
    request, answer = last
    if answer.is_success and operation.is_safe:
        request = _with_optional(scene, operation, request)
    return Aim(operation.name, request, operation.is_secured, answer.status)


def _strangers_log_in(scene: Scene, operation: Operation) -> Aim:
    """A log-in of somebody who does not exist: attacks with a user's own name would lock that user out."""
    known = {user.username for role in scene.roles for user in role.users}
    body = _of_a_stranger(scene.drafter.bodies(operation, "stranger")[0], known)
    request = scene.draft(operation, NOBODY).with_body(body).request()
    return Aim(operation.name, request, operation.is_secured, scene.world.send_as(request, scene.anonymous).status)


def _of_a_stranger(body: Any, known: set[str]) -> Any:
    """The body without the names of users: documents like to give one as the example."""
    if isinstance(body, dict):
        return {name: _of_a_stranger(value, known) for name, value in body.items()}
    return f"no.{body}" if body in known else body


def _with_optional(scene: Scene, operation: Operation, request: Request) -> Request:
    """The request with every optional query parameter that it still succeeds with: what is not sent is not attacked."""
    for parameter in operation.placed("query"):
        parts = urlsplit(request.path)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        if any(name == parameter.name for name, _ in pairs):
            continue
        try:
            value = scene.drafter.values.value(parameter.schema, f"{operation.name} {parameter.name}")
        except SchemaError:
            continue
        wider = replace(request, path=f"{parts.path}?{urlencode([*pairs, (parameter.name, text_of(value))])}")
        if scene.world.send(wider).is_success:
            request = wider
    return request


def _proof(scene: Scene, asker: Asker) -> tuple[Request | None, int]:
    """The request that proves a log-in, with the status that it has then."""
    if not asker.role:
        return None, 0
    try:
        request = witness_of(scene, asker)
        status = scene.world.send(request).status
    except (Untestable, HarnessError):
        return None, 0
    bare = scene.world.send_as(replace(request, role="", user=""), scene.anonymous)
    return (request, status) if bare.status in _DENIED else (None, 0)


def is_behind_the_door(aim: Aim, status: int) -> bool:
    """Whether an answer shows that the operation itself was reached, as somebody who may; a page else leads to its log-in."""
    if aim.is_page:
        return status == aim.status
    refused = aim.secured and status in _DENIED
    return not refused and (status not in _BEHIND_NO_DOOR or status == aim.status not in (0, 429))


def _members(body: str | None) -> Iterator[str]:
    """Names of the body's values; of one that is no JSON, those of a form."""
    if not body:
        return
    try:
        yield from _leaves("", json.loads(body))
    except ValueError:
        yield from (name for name, _ in parse_qsl(body))


def _leaves(name: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), member)
    elif isinstance(value, list):
        for member in value[:1]:
            yield from _leaves(f"{name}[]", member)
    else:
        yield name or "body"


def address_of(base_url: str, request: Request) -> str:
    """The request's address, every character of it as ZAP takes it."""
    return base_url.rstrip("/") + quote(request.path, safe="/?&=%:@!$'()*+,;-._~[]")
