"""How the requests of a flow with a one-time code are filled, and where the code is read."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.http.exchange import EMAIL, USERNAME
from harness.probes.http.oracle import leaves
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.code_values import USUAL
from harness.probes.scene.flows import CONTACT, PASSWORD, Flow, flows_of, mark_of, members_of
from harness.probes.scene.scene import Scene, Untestable

LOG_BYTES_MAX = 1_000_000
LONGEST_MADE = 64
_SAYS_FORM = {"pattern", "example", "examples", "default"}
_TYPED = re.compile(r"[0-9A-Za-z_-]{4,64}")
_PHONE = re.compile(r"phone|mobile|msisdn|tel$", re.I)
_REFERENCE = re.compile(r"(^|_)(id|ref|reference|challenge|session|request|uuid)$|Id$", re.I)


@dataclass
class Started:
    """A code that was sent to somebody. `given` is the body of the start, `answer` what came back; `username` whose account it is
    about, where that is one of the target's users."""

    request: Request
    given: Mapping[str, Any]
    answer: Answer
    address: str = ""

    def is_about(self, line: str) -> bool:
        """Whether a line of a log names who the code was sent to: an address, or the last digits of a number."""
        if self.address and self.address.lower() in line.lower():
            return True
        for key, value in self.given.items():
            text = str(value)
            if _PHONE.search(key) and len(digits := re.sub(r"\D", "", text)) >= 7 and digits[-7:] in re.sub(r"\D", "", line):
                return True
            if "@" in text and text in line:
                return True
        return False


