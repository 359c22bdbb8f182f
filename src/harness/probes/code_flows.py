"""Which operations start and confirm a one-time code, and how their requests are filled: as the document or the target says."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model.finding import Request
from harness.model.target import CodeFlow
from harness.probes.document import Document
from harness.probes.exchange import USERNAME, Answer
from harness.probes.operations import Operation
from harness.probes.oracle import leaves
from harness.probes.scene import Scene, Untestable
from harness.probes.schemas import SchemaError

LOG_BYTES_MAX = 1_000_000
_CODE = re.compile(r"(^|_)(code|otp|pin|passcode|one_?time_?(code|password))$|(Code|Otp|Pin)$", re.I)
_TOKEN = re.compile(r"(^|_)(token|key)$|Token$")
_CONFIRMS = re.compile(r"verif|confirm|reset|activat|otp|redeem|code", re.I)
_STARTS = re.compile(r"start|request|send|forgot|forget|resend|recover|regist|sign-?up|begin|init|challenge|code|otp", re.I)
_RESETS = re.compile(r"reset|forgot|forget|recover", re.I)
_CONTACT = re.compile(r"e-?mail|phone|mobile|user_?name|login|account", re.I)
_PHONE = re.compile(r"phone|mobile|msisdn|tel$", re.I)
_REFERENCE = re.compile(r"(^|_)(id|ref|reference|challenge|session|request|uuid)$|Id$", re.I)
_PASSWORD = re.compile(r"passw|pwd", re.I)
_IN_LOG = re.compile(r"(?i)\b(?:code|otp|pin)\b\W{0,12}(?:is\W{0,4})?(\d{4,8})\b")


@dataclass(frozen=True)
class Flow:
    """A flow whose operations the document has. `code` is the member that carries the code."""

    name: str
    start: Operation
    confirm: Operation
    code: str
    log_pattern: re.Pattern[str] = _IN_LOG
    declared: bool = False

    @property
    def is_reset(self) -> bool:
        """Whether it gives a new password: then it starts for an account that is there, else for one that is not."""
        return bool(_RESETS.search(f"{self.start.path} {self.confirm.path}"))


def flows_of(document: Document, given: tuple[CodeFlow, ...]) -> tuple[Flow, ...]:
    """The flows that the target file names, else those that the document shows by the names of paths and members."""
    made = [flow for hint in given if (flow := _declared(document, hint)) is not None]
    taken = {flow.confirm.name for flow in made}
    for confirm in document.operations:
        code = _code_member(document, confirm)
        if confirm.method not in ("POST", "PUT") or not code or confirm.name in taken or not _CONFIRMS.search(confirm.path):
            continue
        start = _start_of(document, confirm)
        if start is not None:
            made.append(Flow(confirm.path.rsplit("/", 1)[-1], start, confirm, code))
    return tuple(made)


def _declared(document: Document, hint: CodeFlow) -> Flow | None:
    start, confirm = (document.find(*name.split(" ", 1)) for name in (hint.start, hint.confirm))
    if start is None or confirm is None:
        return None
    code = hint.member or _code_member(document, confirm)
    pattern = re.compile(hint.log_pattern) if hint.log_pattern else _IN_LOG
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


def _start_of(document: Document, confirm: Operation) -> Operation | None:
    """The nearest operation that takes a way to reach somebody and no code: most of the path in common."""
    candidates = [
        operation
        for operation in document.operations
        if operation.method == "POST"
        and operation.name != confirm.name
        and _STARTS.search(operation.path)
        and any(_CONTACT.search(name) for name in members_of(document, operation))
        and not _code_member(document, operation)
    ]
    resets = bool(_RESETS.search(confirm.path))
    alike = [operation for operation in candidates if bool(_RESETS.search(operation.path)) == resets]
    return max(alike, key=lambda operation: _shared(operation.path, confirm.path), default=None)


def _shared(one: str, other: str) -> int:
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(one.count("/"), other.count("/")) + 1)


@dataclass
class Started:
    """A code that was sent to somebody. `given` is the body of the start, `answer` what came back."""

    request: Request
    given: Mapping[str, Any]
    answer: Answer

    def is_about(self, line: str) -> bool:
        """Whether a line of a log names who the code was sent to: an address, or the last digits of a number."""
        for key, value in self.given.items():
            text = str(value)
            if _PHONE.search(key) and len(digits := re.sub(r"\D", "", text)) >= 7 and digits[-7:] in re.sub(r"\D", "", line):
                return True
            if "@" in text and text in line:
                return True
        return False


@dataclass
class Codes:
    """Fills the requests of one flow. Each start is for somebody new, unless the flow is about an account that is there."""

    scene: Scene
    flow: Flow
    starts: int = field(default=0)

    def start_request(self, user: int = 0) -> tuple[Request, Mapping[str, Any]]:
        """A start for somebody: a user of the target for a reset (`user` tells which), else a person of a name of their own.

        Raises:
            Untestable: no body could be made.
        """
        self.starts += 1
        has_body = self.flow.start.body is not None
        bodies = self.scene.bodies(self.flow.start, f" start {self.starts}") if has_body else ({},)
        body = next((body for body in bodies if isinstance(body, dict)), None)
        if body is None:
            raise Untestable(f"no body is known for {self.flow.start.name}")
        role, name = self._caller()
        if self.flow.is_reset:
            with_users = next((role for role in self.scene.roles if role.login.kind in ("json", "form")), None)
            if with_users is None:
                raise Untestable("no role logs in with a password, so there is nothing to reset")
            role, name = with_users.name, with_users.users[user % len(with_users.users)].name
            body = {key: USERNAME if _CONTACT.search(key) else value for key, value in body.items()}
        else:
            body = {key: self._anew(key, value) for key, value in body.items()}
        draft = self.scene.drafter.draft(self.flow.start)
        return (draft.with_body(body) if has_body else draft).request(role, name), body

    def _anew(self, key: str, value: Any) -> Any:
        """An address or telephone number that no start before had, in the form of the one that the document gives."""
        if not isinstance(value, str) or not _CONTACT.search(key):
            return value
        name, at, host = value.partition("@")
        if at:
            return f"{name[:24]}{secrets.token_hex(4)}@{host}"
        # Of the numbers that are kept for fiction there are a hundred only.
        return f"{value[:-2]}{self.starts % 100:02d}" if re.search(r"\d\d$", value) else value

    def _caller(self) -> tuple[str, str]:
        """Who calls a start that asks for a credential; nobody where it asks for none."""
        if not self.flow.start.is_secured:
            return "", ""
        for role in self.scene.roles:
            if self.scene.permissions.of(self.flow.start, role).permitted is not False:
                return role.name, role.users[-1].name
        raise Untestable(f"no role may call {self.flow.start.name}")

    def confirm_request(self, started: Started, code: str) -> Request:
        """The confirmation of that start with a code; what else it asks for comes from the start or its answer.

        Raises:
            Untestable: no body could be made.
        """
        body = next((body for body in self.scene.bodies(self.flow.confirm) if isinstance(body, dict)), None)
        if body is None:
            raise Untestable(f"no body is known for {self.flow.confirm.name}")
        told = {path.rsplit(".", 1)[-1]: value for path, value in leaves(started.answer.json)}
        filled = {
            name: started.given.get(name, told.get(name, value)) for name, value in body.items() if not _PASSWORD.search(name)
        }
        kept = {name: value for name, value in body.items() if _PASSWORD.search(name)}
        integer = "integer" in str(members_of(self.scene.document, self.flow.confirm).get(self.flow.code, {}).get("type", ""))
        made = {**kept, **filled, self.flow.code: int(code) if integer and code.isdigit() else code}
        return self.scene.drafter.draft(self.flow.confirm).with_body(made).request(started.request.role, started.request.user)

    def names_owner(self, one: Started, other: Started) -> bool:
        """Whether the confirmations of two starts differ in who they are for, the code aside."""
        bodies = [json.loads(self.confirm_request(started, "0").body or "{}") for started in (one, other)]
        differing = [name for name in bodies[0] if bodies[0][name] != bodies[1].get(name)]
        whose = one.request.user != other.request.user
        return any(_CONTACT.search(name) or _REFERENCE.search(name) for name in differing) or (whose and self.flow.is_reset)


@dataclass
class Log:
    """What the target wrote since it was last read."""

    path: Path | None
    offset: int = 0

    def skip(self) -> None:
        """Passes over all that was written until now."""
        self.offset = self.path.stat().st_size if self.path is not None and self.path.is_file() else 0

    def read(self) -> str:
        """The new text; "" where there is no log."""
        if self.path is None or not self.path.is_file():
            return ""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read(LOG_BYTES_MAX)
        self.offset += len(data)
        return data.decode("utf-8", errors="replace")
