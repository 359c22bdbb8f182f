"""A code for one's own new address: good once where the platform says so, and for the account alone that asked for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.model.target import Allow, CodeFlow, Environment, Login, Role, Target, User
from harness.probes.abuse.codes import examine_codes
from harness.probes.access.authorization import AuthorizationRun
from harness.probes.checks import Report
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.code_flows import Codes
from harness.probes.scene.flows import flows_of
from harness.probes.scene.scene import Scene
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
START, CONFIRM = "POST /me/address/start", "POST /me/address/confirm"
_TEXT = {"type": "string"}


def _operation(member: str = "", text: str = "", *, secured: bool = True) -> dict[str, Any]:
    schema = {"type": "object", "required": [member], "properties": {member: _TEXT}}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}} if member else {}
    security = [{"token": []}] if secured else []
    return {"responses": {"default": {"description": "any"}}, "security": security, "description": text, **body}


def document(text: str) -> Document:
    paths = {
        "/login": {"post": _operation("email", secured=False)},
        "/me": {"get": _operation()},
        "/me/address/start": {"post": _operation("email")},
        "/me/address/confirm": {"post": _operation("code", text)},
        "/password/forgot": {"post": _operation("email", secured=False)},
        "/password/reset": {"post": _operation("code", secured=False)},
    }
    schemes = {"token": {"type": "http", "scheme": "bearer"}}
    info = {"title": "Contacts", "version": "1"}
    return Document.of({"openapi": "3.0.3", "info": info, "paths": paths, "components": {"securitySchemes": schemes}})


TARGET = Target(
    "contacts",
    "Contacts",
    Environment.LOCAL,
    Path(),
    ("127.0.0.1",),
    Allow(writes=True),
    (
        Role(
            "member",
            Login("json", "/login", {"email": "{username}", "password": "{password}"}, token="$.token"),
            tuple(User(name, f"{name}@contacts.test", PASSWORD) for name in ("one", "two")),
        ),
    ),
    health_path="/health",
    codes=(CodeFlow("address", START, CONFIRM, log_pattern=r"code (\d{6})"),),
)


@dataclass
class Contacts:
    """The platform's state: by token the address of who is logged in, and the code that was sent to a new one."""

    log: Path
    defects: tuple[str, ...] = ()
    addresses: dict[str, str] = field(default_factory=dict)
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)  # by token: code and new address
    wrong: dict[str, int] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Given:
        body = asked.body if isinstance(asked.body, dict) else {}
        if asked.path == "/login":
            token = secrets.token_hex(8)
            self.addresses[token] = str(body.get("email"))
            return Given(200, {"token": token})
        if asked.token not in self.addresses:
            return Given(200 if asked.path == "/health" else 401, {"error": "log in"})
        if asked.path == "/me":
            return Given(200, {"email": self.addresses[asked.token]})
        if asked.path == "/me/address/start":
            return self._start(asked.token, str(body.get("email")))
        return self._confirm(asked.token, str(body.get("code"))) if asked.path == "/me/address/confirm" else Given(404)

    def _start(self, token: str, address: str) -> Given:
        code = f"{secrets.randbelow(10**6):06d}"
        self.sent[token], self.wrong[token] = (code, address), 0
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"to {address}: code {code}\n")
        return Given(202, {"sent": True})

    def _confirm(self, token: str, code: str) -> Given:
        anybody = "anybody" in self.defects
        found = next((who for who, (right, _) in self.sent.items() if right == code and (anybody or who == token)), "")
        if not found or self.wrong.get(token, 0) >= 5:
            self.wrong[token] = self.wrong.get(token, 0) + 1
            return Given(422, {"error": "wrong"})
        whose = found if "link" in self.defects else token
        self.addresses[whose] = self.sent[found][1]
        if "again" not in self.defects:
            del self.sent[found]
        return Given(200, {"done": True})


def examined(log: Path, *defects: str, text: str = "") -> Report:
    log.touch()
    with served(TARGET, Contacts(log, defects).answer, log_path=log) as live:
        return examine_codes(live, document(text), 1)


@pytest.mark.parametrize(
    ("defects", "text", "rules"),
    [
        ((), "The code works once.", set()),
        (("anybody",), "", {"codes.not-bound"}),
        (("anybody", "link"), "", set()),  # the code alone says whose address it is: nobody else's becomes another
        (("again",), "The code works once.", {"codes.reusable"}),
        (("again",), "", set()),  # what promises nothing is noted
    ],
)
def test_a_code_is_for_the_session_that_asked_for_it(
    tmp_path: Path, defects: tuple[str, ...], text: str, rules: set[str]
) -> None:
    report = examined(tmp_path / "log", *defects, text=text)
    assert {(finding.rule, finding.operation) for finding in report.findings} == {(rule, CONFIRM) for rule in rules}
    assert ("codes.reusable" in {note.rule for note in report.observations}) is ("again" in defects and not text)


@dataclass
class Doors:
    """Gives a platform with fresh data each time."""

    log: Path
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        with served(TARGET, Contacts(self.log).answer, log_path=self.log) as live:
            yield live


def test_who_may_not_confirm_is_refused_beside_somebody_who_had_the_right_code(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    matrix = AuthorizationRun(Doors(tmp_path / "log"), document(""), seed=1).run()
    assert matrix.gaps(CONFIRM) == []
    assert [(cell.user, cell.twin) for item in matrix.of(CONFIRM) for cell in item.cells if cell.allowed] == [("two", "")]
    assert all(cell.twin for item in matrix.of(CONFIRM) for cell in item.cells if not cell.allowed)


def test_a_reset_is_not_for_whom_another_flow_gave_a_new_address(tmp_path: Path) -> None:
    whole = document("")
    with served(TARGET, Contacts(tmp_path / "log").answer) as live, World(live) as world:
        scene = Scene(world, whole, 1)
        flow = next(flow for flow in flows_of(whole, TARGET.codes) if flow.is_reset)
        users = {Codes(scene, flow, starts=start).start_request()[0].user for start in range(4)}
    assert users == {"one"}
