"""Sends requests to a running target as one of its users, within bounds, and gives answers that are safe to hold."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import quote_plus

import httpx

from harness.model.errors import TargetError
from harness.model.finding import Request
from harness.model.target import Login, Role, Target, User
from harness.probes.forging import Forgery, forgeries, is_asymmetric, key_of, read_jwt, refresh_forgery
from harness.probes.operations import SAFE_METHODS, is_json_type
from harness.probes.public_keys import PATHS, public_keys

ANSWER_BYTES_MAX = 4 * 1024 * 1024
ANSWER_TIME_S_MAX = 20.0
SLOW_ANSWERS_MAX = 2  # answers that one route may fail to give in time; after that it is waited for shortly only
SLOW_ROUTES_MAX = 3
IMPATIENT_S = 3.0
_ENCODINGS = ("", "identity", "gzip", "deflate")
RETRY_AFTER_S_MAX = 2.0  # a longer wait asked for by a 429 is not kept: the answer stands
# Stand in a body for the user's own: no request that is kept holds a credential.
USERNAME, PASSWORD, REFRESH_TOKEN = "${username}", "${password}", "${refresh_token}"


@dataclass(frozen=True)
class Credential:
    """What a signed-in user sends with each request."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    refresh_token: str = field(default="", repr=False)  # of the log-in's answer, where it gave one


class Door(Protocol):
    """A running target on data of its own, as the probes need it."""

    @property
    def target(self) -> Target:
        """What the target file says."""

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at the end."""

    @property
    def log_path(self) -> Path | None:
        """The file that its output goes to; None where it was not started here."""

    @property
    def dsn(self) -> str:
        """Address of its database, where the harness provides it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Keys that the harness gave the target, one of which may sign its tokens."""

    def alive(self) -> bool:
        """Whether it still answers."""

    def sign_in(self, role: Role, user: User) -> Credential:
        """Logs in. Raises `TargetError` where the target refuses."""

    def seen_from(self, source: str) -> Door:
        """The same target, asked directly (through no proxy) from another address of this machine."""

    def client(self) -> httpx.Client:
        """A client without credentials, that follows no redirects and talks to the target's hosts only."""