@dataclass
class Codes:
    """Fills the requests of one flow. Each start is for somebody new; where it is about an account that is there, for the next.

    A target may limit the codes for one account, whoever asks for them: the users of one log-in take turns, those of its first
    role alone where `is_ours` is false, as the passwords that are changed are not given back.
    """

    scene: Scene
    flow: Flow
    starts: int = field(default=0)
    is_ours: bool = True  # the target is made anew for whoever comes next

    def start_request(self) -> tuple[Request, Mapping[str, Any]]:
        """A start for somebody: a user of the target for a reset, else a person of a name of their own.

        Raises:
            Untestable: no body could be made.
        """
        self.starts += 1
        has_body = self.flow.start.body is not None
        bodies = self.scene.bodies(self.flow.start, f" start {self.starts}") if has_body else ({},)
        body = next((body for body in bodies if isinstance(body, dict)), None)
        if body is None:
            raise Untestable(f"no body is known for {self.flow.start.name}")
        role, name = caller_of(self.scene, self.flow)
        if self.flow.is_reset:
            role, name = self._next_account()
            body = {key: mark_of(key) if CONTACT.search(key) else value for key, value in body.items()}
        else:
            body = {key: self._anew(key, value) for key, value in body.items()}
        draft = self.scene.drafter.draft(self.flow.start)
        return (draft.with_body(body) if has_body else draft).request(role, name), body

    def _next_account(self) -> tuple[str, str]:
        """Role and user of the next account with a password; of one log-in only, as another may be of other accounts."""
        with_password = [role for role in self.scene.roles if role.login.kind in ("json", "form")]
        if not with_password:
            raise Untestable("no role logs in with a password, so there is nothing to reset")
        log_in = with_password[0].login.path
        alike = [role for role in with_password if role.login.path == log_in][: None if self.is_ours else 1]
        accounts = [(role.name, user.name) for role in alike for user in role.users]
        for changed in self._with_another_address():
            accounts = [each for each in accounts if each != changed] or accounts
        return accounts[(self.starts - 1) % len(accounts)]

    def _with_another_address(self) -> list[tuple[str, str]]:
        """Whose address the confirmations of other flows change, and may change where they take anybody's code."""
        flows = flows_of(self.scene.document, self.scene.world.target.codes)
        callers: list[tuple[str, str]] = []
        for flow in (flow for flow in flows if flow.is_of_a_session):
            with suppress(Untestable):
                callers.append(caller_of(self.scene, flow))
        return [*callers, *filter(None, (self._another_user(*caller) for caller in callers))]

    def another_user(self, started: Started) -> tuple[str, str] | None:
        """Another user of the role that a start was sent as; None where it has one alone."""
        return self._another_user(started.request.role, started.request.user)

    def _another_user(self, role: str, name: str) -> tuple[str, str] | None:
        return next(((role, user.name) for user in self.scene.world.target.role(role).users if user.name != name), None)

    def _anew(self, key: str, value: Any) -> Any:
        """An address or telephone number that no start before had, in the form of the one that the document gives."""
        if not isinstance(value, str) or not CONTACT.search(key):
            return value
        name, at, host = value.partition("@")
        if at:
            return f"{name[:24]}{secrets.token_hex(4)}@{host}"
        # Of the numbers that are kept for fiction there are a hundred only.
        return f"{value[:-2]}{self.starts % 100:02d}" if re.search(r"\d\d$", value) else value

    def confirm_request(self, started: Started, code: str) -> Request:
        """`confirm_draft` as it is sent."""
        return self.confirm_draft(started, code).request(started.request.role, started.request.user)

    def confirm_draft(self, started: Started, code: str) -> Draft:
        """The confirmation of that start with a code; what else it asks for comes from the start or its answer.

        Raises:
            Untestable: no body could be made.
        """
        has_body = self.flow.confirm.body is not None
        bodies = self.scene.bodies(self.flow.confirm) if has_body else ({},)
        body = next((body for body in bodies if isinstance(body, dict)), None)
        if body is None:
            raise Untestable(f"no body is known for {self.flow.confirm.name}")
        told = {path.rsplit(".", 1)[-1]: value for path, value in leaves(started.answer.json)}
        filled = {
            name: started.given.get(name, told.get(name, value)) for name, value in body.items() if not PASSWORD.search(name)
        }
        kept = {name: value for name, value in body.items() if PASSWORD.search(name)}
        integer = "integer" in str(members_of(self.scene.document, self.flow.confirm).get(self.flow.code, {}).get("type", ""))
        in_body = {} if self.flow.in_path else {self.flow.code: int(code) if integer and code.isdigit() else code}
        draft = self.scene.drafter.draft(self.flow.confirm, given={self.flow.code: code} if self.flow.in_path else {})
        return draft.with_body({**kept, **filled, **in_body}) if has_body else draft

    @cached_property
    def form(self) -> str:
        """A text of the form that the document gives a code: of its pattern or example, else digits of its length, else six."""
        schema = self._schema_of_code()
        if _SAYS_FORM & schema.keys():
            made = str(self.scene.drafter.values.value(schema, self.flow.code))
            return made if _TYPED.fullmatch(made) else USUAL
        length = schema.get("minLength") or schema.get("maxLength")
        return "0" * length if isinstance(length, int) and length <= LONGEST_MADE else USUAL

    def _schema_of_code(self) -> Mapping[str, Any]:
        in_path = (each.schema for each in self.flow.confirm.placed("path") if each.name == self.flow.code)
        members = members_of(self.scene.document, self.flow.confirm)
        given = next(in_path, None) if self.flow.in_path else members.get(self.flow.code)
        try:
            return self.scene.document.schemas.resolve(given)
        except SchemaError:
            return {}

    def names_owner(self, one: Started, other: Started) -> bool:
        """Whether the confirmations of two starts differ in who they are for, the code aside.

        A user's own name stands for itself in both (`${username}`), so that such a body does not differ though it is about two.
        """
        try:
            bodies = [json.loads(self.confirm_request(started, "0").body or "{}") for started in (one, other)]
        except ValueError:  # a form, or XML
            return False
        differing = [name for name in bodies[0] if bodies[0][name] != bodies[1].get(name)]
        if any(CONTACT.search(name) or _REFERENCE.search(name) for name in differing):
            return True
        says_who = self.flow.confirm.is_secured or any(
            mark in str(value) for value in bodies[0].values() for mark in (USERNAME, EMAIL)
        )
        of_another = (one.request.role, one.request.user) != (other.request.role, other.request.user)
        return self.flow.is_reset and of_another and says_who


def caller_of(scene: Scene, flow: Flow) -> tuple[str, str]:
    """Role and user who call a start that asks for a credential; nobody where it asks for none.

    Raises:
        Untestable: it asks for one, and no role may call it.
    """
    if not flow.start.is_secured:
        return "", ""
    for role in scene.roles:
        if scene.permissions.of(flow.start, role).permitted is not False:
            return role.name, role.users[-1].name
    raise Untestable(f"no role may call {flow.start.name}")


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
