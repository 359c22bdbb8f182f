"""Which operations start and confirm a one-time code: as the target file says, else as paths and members show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.model.target import CodeFlow
from harness.probes.http.exchange import EMAIL, USERNAME
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.passwords import asks_new

_CODE = re.compile(r"(^|_)(code|otp|pin|passcode|one_?time_?(code|password))$|(Code|Otp|Pin)$", re.I)
_TOKEN = re.compile(r"(^|_)(token|key)$|Token$")
_CONFIRMS = re.compile(r"verif|confirm|reset|activat|otp|redeem|code", re.I)
_STARTS = re.compile(r"start|request|send|forgot|forget|resend|recover|regist|sign-?up|begin|init|challenge|code|otp", re.I)
_RESETS = re.compile(r"reset|forgot|forget|recover", re.I)
CONTACT = re.compile(r"e-?mail|phone|mobile|user_?name|login|account", re.I)
PASSWORD = re.compile(r"passw|pwd", re.I)
_ADDRESS = re.compile(r"e[-_]?mail", re.I)
_PATH_PARAMETER = re.compile(r"\{([^{}]+)\}")
_TOKEN_IN_LOG = re.compile(
    r"(?i)(?:\b(?:token|key)\b\W{0,12}(?:is\W{0,4})?|/(?:reset|verify|confirm|activate)[\w-]*/|[?&](?:token|code|key)=)"
    r"([A-Za-z0-9_.~-]{16,})"
)
_IN_LOG = re.compile(r"(?i)\b(?:code|otp|pin)\b\W{0,12}(?:is\W{0,4})?(\d{4,8})\b")


@dataclass(frozen=True)
class Flow:
    """A flow whose operations the document has. `code` is the member, or the parameter of the path, that carries the code."""

    name: str
    start: Operation
    confirm: Operation
    code: str
    log_pattern: re.Pattern[str] = _IN_LOG
    declared: bool = False

    @property
    def in_path(self) -> bool:
        """Whether the code stands in the path: `/reset/{token}`."""
        return self.code in _PATH_PARAMETER.findall(self.confirm.path)

    @property
    def is_reset(self) -> bool:
        """Whether it gives a new password: then it starts for an account that is there, else for one that is not."""
        return bool(_RESETS.search(f"{self.start.path} {self.confirm.path}"))

    @property
    def is_of_a_session(self) -> bool:
        """Whether both ask who is logged in, so that the code is for that account: a change of its address."""
        return self.start.is_secured and self.confirm.is_secured and not self.is_reset


def flows_of(document: Document, given: tuple[CodeFlow, ...]) -> tuple[Flow, ...]:
    """The flows that the target file names, else those that the document shows by the names of paths and members."""
    made = [flow for hint in given if (flow := _declared(document, hint)) is not None]
    taken = {flow.confirm.name for flow in made}
    for confirm in document.operations:
        code = _code_place(document, confirm)
        if confirm.method not in ("POST", "PUT") or not code or confirm.name in taken or not _CONFIRMS.search(confirm.path):
            continue
        start = _start_of(document, confirm)
        if start is not None:
            made.append(Flow(confirm.path.rstrip("/").rsplit("/", 1)[-1], start, confirm, code, _log_pattern(code)))
    return tuple(made)


def names_code(name: str, flow: Flow) -> bool:
    """Whether a member of an answer is called as the code, or, where that stands in the path, as any code."""
    return name.lower() == flow.code.lower() or (flow.in_path and bool(_CODE.search(name) or _TOKEN.search(name)))


def sets_password(document: Document, flow: Flow) -> bool:
    """Whether the right code gives an account that is there another password, so that nobody logs in with the one before."""
    names = members_of(document, flow.confirm)
    if flow.is_reset:
        return any(PASSWORD.search(name) for name in names)
    return flow.confirm.is_secured and any(asks_new(flow.confirm, name) for name in names)


def resets(document: Document, given: tuple[CodeFlow, ...]) -> frozenset[str]:
    """Names of the confirmations that set a new password. Without the right code they change nothing."""
    return frozenset(flow.confirm.name for flow in flows_of(document, given) if sets_password(document, flow))


def _declared(document: Document, hint: CodeFlow) -> Flow | None:
    start, confirm = (document.find(*name.split(" ", 1)) for name in (hint.start, hint.confirm))
    if start is None or confirm is None:
        return None
    code = hint.member or _code_place(document, confirm)
    pattern = re.compile(hint.log_pattern) if hint.log_pattern else _log_pattern(code)
    return Flow(hint.name, start, confirm, code, pattern, declared=bool(hint.log_pattern)) if code else None


def members_of(document: Document, operation: Operation) -> Mapping[str, Any]:
    """The members of an operation's body with their schemas; none where they cannot be read."""
    if operation.body is None:
        return {}
    try:
        properties = document.schemas.resolve(operation.body.schema).get("properties")
    except SchemaError:
        return {}
    return properties if isinstance(properties, Mapping) else {}


def _code_member(document: Document, operation: Operation) -> str:
    names = list(members_of(document, operation))
    plain = next((name for name in names if _CODE.search(name)), "")
    return plain or (next((name for name in names if _TOKEN.search(name)), "") if _RESETS.search(operation.path) else "")


def _code_place(document: Document, operation: Operation) -> str:
    """The member of the body that carries the code, else the last parameter of the path that is called so."""
    named = [name for name in _PATH_PARAMETER.findall(operation.path) if _CODE.search(name) or _TOKEN.search(name)]
    return _code_member(document, operation) or next(reversed(named), "")


def _log_pattern(code: str) -> re.Pattern[str]:
    return _IN_LOG if _CODE.search(code) else _TOKEN_IN_LOG


def _start_of(document: Document, confirm: Operation) -> Operation | None:
    """The nearest operation that takes a way to reach somebody and no code: most of the path in common."""
    candidates = [
        operation
        for operation in document.operations
        if operation.method == "POST"
        and operation.name != confirm.name
        and (_STARTS.search(operation.path) or confirm.path.startswith(operation.path.rstrip("/") + "/"))
        and any(CONTACT.search(name) for name in members_of(document, operation))
        and not _code_member(document, operation)
    ]
    resets = bool(_RESETS.search(confirm.path))
    alike = [operation for operation in candidates if bool(_RESETS.search(operation.path)) == resets]
    return max(alike, key=lambda operation: _shared(operation.path, confirm.path), default=None)


def _shared(one: str, other: str) -> int:
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(one.count("/"), other.count("/")) + 1)


def mark_of(member: str) -> str:
    """What stands for the account in a member that names it: its address in `email`, else what it logs in with."""
    return EMAIL if _ADDRESS.search(member) else USERNAME