@dataclass(frozen=True)
class Answer:
    """What came back. `status` 0 is no answer at all, with `error` saying why; a body over the bound is cut."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    error: str = ""
    elapsed_s: float = 0.0
    truncated: bool = False

    @cached_property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", errors="replace")

    @cached_property
    def json(self) -> Any:
        """The body as plain data, or None where it is no JSON."""
        if not self.content or self.truncated:
            return None
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def header(self, name: str) -> str:
        """The first header of that name, "" where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def header_all(self, name: str) -> tuple[str, ...]:
        """All headers of that name (`Set-Cookie` comes many times)."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def is_success(self) -> bool:
        """A 2xx that does not say in its body that it failed."""
        return 200 <= self.status < 300 and not self.is_soft_refusal

    @property
    def is_soft_refusal(self) -> bool:
        """A 2xx whose JSON says that nothing was done: `success: false`, `ok: false`, `status: "error"`, errors without data."""
        data = self.json
        if not isinstance(data, Mapping):
            return False
        if data.get("success") is False or data.get("ok") is False:
            return True
        if str(data.get("status", "")).lower() in ("error", "fail", "failed", "failure"):
            return True
        return bool(data.get("errors")) and not data.get("data")

    @property
    def is_denial(self) -> bool:
        """A refusal for want of a credential or a right: 401, 403, 404, or a redirect (to a log-in page)."""
        return self.status in (401, 403, 404) or 300 <= self.status < 400

    @property
    def is_of_the_door(self) -> bool:
        """Whether whoever asked did not get behind the door: no answer, 401, 403, or too many requests."""
        return self.status in (0, 401, 403, 429)

    @property
    def media_type(self) -> str:
        """Essence of the content type, in lower case."""
        return self.header("content-type").split(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return is_json_type(self.media_type)

    @property
    def is_html(self) -> bool:
        """Whether it is a page."""
        return self.media_type in ("text/html", "application/xhtml+xml")


class TargetDied(TargetError):
    """The target does not answer any more. `request` is the last one that was sent."""

    def __init__(self, request: Request, error: str) -> None:
        super().__init__(f"the target died; the last request was {request.method} {request.path} ({error})")
        self.request = request


@dataclass
class Traffic:
    """What was sent so far, for the report."""

    requests: int = 0
    limited: int = 0  # answered 429
    lost: int = 0  # no answer
    sign_ins: int = 0


class World:
    """One running target and the sessions of its users.

    An answer is waited for `patience_s`; on a route that was late twice, or where many were, only for a moment.
    """

    def __init__(self, door: Door, *, patience_s: float = ANSWER_TIME_S_MAX) -> None:
        self.door = door
        self.target = door.target
        self.traffic = Traffic()
        self._credentials: dict[tuple[str, str], Credential] = {}
        self._forgeries: dict[str, dict[str, Forgery]] = {}
        self._patience_s = patience_s
        self._slow: Counter[str] = Counter()  # by route: how often its answer was not there in time
        self._client = door.client()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def user(self, role: str, user: str) -> tuple[Role, User]:
        """A role and its user by name (`one#2` is `one` in a second session); `KeyError` where there is none."""
        found = self.target.role(role)
        return found, {account.name: account for account in found.users}[user.partition("#")[0]]

    def credential(self, role: str, user: str) -> Credential:
        """The user's session, logged in once; the empty credential for nobody (role "").

        Raises:
            TargetError: the log-in was refused.
        """
        if not role:
            return Credential()
        if (role, user) not in self._credentials:
            self.traffic.sign_ins += 1
            self._credentials[role, user] = self.door.sign_in(*self.user(role, user))
        return self._credentials[role, user]

    @property
    def tokens(self) -> frozenset[str]:
        """The secrets of all sessions that are held: bearer tokens and cookies, as they are sent, and refresh tokens."""
        headers = (value.rpartition(" ")[2] for held in self._credentials.values() for value in held.headers.values())
        cookies = (value for held in self._credentials.values() for value in held.cookies.values())
        renewing = (held.refresh_token for held in self._credentials.values() if held.refresh_token)
        return frozenset((*headers, *cookies, *renewing))

    def forget(self, role: str, user: str) -> None:
        """Logs in anew before the user's next request."""
        self._credentials.pop((role, user), None)

    def send(self, request: Request, *, renew: bool = True) -> Answer:
        """Sends a request once with the session of its role and user.

        A header of the session that the request names with an empty value is left out.

        Args:
            renew: after a 401 the session may be over (the target logged us out): log in anew and send once more.

        Raises:
            TargetError: the target is dead, or refused the log-in.
        """
        answer = self.send_as(request, self.credential(request.role, request.user))
        if answer.status == 401 and request.role and renew:
            self.forget(request.role, request.user)
            answer = self.send_as(request, self.credential(request.role, request.user))
        return answer

    def send_as(self, request: Request, credential: Credential) -> Answer:
        """Sends a request with exactly this credential. A 429 that asks for a short wait is waited for once.

        Raises:
            TargetError: the target is dead, or a write is not allowed on it.
        """
        if request.method not in SAFE_METHODS and not self.target.allow.writes:
            raise TargetError(
                f"{request.method} {request.path}: the target file does not allow writes", hint="allow.writes = true"
            )
        answer = self._exchange(request, credential)
        wait_s = _retry_after_s(answer)
        if wait_s is not None:
            self.traffic.limited += 1
            time.sleep(wait_s)
            answer = self._exchange(request, credential)
        if answer.status == 0:
            self.traffic.lost += 1
            if not self.door.alive():
                raise TargetDied(request, answer.error)
        return answer

    def _exchange(self, request: Request, credential: Credential) -> Answer:
        self.traffic.requests += 1
        begun = time.monotonic()
        own = {name.lower() for name in credential.headers}
        taken = {
            name for name, value in request.headers.items() if not value and name.lower() in own
        }  # as curl does with `-H name:`
        above = {name: self._forged(value, request) for name, value in request.headers.items()}
        headers = {name: value for name, value in _overridden(credential.headers, above).items() if name not in taken}
        if credential.cookies and "cookie" not in {name.lower() for name in headers}:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in credential.cookies.items())
        body = self._body(request)
        address, patience_s = self.door.base_url + request.path, self._patience(route_of(request.method, request.path))
        try:
            built = self._client.build_request(request.method, address, headers=headers, content=body, timeout=patience_s)
            return self._received(built, begun, patience_s, route_of(request.method, request.path))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            self._slow[route_of(request.method, request.path)] += isinstance(error, httpx.ReadTimeout)
            return Answer(0, error=f"{type(error).__name__}: {error}"[:200], elapsed_s=time.monotonic() - begun)

    def _patience(self, route: str) -> float:
        is_patient = self._slow[route] < SLOW_ANSWERS_MAX and self._slow.total() < SLOW_ROUTES_MAX * SLOW_ANSWERS_MAX
        return self._patience_s if is_patient else min(self._patience_s, IMPATIENT_S)

    def _forged(self, value: str, request: Request) -> str:
        """A header with `${token:expired}` in it: the user's token, forged in that way (see `harness.probes.forging`)."""
        found = _FORGED.search(value)
        if found is None or not request.role:
            return value
        made = self.forgeries(request.role, request.user).get(found[1])
        return _FORGED.sub((made.text if made else None) or "", value).strip()

    def forgeries(self, role: str, user: str) -> Mapping[str, Forgery]:
        """Everything that can be forged from the user's present token, by name; nothing where the role sends none."""
        held = self.credential(role, user)
        text = token_of(held, self.user(role, user)[0].login)
        if text not in self._forgeries:
            token = read_jwt(text)
            key = key_of(token, self.door.secrets) if token else None
            shown = self._public_keys() if token is not None and is_asymmetric(token) else ()
            made = [*forgeries(text, key, public_keys=shown), *refresh_forgery(text, held.refresh_token)] if text else []
            self._forgeries[text] = {each.name: each for each in made}
        return self._forgeries[text]

    def _public_keys(self) -> tuple[str, ...]:
        answers = (self.send_as(Request("GET", path), Credential()) for path in PATHS)
        return public_keys((answer.text, answer.json) for answer in answers if answer.is_success)

    def _received(self, built: httpx.Request, begun: float, patience_s: float, route: str) -> Answer:
        received = bytearray()
        truncated = False
        answered = self._client.send(built, stream=True)
        try:
            self._client.cookies.clear()  # sessions are sent on purpose or not at all
            if answered.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
                unasked = tuple(answered.headers.multi_items())  # it may grow without bound when it is decoded
                return Answer(answered.status_code, unasked, elapsed_s=time.monotonic() - begun, truncated=True)
            for chunk in answered.iter_bytes():
                received += chunk
                late = time.monotonic() - begun > patience_s
                if len(received) > ANSWER_BYTES_MAX or late:
                    truncated = True
                    self._slow[route] += late
                    break
        finally:
            answered.close()
        headers = tuple(answered.headers.multi_items())
        content = bytes(received[:ANSWER_BYTES_MAX])
        return Answer(answered.status_code, headers, content, elapsed_s=time.monotonic() - begun, truncated=truncated)

    def _body(self, request: Request) -> bytes | None:
        if request.body is None:
            return None
        text = request.body
        if request.role and request.user:
            user = self.user(request.role, request.user)[1]
            written = quote_plus if _is_form(request) else _json_inner
            for mark, value in ((USERNAME, user.username), (PASSWORD, user.password)):
                for spelled in (mark, quote_plus(mark)):  # a form that was made from members has escaped it
                    if spelled in text:
                        text = text.replace(spelled, written(value))
            if REFRESH_TOKEN in text:
                held = self.credential(request.role, request.user).refresh_token
                text = text.replace(REFRESH_TOKEN, written(held))
        return text.encode("utf-8", errors="surrogatepass")


