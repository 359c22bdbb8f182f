"""A small platform that guards its doors: limits for clients and accounts, registration and reset by code. Its guards come off
by name (`defects`), one at a time. Habits are `eight-digits` (codes of eight digits, of which others are refused uncounted),
`late-mail` (a code is sent after the answer), `page-token` (a log-in brings the token of the log-in page) and `tokens-first`
(a token that is none is refused with 401 before anything is counted). `shows-role` tells who has registered what they are.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl

from harness.model.target import Allow, CodeFlow, Environment, Limits, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

PASSWORD = "Aa1" + secrets.token_hex(8)
LIMITS = Limits(requests=30, log_in_attempts=5, failed_per_account=5, window_s=900, exempt=("/health",))
_MEMBER = [{"token": []}]


def _operation(*members: str, security: object = (), **more: object) -> dict[str, object]:
    schema = {"type": "object", "required": list(members), "properties": {name: {"type": "string"} for name in members}}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}} if members else {}
    return {"responses": {"default": {"description": "any"}}, "security": list(security), **body, **more}  # type: ignore[call-overload]


DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Gate", "version": "1"},
        "paths": {
            "/login": {"post": _operation("email", "password")},
            "/register/start": {"post": _operation("email", "name")},
            "/register/confirm": {"post": _operation("email", "code")},
            "/password/forgot": {"post": _operation("email")},
            "/password/reset": {"post": _operation("email", "code", "new_password")},
            "/me": {"get": _operation(security=_MEMBER), "delete": _operation(security=_MEMBER)},
            "/notes": {"get": _operation(security=_MEMBER)},
            "/news": {"get": _operation()},
            "/news/{news_id}": {"get": _operation()},
        },
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
)
PAGE = '<form method="post" action="/enter"><input name="email" type="email"><input name="password" type="password"></form>'


def target(limits: Limits) -> Target:
    login = Login("json", "/login", {"email": "{username}", "password": "{password}"}, token="$.token")
    users = (User("one", "ann@gate.test", PASSWORD), User("two", "ben@gate.test", PASSWORD))
    return Target(
        "gate",
        "Gate",
        Environment.LOCAL,
        Path(),
        ("127.0.0.1",),
        Allow(writes=True, active_scan=True),
        (Role("member", login, users, page_login="/enter"),),
        health_path="/health",
        limits=limits,
    )


def _with_page_token(described: Target) -> Target:
    """As its file says it: the log-in is read from the page first."""
    (role,) = described.roles
    body = {**role.login.body, "csrf": "{page_token}"}
    return replace(described, roles=(replace(role, login=replace(role.login, body=body, page="/enter", page_token="csrf")),))


@dataclass
class Gate:
    """The platform's state."""

    defects: frozenset[str] = frozenset()
    limits: Limits = LIMITS
    seen: Counter[str] = field(default_factory=Counter)
    log_ins: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    tokens: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: {"ann@gate.test": PASSWORD, "ben@gate.test": PASSWORD})
    codes: dict[str, tuple[str, int]] = field(default_factory=dict)  # code and wrong tries, by address
    sent: int = 0
    log: Path | None = None

    def has(self, defect: str) -> bool:
        return defect in self.defects

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, "ok")
        if self.has("tokens-first") and "authorization" in asked.headers and asked.token not in self.tokens:
            return Given(401, {"error": "no such token"})
        return self._answer(asked)

    def _answer(self, asked: Asked) -> Given:
        client = self._client(asked)
        if self.limits.requests and self._counts(asked):
            self.seen[client] += 1
            over = self.seen[client] - self.limits.requests
            if over > 0 and not (self.has("fills-up-again") and over % 3 == 0):
                return Given(429, {"error": "too many requests"}, {"Retry-After": "900"})
        if asked.method == "POST" and asked.path in ("/login", "/enter"):
            return self._log_in(asked, client)
        if asked.method == "POST" and asked.path in ("/register/start", "/password/forgot"):
            return self._send_code(asked)
        if asked.method == "POST" and asked.path in ("/register/confirm", "/password/reset"):
            return self._take_code(asked)
        if asked.method == "POST" and asked.path.startswith("/password/reset/"):  # the code in the path alone
            token = asked.path.rpartition("/")[2]
            whose = next((who for who, (right, _) in self.codes.items() if right == token), "")
            words = {**(asked.body if isinstance(asked.body, dict) else {}), "email": whose, "code": token}
            return self._take_code(replace(asked, path="/password/reset", raw=json.dumps(words).encode()))
        if asked.path == "/enter":
            token = secrets.token_hex(8)
            page = PAGE.replace("</form>", f'<input type="hidden" name="csrf" value="{token}"></form>')
            return Given(200, page, {"Content-Type": "text/html", "Set-Cookie": f"gate={token}; HttpOnly; SameSite=Lax"})
        if asked.path in ("/me", "/notes"):
            return self._own(asked)
        return Given(200, {"news": []}) if asked.path.startswith("/news") else Given(404, {"error": "none"})

    def _client(self, asked: Asked) -> str:
        if self.has("believes-forwarded"):
            return asked.headers.get("x-forwarded-for", asked.client)
        if self.has("believes-agent"):
            return f"{asked.client} {asked.headers.get('user-agent')}"
        return "everybody" if self.has("shared") else asked.client

    def _counts(self, asked: Asked) -> bool:
        if self.has("forgets-a-route") and asked.path.startswith("/news/"):
            return False
        return not (self.has("no-limit") or (self.has("signed-in-unlimited") and asked.token in self.tokens))

    def _log_in(self, asked: Asked, client: str) -> Given:
        words = asked.body if asked.path == "/login" else _form(asked.raw)
        if not isinstance(words, dict):
            return Given(422, {"error": "two words are wanted"})
        if self.has("page-token") and asked.headers.get("cookie") != f"gate={words.get('csrf')}":
            return Given(422, {"error": "load the page again"})
        self.log_ins[client] += 1
        if (
            self.limits.log_in_attempts
            and not self.has("log-in-unlimited")
            and self.log_ins[client] > self.limits.log_in_attempts
        ):
            return Given(429, {"error": "too many log-ins"})
        name = str(words.get("email", ""))
        account = name.strip().lower()
        key = name if self.has("counts-the-name-as-sent") else account
        key = f"{client} {key}" if self.has("counts-client-and-account") else key
        if (
            self.limits.failed_per_account
            and not self.has("account-unlimited")
            and self.failed[key] >= self.limits.failed_per_account
        ):
            return Given(429, {"error": "too many log-ins"})
        if account in self.passwords and words.get("password") == self.passwords[account]:
            token = secrets.token_hex(16)
            self.tokens[token] = account
            return Given(200, {"token": token})
        self.failed[key] += 1
        if self.has("logs-passwords"):
            self._mail(f"refused {name}: {words.get('password')}\n")
        return Given(401, {"error": "wrong"})

    def _own(self, asked: Asked) -> Given:
        if self.has("logs-tokens") and self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{asked.method} {asked.path} {asked.token}\n")
        if asked.token not in self.tokens:
            return Given(401, {"error": "log in"})
        if asked.method == "DELETE" and self.has("no-closing"):
            return Given(409, {"error": "not today"})
        if asked.method == "DELETE":
            self._close(self.tokens[asked.token])
            return Given(204)
        return Given(200, {"of": self.tokens[asked.token]})

    def _close(self, account: str) -> None:
        if not self.has("closed-log-in"):
            self.passwords.pop(account, None)
        if not self.has("closed-token"):
            self.tokens = {token: whose for token, whose in self.tokens.items() if whose != account}

    def _send_code(self, asked: Asked) -> Given:
        words = asked.body
        if not isinstance(words, dict) or "@" not in str(words.get("email", "")):
            return Given(422, {"error": "an address is wanted"})
        email = words["email"]
        is_reset = asked.path == "/password/forgot"
        if is_reset and email not in self.passwords:
            return Given(404, {"error": "unknown"}) if self.has("reset-tells-status") else Given(202, {"sent": True})
        if not is_reset and email in self.passwords and self.has("register-tells-status"):
            return Given(409, {"error": "there is such an account"})
        self.sent += 1
        code = f"{secrets.randbelow(1_000_000):06d}"
        code = f"{secrets.randbelow(100_000_000):08d}" if self.has("eight-digits") else code
        code = "123456" if self.has("constant-code") else f"{400_000 + self.sent}" if self.has("counted-code") else code
        code = secrets.token_urlsafe(32) if self.has("long-code") else code
        code = f"POWER100-RESET-{code}" if self.has("prefixed-code") else code
        self.codes[email] = (code, 0)
        link = f"http://gate.test/password/reset/{code}" if self.has("long-code") else ""
        line = f"to {email}: your code is {code} {link}\n"
        if self.has("late-mail"):
            threading.Timer(0.15, self._mail, (line,)).start()
        else:
            self._mail(line)
        return Given(202, {"sent": True, **({"debug": {"code": code}} if self.has("returns-code") else {})})

    def _mail(self, line: str) -> None:
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(line)

    def _take_code(self, asked: Asked) -> Given:
        words = asked.body
        if not isinstance(words, dict):
            return Given(422, {"error": "an object is wanted"})
        email, code = str(words.get("email", "")), str(words.get("code", ""))
        if self.has("code-alone"):
            email = next((who for who, (right, _) in self.codes.items() if right == code), "")
        right, tries = self.codes.get(email, ("", 0))
        if self.has("unbound-code"):
            right = next((right for right, _ in self.codes.values() if right == code), right)
        if self.has("eight-digits") and not re.fullmatch(r"[0-9]{8}", code):
            return Given(400, {"error": "a code has eight digits"})
        is_right = self.has("any-code") or (bool(right) and code == right)
        if not is_right or (tries >= 5 and not self.has("guessable-code")):
            self.codes[email] = (right, tries + 1)
            return Given(400, {"error": "the code is wrong or void"})
        if not self.has("reusable-code"):
            self.codes.pop(email, None)
        if asked.path == "/password/reset" and email in self.passwords:
            self.passwords[email] = str(words.get("new_password"))
            self.tokens = {token: whose for token, whose in self.tokens.items() if whose != email}
        role = {"role": words.get("role", "member") if self.has("takes-role") else "member"} if self.has("shows-role") else {}
        return Given(200, {"done": True, "token": secrets.token_hex(8), **role})


def _form(raw: bytes) -> dict[str, str]:
    return dict(parse_qsl(raw.decode()))


@dataclass
class Gates:
    """Gives a platform with the same defects and fresh data each time."""

    defects: frozenset[str] = frozenset()
    limits: Limits = LIMITS
    isolated: bool = True
    started: int = 0
    log: Path | None = None
    codes: tuple[CodeFlow, ...] = ()  # what the target file says of them
    promises: bool = True  # whether the target file says what the limits are

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        self.started += 1
        described = replace(target(self.limits if self.promises else Limits()), codes=self.codes)
        described = _with_page_token(described) if "page-token" in self.defects else described
        with served(described, Gate(self.defects, self.limits, log=self.log).answer, log_path=self.log) as live:
            yield live
