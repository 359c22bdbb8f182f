"""Sends requests to a running target as one of its users, within bounds, and gives answers that are safe to hold."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote_plus

import httpx

from harness.model.errors import TargetError
from harness.model.finding import Request
from harness.model.target import Role, User
from harness.probes.http.answers import Answer
from harness.probes.http.door import Credential, Door, token_of
from harness.probes.http.forging import Forgery, forgeries, is_asymmetric, key_of, read_jwt, refresh_forgery
from harness.probes.http.public_keys import PATHS, public_keys
from harness.probes.http.raw_bytes import as_bytes
from harness.probes.openapi.operations import SAFE_METHODS

ANSWER_BYTES_MAX = 4 * 1024 * 1024
ANSWER_TIME_S_MAX = 20.0
SLOW_ANSWERS_MAX = 2  # answers that one route may fail to give in time; after that it is waited for shortly only
SLOW_ROUTES_MAX = 3
IMPATIENT_S = 3.0
_ENCODINGS = ("", "identity", "gzip", "deflate")
RETRY_AFTER_S_MAX = 2.0  # a longer wait asked for by a 429 is not kept: the answer stands
# Stand in a body for the user's own: no request that is kept holds a credential.
USERNAME, EMAIL, PASSWORD, REFRESH_TOKEN = "${username}", "${email}", "${password}", "${refresh_token}"


class TargetDied(TargetError):
    """The target does not answer any more. `request` is the first one that it left unanswered."""

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
        self._fatal: Request | None = None  # after it nothing was answered: who takes its death for a refusal goes on asking
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
        return frozenset().union(*(held.texts for held in self._credentials.values()))

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
                self._fatal = self._fatal or request
                raise TargetDied(self._fatal, answer.error)
        self._fatal = None
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
        """A header with `${token:expired}` in it: the user's token, forged in that way (see `harness.probes.http.forging`)."""
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
        truncated = late = False
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
        elapsed_s = time.monotonic() - begun
        return Answer(answered.status_code, headers, content, elapsed_s=elapsed_s, truncated=truncated, endless=late)

    def _body(self, request: Request) -> bytes | None:
        if request.body is None:
            return None
        text = request.body
        if request.role and request.user:
            user = self.user(request.role, request.user)[1]
            written = quote_plus if _is_form(request) else _json_inner
            for mark, value in ((USERNAME, user.username), (EMAIL, user.address), (PASSWORD, user.password)):
                for spelled in (mark, quote_plus(mark)):  # a form that was made from members has escaped it
                    if spelled in text:
                        text = text.replace(spelled, written(value))
            if REFRESH_TOKEN in text:
                held = self.credential(request.role, request.user).refresh_token
                text = text.replace(REFRESH_TOKEN, written(held))
        return as_bytes(text)


def route_of(method: str, path: str) -> str:
    """The method and path of a request, whatever object it names: `GET /leads/{}`."""
    return f"{method} {_ID.sub('/{}', path.partition('?')[0])}"


_ID = re.compile(r"/(\d+|[0-9a-f]{8}-?[0-9a-f-]{20,})(?=/|$)", re.I)
_FORGED = re.compile(r"\$\{token:([a-z0-9_-]+)\}", re.I)


def _overridden(below: Mapping[str, str], above: Mapping[str, str]) -> dict[str, str]:
    """Headers of the request over those of the credential, whatever the case of their names."""
    names = {name.lower() for name in above}
    return {**{name: value for name, value in below.items() if name.lower() not in names}, **above}


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