def route_of(method: str, path: str) -> str:
    """The method and path of a request, whatever object it names: `GET /leads/{}`."""
    return f"{method} {_ID.sub('/{}', path.partition('?')[0])}"


_ID = re.compile(r"/(\d+|[0-9a-f]{8}-?[0-9a-f-]{20,})(?=/|$)", re.I)
_FORGED = re.compile(r"\$\{token:([a-z0-9_-]+)\}", re.I)


def _overridden(below: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """Headers of the request over those of the credential, whatever the case of their names."""
    names = {name.lower() for name in above}
    return {**{name: value for name, value in below.items() if name.lower() not in names}, **above}


def token_of(credential: Credential, login: Login) -> str:
    """The bare token of a credential: what stands in for `{token}` in the header, or the session cookie; "" without either."""
    if login.cookie:
        return credential.cookies.get(login.cookie, "")
    value = credential.headers.get(login.header, "")
    before, mark, after = login.value.partition("{token}")
    return value.removeprefix(before).removesuffix(after) if mark else ""


def forged_header(login: Login, name: str) -> dict[str, str]:
    """The header that carries a forged token in place of the user's own (see `World.send`)."""
    mark = "${token:" + name + "}"
    return {"Cookie": f"{login.cookie}={mark}"} if login.cookie else {login.header: login.value.replace("{token}", mark)}


def with_headers(request: Request, headers: Mapping[str, str]) -> Request:
    """The request with further headers."""
    return replace(request, headers={**request.headers, **headers})


def _is_form(request: Request) -> bool:
    return any(name.lower() == "content-type" and "urlencoded" in value for name, value in request.headers.items())


def _json_inner(text: str) -> str:
    return json.dumps(text)[1:-1]


def _retry_after_s(answer: Answer) -> float | None:
    if answer.status != 429:
        return None
    try:
        wait_s = float(answer.header("retry-after"))
    except ValueError:
        return None
    return wait_s if 0 <= wait_s <= RETRY_AFTER_S_MAX else None
